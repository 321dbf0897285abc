"""What the tests of the command line share: a home of their own, and commands run in this process."""

from pathlib import Path

import pytest

import month
import scenes
from codex_telemetry import log
from codex_telemetry.cli import app
from commands import Answer, Command


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything is, and a zone that is not UTC."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    for name in ("CODEX_TELEMETRY_DB", "CODEX_TELEMETRY_CONFIG", "CODEX_TELEMETRY_LOG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CODEX_TELEMETRY_HOME", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "codex-home").mkdir()
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex-home"))
    return folder


@pytest.fixture
def database(home: Path) -> Path:
    return home / "telemetry.db"


@pytest.fixture
def cli(capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run a command here; what it printed is read as UTF-8."""

    def run(*words: str) -> Answer:
        capsysbinary.readouterr()
        code = app.run(list(words))
        log.configure(None, Path())  # a process of its own would have ended here
        out, err = capsysbinary.readouterr()
        return Answer(code, out.decode(), err.decode())

    return run


@pytest.fixture
def march(database: Path) -> Path:
    """Enough turns for percentiles; see `month`."""
    return month.write(database)


@pytest.fixture
def week(database: Path) -> Path:
    """`scenes.week`, saved."""
    return scenes.write(database, *scenes.week())


@pytest.fixture
def limited(database: Path) -> Path:
    """Two hours of rate limits, at the end of which it is `scenes.LIMITED_AT`, and a busy turn."""
    session = scenes.session()
    return scenes.write(database, session, scenes.busy_turn(session), *scenes.limits())


@pytest.fixture
def months(database: Path) -> Path:
    """See `a_quarter`."""
    return a_quarter(database)


def a_quarter(database: Path) -> Path:
    """Turns on most days of three months, in two projects, by two models of which one has no price;
    some of them a subagent's."""
    own = scenes.session(git_repo=scenes.told("hash1"))
    called = scenes.session(
        n=1,
        relation=scenes.told("subagent"),
        root_session_id=scenes.told(own.session_id),
        cwd=scenes.told("/home/me/.trees/a/project"),
    )
    other = scenes.session(scenes.T0 + scenes.DAY, cwd=scenes.told("/home/me/other"))
    turns = []
    for n in range(80):
        if n % 7 in (5, 6):
            continue
        at = scenes.T0 + n * scenes.DAY
        of = (own, called, other)[n % 3]
        model = "gpt-5.5-mini" if n % 9 == 2 else "gpt-5.5"
        total = 20_000 + n * n * 700 % 90_000
        tier = "priority" if n % 31 == 3 else None
        turns.append(
            scenes.turn(
                of,
                at,
                90_000,
                n=n + 1,
                cwd=None,
                model=scenes.told(model),
                service_tier=tier and scenes.told(tier),
                responses={total: scenes.response(at + 30_000, total)},
            )
        )
    return scenes.write(database, own, called, other, *turns)

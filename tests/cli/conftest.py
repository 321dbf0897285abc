"""What the tests of the command line share: a home of their own, and commands run in this process."""

from pathlib import Path

import pytest

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
def week(database: Path) -> Path:
    """`scenes.week`, saved."""
    return scenes.write(database, *scenes.week())


@pytest.fixture
def limited(database: Path) -> Path:
    """Two hours of rate limits, at the end of which it is `scenes.LIMITED_AT`, and a busy turn."""
    session = scenes.session()
    return scenes.write(database, session, scenes.busy_turn(session), *scenes.limits())

"""What every test may ask for, and the last line, which counts what was skipped for want of something.

- `codex`: the real Codex; the test runs once for each pinned release, or, with
  `@pytest.mark.codex("0.169.0")`, for those named.
- `recordings`: recorded streams and rollouts of real releases, unpacked.
- `@pytest.mark.alone`: it measures time; nothing else runs beside it.
- `canary`: a telemetry home; at the end no file in it, and nothing printed, holds what was said.
- `@pytest.mark.root`: skipped for an ordinary user.
"""

import os
import re
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from canary import Canary
from real_codex import RELEASES, WANT, RealCodex, do_without, real_codex
from recordings import Recordings

WANTS = (WANT, "root", "tmux")

# How long an example takes says nothing on a machine that is busy with other things.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "codex" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("codex")
        versions = mark.args if mark and mark.args else RELEASES
        metafunc.parametrize("codex", versions, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "codex" in getattr(item, "fixturenames", ()):
            item.add_marker("codex")  # so that `-m "not codex"` leaves it out


def pytest_runtest_setup(item: pytest.Item) -> None:
    mark = item.get_closest_marker("codex")
    if mark and "codex" not in getattr(item, "fixturenames", ()):
        for version in mark.args or RELEASES:
            real_codex(version)
    if item.get_closest_marker("root") and os.geteuid() != 0:
        do_without("root", "run as root to try it")


@pytest.fixture(scope="session")
def codex(request: pytest.FixtureRequest) -> RealCodex:
    return real_codex(request.param)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return Recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def canary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Canary]:
    """All that a process of this home can write lies under `tmp_path / "canary"`."""
    root = tmp_path / "canary"
    (root / "temp").mkdir(parents=True)
    env = {
        "HOME": str(root),
        "TMPDIR": str(root / "temp"),
        "CODEX_TELEMETRY_HOME": str(root / "home"),
        "CODEX_HOME": str(tmp_path / "codex-home"),
        **{f"XDG_{kind}_HOME": str(root / kind) for kind in ("DATA", "CONFIG", "STATE", "CACHE")},
    }
    (tmp_path / "codex-home").mkdir(exist_ok=True)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    for name in ("CODEX_TELEMETRY_DB", "CODEX_TELEMETRY_CONFIG", "CODEX_TELEMETRY_LOG"):
        monkeypatch.delenv(name, raising=False)
    found = Canary(root / "home", env, folders=[root])
    yield found
    found.heard(*capsysbinary.readouterr())
    found.check()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    result = yield  # pytest's own last line is written in here
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        skipped = Counter(
            want
            for report in terminal.stats.get("skipped", ())
            for want in WANTS
            if re.search(f"for want of {want}: ", str(report.longrepr))
        )
        if skipped:
            counts = [f"{skipped[want]} for want of {want}" for want in WANTS if skipped[want]]
            total = skipped.total()
            terminal.write_line(
                f"{total} test{'s' if total > 1 else ''} skipped: {', '.join(counts)}"
            )
    return result

"""The log is off, private, and without a value from a session."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_telemetry import log


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "telemetry.log"


@pytest.fixture(autouse=True)
def _off(file: Path) -> Iterator[None]:
    yield
    log.configure(None, file)


def test_nothing_is_logged_and_no_file_made_unless_asked_for(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log.configure(None, file)
    log.event(log.LOST)
    assert not file.parent.exists()
    assert capfd.readouterr() == ("", "")


def test_an_event_is_a_line_in_a_private_file(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log.configure("info", file)
    log.event(log.SAVE_FAILED, error="OperationalError")
    told = json.loads(file.read_text())
    assert (told["event"], told["error"], told["level"]) == (
        log.SAVE_FAILED,
        "OperationalError",
        "warning",
    )
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert capfd.readouterr() == ("", "")


def test_less_than_the_level_is_left_out(file: Path) -> None:
    log.configure("error", file)
    log.event(log.COLLECTOR_STARTED)
    assert file.read_text() == ""


def test_a_crash_is_told_by_its_calls_and_not_by_its_message(file: Path) -> None:
    log.configure("error", file)
    with pytest.raises(KeyError) as raised:
        raise KeyError("SECRET")
    log.crash(raised.value)
    assert log.raised_at(raised.value).startswith("test_log.py:")
    text = file.read_text()
    assert "test_log.py" in text
    assert "SECRET" not in text


@pytest.mark.parametrize("what", ["folder", "link", "fifo", "no folder"])
def test_a_log_that_cannot_be_opened_is_done_without(tmp_path: Path, what: str) -> None:
    file = tmp_path / "log"
    target = tmp_path / "target"
    if what == "folder":
        file.mkdir()
    elif what == "link":
        file.symlink_to(target)
    elif what == "fifo":
        os.mkfifo(file)
    else:
        (tmp_path / "x").write_text("")
        file = tmp_path / "x" / "log"
    log.configure("debug", file)
    log.event(log.LOST)
    assert not target.exists()


def test_a_log_does_not_grow_for_ever(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 10)
    for _ in range(3):
        log.configure("info", file)
        log.event(log.SPOOLED)
    assert {path.name for path in file.parent.iterdir()} == {"telemetry.log", "telemetry.log.1"}
    assert len(file.read_text().splitlines()) == 1


def test_a_log_that_stays_open_does_not_either(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 300)
    log.configure("info", file)
    for _ in range(50):
        log.event(log.SAVE_FAILED, error="OperationalError")
    assert {path.name for path in file.parent.iterdir()} == {"telemetry.log", "telemetry.log.1"}
    assert all(path.stat().st_size < 600 for path in file.parent.iterdir())

"""A conversation to be disturbed, and what of it there is where nothing disturbs."""

from pathlib import Path
from typing import NamedTuple

import pytest

from backfill.codex_home import place as put_logs
from backfill.codex_home import take_in
from collecting import Place
from faults.counted import Things, things
from faults.session import held, stream
from recordings import Frame, Recordings

SAID = ("b_shell", "c_patch", "f_interrupt", "h_compact", "k_resume_fork", "n_approval", "p_steer")


class Conversation(NamedTuple):
    """Some threads of one release, as they were recorded, and their logs."""

    frames: list[Frame]
    home: Path
    logged: Path
    """A database that only has the logs."""
    heard: Things
    """What there is of it, heard undisturbed."""
    both: Things
    """And with the logs."""

    @property
    def half(self) -> int:
        return len(self.frames) // 2


@pytest.fixture(scope="session")
def conversations(
    recordings: Recordings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Conversation]:
    """By release."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return {name: _undisturbed(recordings, name, folder / name) for name in ("0.125.0", "0.169.0")}


@pytest.fixture
def conversation(conversations: dict[str, Conversation]) -> Conversation:
    return conversations["0.169.0"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path / "place")
    for name, value in place.env.items():
        monkeypatch.setenv(name, value)
    return place


def _undisturbed(recordings: Recordings, release: str, folder: Path) -> Conversation:
    patterns = [f"{release}/{scenario}" for scenario in SAID]
    frames = stream(recordings, *patterns)
    folder.mkdir()
    home, logged, whole = folder / "home", folder / "logged.db", Place(folder / "whole")
    put_logs(recordings.like(*patterns), home)
    take_in(logged, home)
    with held(whole, frames) as session:
        session.finish()
        session.settle()
    heard = things(whole.database)
    take_in(whole.database, home)
    return Conversation(frames, home, logged, heard, things(whole.database))

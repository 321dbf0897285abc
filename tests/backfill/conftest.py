"""A home with one thread of four turns, as three releases write it."""

from pathlib import Path

import pytest

from backfill.codex_home import place
from recordings import Recording, Recordings
from told import sent_by_the_model


@pytest.fixture(params=["0.42.0/v1_resume", "0.125.0/h_compact", "0.169.0/h_compact"])
def recording(recordings: Recordings, request: pytest.FixtureRequest) -> Recording:
    """One thread with four turns."""
    return recordings.one(request.param)


@pytest.fixture
def home(recording: Recording, tmp_path: Path) -> Path:
    return place([recording], tmp_path / "home")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


@pytest.fixture
def truth(recording: Recording) -> int:
    return sent_by_the_model(recording)

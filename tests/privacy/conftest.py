"""A home of its own for each test, and all recordings in databases that are made once."""

import shutil
from pathlib import Path

import pytest

from cli import conftest as shared
from codex_telemetry import privacy
from codex_telemetry.settings import Settings
from privacy.everything import everything
from recordings import Recordings

cli, database, home, week = shared.cli, shared.database, shared.home, shared.week


@pytest.fixture(scope="session")
def all_told(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database in which nothing is hashed that needn't be."""
    folder = tmp_path_factory.mktemp("all") / "normal"
    everything(recordings, folder, privacy.veil(Settings(), folder / "telemetry.db"))
    return folder


@pytest.fixture(scope="session")
def all_strict(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database in which all is hashed that may be."""
    folder = tmp_path_factory.mktemp("all") / "strict"
    veil = privacy.veil(Settings(privacy="strict"), folder / "telemetry.db")
    everything(recordings, folder, veil)
    return folder


@pytest.fixture
def normal(all_told: Path, home: Path) -> Path:
    """The home with a copy of the one."""
    shutil.copytree(all_told, home, dirs_exist_ok=True)
    return home


@pytest.fixture
def strict(all_strict: Path, home: Path) -> Path:
    """The home with a copy of the other, and a config that says so."""
    shutil.copytree(all_strict, home, dirs_exist_ok=True)
    (home / "config.toml").write_text('privacy = "strict"\n')
    return home

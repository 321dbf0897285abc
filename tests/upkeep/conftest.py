"""All recordings, once for all who only copy them."""

from pathlib import Path

import pytest

from cli import conftest as shared
from codex_telemetry import pricing
from codex_telemetry.settings import DEFAULT
from privacy.everything import everything
from recordings import Recordings

cli, home = shared.cli, shared.home


@pytest.fixture(scope="session")
def every(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All recordings, heard and logged, in one database; their home is beside it. Read only."""
    folder = tmp_path_factory.mktemp("upkeep") / "home"
    database = everything(recordings, folder)
    pricing.bring_up_to_date(database, pricing.wanted(DEFAULT))
    return database

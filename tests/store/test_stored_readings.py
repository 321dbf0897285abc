"""Readings of limits take little room, and their columns say what was told."""

from pathlib import Path

import pytest

from codex_telemetry.core.facts import LimitSample
from codex_telemetry.store.stored_values import stored_uuid
from saved import BORN, batch, query, save, thread

ODD = (None, "", "not an id", thread(1).upper(), f"{thread(1)}0", f" {thread(1)}")


@pytest.mark.parametrize("session_id", [thread(1), *ODD])
def test_whose_a_reading_is_is_what_was_told(tmp_path: Path, session_id: str | None) -> None:
    path = tmp_path / "t.db"
    save(path, batch("a", LimitSample("codex", 300, BORN, 1.0, BORN, session_id=session_id)))
    assert query(path, "SELECT session_id FROM rate_limits") == [(session_id,)]


def test_an_id_takes_half_the_room() -> None:
    told = stored_uuid(thread(1))
    assert told is not None
    assert len(told) == 16
    assert [stored_uuid(session_id) for session_id in ODD] == [*ODD]

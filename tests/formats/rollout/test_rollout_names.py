"""What a file's name and a line's stamp tell."""

import pytest

from codex_telemetry.formats.rollout import rollout_name
from codex_telemetry.formats.rollout.moments import log_ms


@pytest.mark.parametrize(
    ("stamp", "ms"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2026-11-23T06:42:19.247Z", 1795416139247),
        ("2026-11-23T06:42:19Z", 1795416139000),
        ("2026-11-23T07:42:19.247+01:00", 1795416139247),
        ("2026-11-23T06:42:19.247123Z", 1795416139247),
        ("2026-02-30T06:42:19.247Z", None),
        ("2026-11-23T25:42:19.247Z", None),
        ("2026-11-23T06:42:19.2²7Z", None),
        ("yesterday", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_stamps_are_read_in_every_form(stamp: object, ms: int | None) -> None:
    assert log_ms(stamp) == ms


THREAD = "01a20724-ba81-74e2-afa5-de28553b7520"
REVERT = "01a20724-bf4e-7472-b33c-5f001850303c"


@pytest.mark.parametrize(
    ("filename", "parts"),
    [
        (
            f"rollout-2026-11-23T06-42-58-{THREAD}.jsonl",
            (THREAD, "2026-11-23T06-42-58", None, False),
        ),
        (
            f"rollout-2026-11-23T06-42-58-{THREAD}_{REVERT}.jsonl.zst",
            (THREAD, "2026-11-23T06-42-58", REVERT, True),
        ),
        (f"rollout-2026-11-23T06-42-58-{THREAD}.json", None),
        (f"old-rollout-2026-11-23T06-42-58-{THREAD}.jsonl", None),
        ("rollout-maintenance.lock", None),
        ("session_index.jsonl", None),
        ("", None),
    ],
)
def test_a_files_name_tells_its_thread(filename: str, parts: tuple[object, ...] | None) -> None:
    assert rollout_name(filename) == parts

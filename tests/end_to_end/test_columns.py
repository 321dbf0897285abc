"""From a recording to the columns of the database, where no report shows them yet."""

from pathlib import Path
from typing import Any

import pytest

from recordings import Recordings
from store_of import rows
from stored import stored


@pytest.mark.parametrize(
    ("name", "column", "n"),
    [
        ("0.169.0/h_compact", "compactions", 1),
        ("0.169.0/j_revert_paginated", "rollbacks", 1),
        ("0.169.0/i_review", "reviews", 1),
        ("0.169.0/f_interrupt", "turns_interrupted", 2),
        ("0.169.0/g_errors", "turns_failed", 1),
    ],
)
@pytest.mark.parametrize("told", [(True, False), (True, True)], ids=["heard", "heard and logged"])
async def test_state_changes_are_counted_by_session(
    recordings: Recordings, tmp_path: Path, name: str, column: str, n: int, told: tuple[bool, bool]
) -> None:
    database = await stored(tmp_path, recordings.one(name), live=told[0], logged=told[1])
    counted = [row[column] for row in rows(database, "SELECT * FROM sessions")]
    assert max(counted) == n


def one(found: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = found
    return row


async def test_what_only_a_log_counts_has_its_columns(
    recordings: Recordings, tmp_path: Path
) -> None:
    recording = recordings.one("0.169.0/b_shell")
    row = one(
        rows(await stored(tmp_path, recording, live=True, logged=True), "SELECT * FROM turns")
    )
    assert (row["function_call"], row["custom_tool_call"], row["local_shell_call"]) == (3, 0, 0)
    assert (row["web_search_call"], row["compaction"], row["images"]) == (0, 0, 0)
    assert row["reasoning_chars"] == len("**CANARY-REASON-1** run a command")
    assert row["context_percent_left"] == 99
    assert row["sources"] == 3
    assert row["has_base_instructions"] is not None


async def test_what_only_a_log_counts_is_unknown_without_it(
    recordings: Recordings, tmp_path: Path
) -> None:
    recording = recordings.one("0.169.0/b_shell")
    row = one(
        rows(await stored(tmp_path, recording, live=True, logged=False), "SELECT * FROM turns")
    )
    assert (row["function_call"], row["images"], row["reasoning_chars"]) == (None, None, None)


async def test_the_extensions_of_images_have_a_column(
    recordings: Recordings, tmp_path: Path
) -> None:
    database = await stored(tmp_path, recordings.one("0.169.0/m_image"), live=True, logged=True)
    found = [
        (row["images"], row["local_images"], row["image_extensions"])
        for row in rows(database, "SELECT * FROM turns")
    ]
    assert any(extensions == '{"png":1}' for _, _, extensions in found)

"""Each file is read once, and only what is new of it; whatever is written to it is noticed."""

import os
import random
import shutil
from pathlib import Path

import pytest

from backfill.codex_home import (
    first_turns,
    fresh,
    only,
    place,
    rollouts,
    rows,
    take_in,
    total_tokens,
)
from codex_telemetry.backfill import one_file
from codex_telemetry.core.facts import Captured
from recordings import Recordings, names
from saved import query

COPIED = names("*/k_resume_fork", "*/x_exec_resume", "0.42.0/v1_resume", "0.169.0/w_*")
"""Those with copies of rollouts at earlier moments."""
MOMENTS = ("old", "before-resume", "compressed", "resumed")
"""In order of time."""


def test_a_run_ends_with_the_milestones_of_all_it_read(home: Path, database: Path) -> None:
    take_in(database, home)
    assert query(database, "SELECT count(*) FROM windows_due") == [(0,)]
    ((crossed, tokens),) = query(
        database, "SELECT count(*), max(cumulative_tokens) FROM milestones"
    )
    assert crossed > 2
    # Limits are told with the head of a response, which may be before it is counted.
    assert 0 < tokens <= total_tokens(database)


def test_the_second_run_opens_nothing(
    home: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[str] = []

    def spy(path: Path, *flags: int) -> int:
        if str(path).startswith(str(home)):
            paths.append(str(path))
        return real(path, *flags)

    real = os.open
    monkeypatch.setattr(os, "open", spy)
    first = take_in(database, home)
    assert paths == [str(only(home))]
    assert (first.files, first.files_read) == (1, 1)
    assert first.bytes_read == only(home).stat().st_size
    second = take_in(database, home)
    assert paths == [str(only(home))]
    assert (second.files, second.files_read, second.lines, second.bytes_read) == (1, 0, 0, 0)
    assert (len(second.sessions), len(second.turns), second.responses) == (0, 0, 0)


def test_of_a_long_file_no_line_is_read_twice(
    home: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, take = 0, one_file.OneFile._take

    def count(self: one_file.OneFile, line: bytes, captured: Captured) -> None:
        nonlocal lines
        lines += 1
        take(self, line, captured)

    monkeypatch.setattr(one_file.OneFile, "_take", count)
    monkeypatch.setattr(one_file, "SAVE_EVERY", only(home).stat().st_size // 3)
    take_in(database, home)
    assert lines == len(only(home).read_bytes().splitlines())


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_file_that_grows_is_read_on(
    home: Path, database: Path, truth: int, tmp_path: Path, ends: bytes
) -> None:
    path = only(home)
    whole = path.read_bytes().replace(b"\n", ends)
    cuts = sorted(random.Random(3).sample(range(1, len(whole)), 12))
    bytes_read = 0
    for cut in [*cuts, len(whole)]:
        path.write_bytes(whole[:cut])
        bytes_read += take_in(database, home).bytes_read
    assert bytes_read == len(whole), "nothing was read twice"
    assert total_tokens(database) == truth
    assert rows(database) == fresh(home, tmp_path)


@pytest.mark.parametrize("name", COPIED)
def test_what_codex_does_to_a_file_counts_nothing_twice(
    recordings: Recordings, tmp_path: Path, name: str
) -> None:
    """Resumed, upgraded, migrated in place, compressed, unpacked again: copies of each moment."""
    recording, database = recordings.one(name), tmp_path / "t.db"
    home = place([recording], tmp_path / "home")
    where = {path.name.removesuffix(".zst"): path for path in rollouts(home)}
    for moment in MOMENTS:
        for copy in (c for c in recording.copies() if c.name.startswith(moment)):
            stem = copy.name.removeprefix(f"{moment}-").removesuffix(".zst")
            where[stem].unlink(missing_ok=True)
            where[stem].with_name(f"{stem}.zst").unlink(missing_ok=True)
            shutil.copy(copy, where[stem].with_name(copy.name.removeprefix(f"{moment}-")))
        take_in(database, home)
    for path in rollouts(home):
        path.unlink()
    place([recording], home)
    take_in(database, home)
    assert rows(database) == fresh(home, tmp_path)


def test_of_a_truncated_file_only_what_is_left_counts(
    home: Path, database: Path, truth: int, tmp_path: Path
) -> None:
    take_in(database, home)
    path = only(home)
    path.write_bytes(first_turns(path))
    assert take_in(database, home).files_read == 1
    assert rows(database) == fresh(home, tmp_path)
    assert 0 < total_tokens(database) < truth
    path.write_bytes(b"")
    take_in(database, home)
    assert rows(database) == {table: [] for table in rows(database)}


def test_other_content_of_the_same_length_is_noticed(
    home: Path, database: Path, tmp_path: Path
) -> None:
    take_in(database, home)
    path = only(home)
    before, counted = path.read_bytes(), rows(database)["responses"]
    now = before[4096:-256].replace(b'"output_tokens":5', b'"output_tokens":6')
    path.write_bytes(before[:4096] + now + before[-256:])
    assert path.stat().st_size == len(before)
    take_in(database, home)
    assert rows(database) == fresh(home, tmp_path)
    assert rows(database)["responses"] != counted


def test_another_threads_file_in_its_place_takes_its_rows(
    home: Path, database: Path, recordings: Recordings, tmp_path: Path
) -> None:
    take_in(database, home)
    (other,) = recordings.one("0.169.0/a_plain").rollouts()
    shutil.copy(other, only(home))
    take_in(database, home)
    assert rows(database) == fresh(home, tmp_path)
    assert len(rows(database)["turns"]) == 1

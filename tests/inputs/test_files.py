"""Rollout files are found once each, and known again after whatever happens to them."""

import hashlib
import os
import shutil
from itertools import islice
from pathlib import Path

import pytest
import zstandard

from codex_telemetry.inputs.files import Found, RolloutFile, find
from codex_telemetry.inputs.opened import MOST_IN_A_LINE, Mark, opened

STEM = "rollout-2026-11-23T06-42-01-01a20723-e07a-7931-8126-7830aff6bc9a"
TEXT = b'{"a":1}\n{"b":2}\n'


def write(
    home: Path, content: bytes = TEXT, folder: str = "sessions/2026/11/23", end: str = ""
) -> Path:
    path = home / folder / f"{STEM}.jsonl{end}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(content) if end else content)
    return path


def only(found: Found) -> RolloutFile:
    (file,) = found.files
    return file


START = Mark(0, *[hashlib.blake2b(b"", digest_size=16).digest()] * 2)


def mark(file: RolloutFile, lines: int | None = None) -> Mark:
    """Of a file read up to the end, or the end of so many lines."""
    with opened(file) as rollout:
        for _ in islice(rollout.lines(), lines):
            pass
        return rollout.mark


def continues(file: RolloutFile, before: Mark) -> bool:
    with opened(file) as rollout:
        return rollout.goes_on(before)


def read(file: RolloutFile, since: Mark = START) -> list[tuple[bytes | None, int]]:
    """Each line without its end, and the offset behind it."""
    with opened(file) as rollout:
        assert rollout.goes_on(since)
        return [(bare(line), rollout.end) for line in rollout.lines()]


def bare(line: bytes | None) -> bytes | None:
    return None if line is None else line.rstrip(b"\r\n")


def texts(file: RolloutFile, since: Mark = START) -> list[bytes | None]:
    return [line for line, _ in read(file, since)]


def test_a_rollout_is_found_wherever_it_lies(tmp_path: Path) -> None:
    write(tmp_path)
    assert only(find(tmp_path)).relative == f"sessions/2026/11/23/{STEM}.jsonl"
    shutil.rmtree(tmp_path / "sessions")
    write(tmp_path, folder="archived_sessions")
    assert only(find(tmp_path)).archived
    shutil.rmtree(tmp_path / "archived_sessions")
    write(tmp_path, end=".zst")
    assert only(find(tmp_path)).compressed


def test_of_two_copies_the_plain_and_unarchived_one_counts(tmp_path: Path) -> None:
    write(tmp_path, end=".zst")
    write(tmp_path, folder="archived_sessions")
    write(tmp_path)
    file = only(find(tmp_path))
    assert (file.archived, file.compressed) == (False, False)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "sessions" / "notes.jsonl").write_bytes(TEXT)
    (tmp_path / "sessions" / f"{STEM}.jsonl.tmp").write_bytes(TEXT)
    (tmp_path / "history.jsonl").write_bytes(TEXT)
    assert len(find(tmp_path).files) == 1


def test_no_link_leads_out_of_the_home(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    write(home)
    write(elsewhere, folder="secrets")
    os.symlink(elsewhere / "secrets", home / "sessions" / "more")
    other = STEM.replace("06-42-01", "06-42-02")
    os.symlink(elsewhere / "secrets" / f"{STEM}.jsonl", home / "sessions" / f"{other}.jsonl")
    found = find(home)
    assert (len(found.files), found.unreadable) == (1, 2)


def test_a_folder_of_sessions_may_itself_lie_elsewhere(tmp_path: Path) -> None:
    home, disk = tmp_path / "home", tmp_path / "disk"
    home.mkdir()
    write(disk)
    os.symlink(disk / "sessions", home / "sessions")
    assert len(find(home).files) == 1


def test_links_that_loop_end(tmp_path: Path) -> None:
    write(tmp_path)
    os.symlink(tmp_path / "sessions", tmp_path / "sessions" / "2026" / "again")
    os.symlink(f"{STEM}y.jsonl", tmp_path / "sessions" / f"{STEM}y.jsonl")
    found = find(tmp_path)
    assert (len(found.files), found.unreadable) == (1, 1)


def test_what_is_no_file_is_counted_and_never_opened(tmp_path: Path) -> None:
    folder = write(tmp_path).parent
    os.symlink(tmp_path / "nowhere", folder / f"{STEM}x.jsonl")
    os.mkfifo(folder / f"{STEM}y.jsonl")
    (folder / f"{STEM}z.jsonl").mkdir()
    found = find(tmp_path)
    assert (len(found.files), found.unreadable) == (1, 2)


def test_a_name_that_is_no_text_can_be_stored(tmp_path: Path) -> None:
    folder = write(tmp_path).parent
    Path(os.fsdecode(os.fsencode(folder) + b"/rollout-\xff.jsonl")).write_bytes(TEXT)
    for file in find(tmp_path).files:
        (file.stem + file.relative).encode()


def test_a_home_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find(tmp_path / "none")
    assert find(tmp_path).files == []


@pytest.mark.parametrize("end", ["", ".zst"])
def test_reading_goes_on_where_it_stopped(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, end=end)
    file = only(find(tmp_path))
    assert read(file) == [(b'{"a":1}', 8), (b'{"b":2}', 16)]
    assert texts(file, mark(file, 1)) == [b'{"b":2}']
    before = mark(file)
    write(tmp_path, TEXT + b'{"c":3}\n', end=end)
    grown = only(find(tmp_path))
    assert path.exists()
    assert continues(grown, before)
    assert texts(grown, before) == [b'{"c":3}']


def test_a_moved_archived_or_compressed_file_is_known_again(tmp_path: Path) -> None:
    write(tmp_path)
    before = mark(only(find(tmp_path)))
    shutil.rmtree(tmp_path / "sessions")
    write(tmp_path, folder="archived_sessions")
    assert continues(only(find(tmp_path)), before)
    shutil.rmtree(tmp_path / "archived_sessions")
    write(tmp_path, folder="archived_sessions", end=".zst")
    assert continues(only(find(tmp_path)), before)


@pytest.mark.parametrize(
    "content",
    [b'{"a":1}\n', b"", b'{"x":1}\n{"b":2}\n', b'{"a":1}\n{"y":2}\n{"c":3}\n'],
    ids=["truncated", "emptied", "another head", "another tail"],
)
def test_a_truncated_or_rewritten_file_is_another(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    before = mark(only(find(tmp_path)))
    write(tmp_path, content)
    assert not continues(only(find(tmp_path)), before)


def test_a_long_file_is_compared_at_both_ends(tmp_path: Path) -> None:
    rows = [b'{"n":%d}\n' % n for n in range(5_000)]
    for end in ("", ".zst"):
        write(tmp_path, b"".join(rows), end=end)
        file = next(f for f in find(tmp_path).files)
        size = sum(map(len, rows))
        before = mark(file)
        assert before.offset == size
        assert continues(file, before)
        write(tmp_path, b"".join([*rows[:-1], b'{"m":4999}\n']), end=end)
        assert not continues(only(find(tmp_path)), before)
        shutil.rmtree(tmp_path / "sessions")


def test_a_line_still_being_written_waits(tmp_path: Path) -> None:
    write(tmp_path, TEXT + b'{"half":')
    assert texts(only(find(tmp_path))) == [b'{"a":1}', b'{"b":2}']


def test_a_compressed_file_may_end_without_a_newline(tmp_path: Path) -> None:
    write(tmp_path, TEXT + b'{"c":3}', end=".zst")
    assert texts(only(find(tmp_path)))[-1] == b'{"c":3}'


def test_windows_line_ends_are_taken_off(tmp_path: Path) -> None:
    write(tmp_path, b'{"a":1}\r\n{"b":2}\r\n')
    assert texts(only(find(tmp_path))) == [b'{"a":1}', b'{"b":2}']


def test_a_line_too_long_is_skipped_and_the_next_is_read(tmp_path: Path) -> None:
    write(tmp_path, b"x" * (MOST_IN_A_LINE + 10) + b'\n{"b":2}\n')
    assert texts(only(find(tmp_path))) == [None, b'{"b":2}']


def test_nothing_is_read_of_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path, b"")
    file = only(find(tmp_path))
    assert texts(file) == []
    assert mark(file) == START


def test_what_is_written_while_a_half_line_is_read_isnt_taken_for_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT + b'{"half":')
    file = only(find(tmp_path))
    with opened(file) as rollout, path.open("ab") as log:
        rows = rollout.lines()
        got = [bare(next(rows)), bare(next(rows))]
        log.write(b'1}\n{"c":3}\n')
        log.flush()
        got += [bare(row) for row in rows]
        before = rollout.mark
    assert got + texts(file, before) == [b'{"a":1}', b'{"b":2}', b'{"half":1}', b'{"c":3}']


def test_what_takes_a_files_place_while_it_is_read_is_another(tmp_path: Path) -> None:
    path = write(tmp_path)
    with opened(only(find(tmp_path))) as rollout:
        rows = rollout.lines()
        next(rows)
        path.unlink()
        write(tmp_path, b'{"x":1}\n{"y":2}\n')
        assert [bare(row) for row in rows] == [b'{"b":2}']
        before = rollout.mark
    assert not continues(only(find(tmp_path)), before)


def test_a_compressed_file_that_ends_in_mid_line_is_read_anew_when_it_is_whole(
    tmp_path: Path,
) -> None:
    write(tmp_path, TEXT + b'{"c":', end=".zst")
    before = mark(only(find(tmp_path)))
    write(tmp_path, TEXT + b'{"c":3}\n', end=".zst")
    assert not continues(only(find(tmp_path)), before)


def test_a_file_compressed_in_parts_is_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, end=".zst")
    path.write_bytes(zstandard.compress(TEXT) + zstandard.compress(b'{"c":3}\n'))
    assert texts(only(find(tmp_path)))[-1] == b'{"c":3}'

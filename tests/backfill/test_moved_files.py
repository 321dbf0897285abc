"""A file is known again wherever it goes: compressed, archived, copied, gone, in two parts."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import zstandard

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
from codex_telemetry.store.writer import Writer
from recordings import Recordings
from saved import query
from told import sent_by_the_model


def compress(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.zst")
    packed.write_bytes(zstandard.compress(path.read_bytes()))
    path.unlink()
    return packed


def test_a_compressed_file_is_the_same_file(home: Path, database: Path, tmp_path: Path) -> None:
    path = only(home)
    whole = path.read_bytes()
    path.write_bytes(first_turns(path))
    take_in(database, home)
    packed = compress(path)
    take_in(database, home)
    path.write_bytes(whole)
    packed.unlink()
    unpacked = take_in(database, home)
    assert 0 < unpacked.bytes_read < len(whole), "read on from where it was"
    assert rows(database) == fresh(home, tmp_path)


def test_with_both_at_hand_the_plain_one_counts_and_then_the_other(
    home: Path, database: Path, truth: int
) -> None:
    path = only(home)
    path.with_name(f"{path.name}.zst").write_bytes(zstandard.compress(first_turns(path)))
    assert take_in(database, home).files == 1
    assert total_tokens(database) == truth
    path.with_name(f"{path.name}.zst").write_bytes(zstandard.compress(path.read_bytes()))
    assert take_in(database, home).files_read == 0
    path.unlink()
    assert take_in(database, home).bytes_read == 0, "nothing of it is new"
    assert total_tokens(database) == truth
    assert take_in(database, home).files_read == 0


def test_an_archived_file_is_known_again_and_said_to_be_there(
    home: Path, database: Path, tmp_path: Path
) -> None:
    take_in(database, home)
    path = only(home)
    archived = home / "archived_sessions" / path.name
    archived.parent.mkdir(exist_ok=True)
    path.rename(archived)
    moved = take_in(database, home)
    assert moved.bytes_read == moved.lines == 0
    assert query(database, "SELECT archived, rollout_path FROM sessions") == [
        (1, f"archived_sessions/{path.name}")
    ]
    assert rows(database) == fresh(home, tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    archived.rename(path)
    take_in(database, home)
    assert rows(database) == fresh(home, tmp_path)
    assert take_in(database, home).files_read == 0


def test_what_a_vanished_file_told_stays(home: Path, database: Path) -> None:
    take_in(database, home)
    before = rows(database)
    shutil.rmtree(home / "sessions")
    assert take_in(database, home).files == 0
    assert take_in(database, home, rebuild=True).files == 0
    assert rows(database) == before


def test_when_we_first_heard_of_it_stays(home: Path, database: Path) -> None:
    path, whole = only(home), only(home).read_bytes()
    path.write_bytes(first_turns(path))
    take_in(database, home)
    heard = "SELECT turn_id, captured_at FROM turns ORDER BY turn_index"
    session = "SELECT captured_at FROM sessions"
    turns, since = query(database, heard), query(database, session)
    path.write_bytes(whole)
    take_in(database, home)
    path.write_bytes(whole.replace(b"\n", b"\r\n"))
    take_in(database, home)
    take_in(database, home, rebuild=True)
    assert query(database, heard)[: len(turns)] == turns
    assert len(query(database, heard)) > len(turns)
    assert query(database, session) == since


def test_the_same_home_by_another_name_is_the_same(
    home: Path, database: Path, tmp_path: Path
) -> None:
    os.symlink(home, tmp_path / "link")
    assert take_in(database, home).files == 1
    assert take_in(database, tmp_path / "link", home / ".." / "home").files_read == 0


def test_a_file_in_two_homes_counts_once(home: Path, database: Path, truth: int) -> None:
    copy = shutil.copytree(home, home.with_name("copy"))
    take_in(database, home, copy)
    assert total_tokens(database) == truth


def test_a_thread_that_was_taken_back_has_two_files(
    recordings: Recordings, tmp_path: Path, database: Path
) -> None:
    recording = recordings.one("0.169.0/j_revert_paginated")
    home = place([recording], tmp_path / "home")
    older, newer = rollouts(home)
    assert newer.stem.startswith(older.stem[28:64], 28)
    for order in ([older, newer], [newer, older]):
        database.unlink(missing_ok=True)
        kept = {path: path.read_bytes() for path in order}
        for path in order:
            path.unlink()
        for path in order:
            path.write_bytes(kept[path])
            take_in(database, home)
        os.utime(older)
        take_in(database, home)
        assert total_tokens(database) == sent_by_the_model(recording)
        assert query(database, "SELECT rollout_path FROM sessions") == [
            (str(newer.relative_to(home)),)
        ]


def test_a_long_file_is_saved_in_parts_and_read_on_when_that_was_cut_short(
    home: Path, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    saves = 0

    async def save(*words: Any, **options: Any) -> bool:
        nonlocal saves
        saves += 1
        if saves % 3 == 0:
            raise Killed
        return await real(*words, **options)

    monkeypatch.setattr(one_file, "SAVE_EVERY", only(home).stat().st_size // 9)
    real = Writer.save
    with monkeypatch.context() as killing:
        killing.setattr(Writer, "save", save)
        while True:
            try:
                take_in(database, home)
            except Killed:
                continue
            break
    assert saves > 3
    assert rows(database) == fresh(home, tmp_path)
    assert take_in(database, home).files_read == 0

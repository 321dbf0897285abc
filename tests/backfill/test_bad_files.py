"""Whatever is the matter with a line costs that line, with a file that file; it is counted, and
nothing raises."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from backfill.codex_home import place, rollouts, rows, take_in, total_tokens
from powerless import powerless
from recordings import Recordings
from saved import query
from told import sent_by_the_model

MESSAGE = b'{"timestamp":"2026-11-23T06:42:46.000Z","type":"event_msg","payload":{}}\n'

BAD_LINES = {
    "half a line": b'{"timestamp":"2026-11-23T06:42:46.000Z","type":"event_\n',
    "NULs": b"\0" * 700 + b"\n",
    "invalid UTF-8": b'{"timestamp":"\xff\xfe","type":"\xc3\x28"}\n',
    "an array": b"[1,2]\n",
    "a number": b"17\n",
    "text": b"Segmentation fault (core dumped)\n",
    "binary": bytes(range(11, 256)) + b"\n",
    "deep": b"[" * 100_000 + b"\n",
}
HARMLESS = {
    "empty lines": b"\n\r\n\n",
    "NULs before a line": b"\0" * 64 + MESSAGE.replace(b'"payload":{}', b'"payload":{"type":"x"}'),
}


@pytest.fixture
def home(recordings: Recordings, tmp_path: Path) -> Path:
    return place([recordings.one("0.169.0/h_compact")], tmp_path / "home")


@pytest.fixture
def path(home: Path) -> Path:
    (path,) = rollouts(home)
    return path


@pytest.fixture
def truth(recordings: Recordings) -> int:
    return sent_by_the_model(recordings.one("0.169.0/h_compact"))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


def spoil(path: Path, bad: bytes) -> None:
    """Put it between two lines in the middle."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(len(lines) // 2, bad)
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_bad_line_costs_itself_and_is_counted(
    home: Path, path: Path, database: Path, truth: int, what: str
) -> None:
    spoil(path, BAD_LINES[what])
    tally = take_in(database, home)
    assert (tally.skipped_lines, tally.drift, tally.unreadable) == (1, 1, 0)
    assert query(database, "SELECT skipped_lines FROM rollout_files") == [(1,)]
    assert query(database, "SELECT name, n FROM drift") == [("(line)", 1)]
    assert total_tokens(database) == truth
    assert take_in(database, home).files_read == 0


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_no_line_at_all_costs_nothing(
    home: Path, path: Path, database: Path, truth: int, what: str
) -> None:
    spoil(path, HARMLESS[what])
    assert take_in(database, home).skipped_lines == 0
    assert total_tokens(database) == truth


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text + b"\0" * 4096,
        lambda text: text + b'{"timestamp":"2026-11-23T06:42:4',
    ],
    ids=["a BOM", "CRLF", "padded with NULs", "a half line at the end"],
)
def test_a_file_written_strangely_is_read_whole(
    home: Path, path: Path, database: Path, rewrite: Callable[[bytes], bytes]
) -> None:
    take_in(database.with_name("whole.db"), home)
    path.write_bytes(rewrite(path.read_bytes()))
    assert take_in(database, home).skipped_lines == 0
    assert rows(database) == rows(database.with_name("whole.db"))
    assert take_in(database, home).files_read == 0


def test_a_line_of_100_mb_costs_itself(home: Path, path: Path, database: Path, truth: int) -> None:
    spoil(path, MESSAGE[:-3] + b'"' + b"x" * 100_000_000 + b'"}}\n')
    begun = time.monotonic()
    tally = take_in(database, home)
    assert time.monotonic() - begun < 5
    assert tally.skipped_lines == 1
    assert total_tokens(database) == truth
    path.write_bytes(path.read_bytes() + MESSAGE)
    assert take_in(database, home).bytes_read == len(MESSAGE)


def other(path: Path, n: int, end: str = "") -> Path:
    """The name of another thread's file beside it."""
    return path.with_name(f"{path.name.replace('-9063-', f'-906{n}-')}{end}")


def test_files_that_are_none_cost_themselves(
    home: Path, path: Path, database: Path, truth: int
) -> None:
    other(path, 4).write_bytes(b"")
    other(path, 5).write_bytes(os.urandom(100_000))
    other(path, 6).write_bytes(b"\0" * 100_000)
    other(path, 7, ".zst").write_bytes(b"no zstandard at all")
    other(path, 8).mkdir()
    other(path, 9).symlink_to("nowhere.jsonl")
    os.mkfifo(other(path, 2))
    other(path, 1).symlink_to(other(path, 1).name)
    (path.parent / "again").symlink_to(home / "sessions")
    (path.parent / b"rollout-\xff.jsonl".decode(errors="surrogateescape")).write_bytes(MESSAGE)
    tally = take_in(database, home)
    assert tally.files == 5
    assert tally.unreadable == 4, "no zstandard, two links to nowhere, a pipe"
    assert tally.skipped_lines > 1
    assert total_tokens(database) == truth
    assert query(database, "SELECT count(*) FROM sessions") == [(1,)]
    assert take_in(database, home).files_read == 0, "until they change"


def test_folders_named_by_no_text_are_read(home: Path, path: Path, database: Path) -> None:
    folder = home / "sessions" / b"\xff\n".decode(errors="surrogateescape")
    folder.mkdir()
    path.rename(folder / path.name)
    assert take_in(database, home).files_read == 1
    assert query(database, "SELECT rollout_path FROM sessions")[0][0].endswith(path.name)
    assert take_in(database, home).files_read == 0


def test_of_a_broken_archive_what_can_be_read_is_kept(
    home: Path, path: Path, database: Path, truth: int
) -> None:
    whole = path.read_bytes()
    parts = [whole[n : n + 4096] for n in range(0, len(whole), 4096)]
    packed = bytearray(b"".join(map(zstandard.compress, parts)))
    packed[len(packed) // 2 :] = os.urandom(len(packed) // 2)
    path.unlink()
    path.with_name(f"{path.name}.zst").write_bytes(packed)
    tally = take_in(database, home)
    assert (tally.files_read, tally.unreadable) == (1, 1)
    assert tally.skipped_lines >= 1
    assert 0 < total_tokens(database) < truth
    assert take_in(database, home).files_read == 0
    path.with_name(f"{path.name}.zst").write_bytes(zstandard.compress(whole))
    take_in(database, home)
    assert total_tokens(database) == truth


def test_an_archive_cut_short_is_read_anew_when_it_is_whole(
    home: Path, path: Path, database: Path, truth: int
) -> None:
    packed = path.with_name(f"{path.name}.zst")
    compressed = zstandard.compress(path.read_bytes(), 1)
    path.unlink()
    for size in (10, len(compressed) // 2, len(compressed) - 1, len(compressed)):
        packed.write_bytes(compressed[:size])
        take_in(database, home)
    assert total_tokens(database) == truth
    assert query(database, "SELECT sum(n) FROM drift") == [(None,)]


READ = """
import sys, anyio
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from backfill.codex_home import take_in
tally = take_in(Path(sys.argv[1]), Path(sys.argv[2]))
print(tally.files, tally.files_read, tally.unreadable)
"""


def test_files_and_folders_that_may_not_be_read_are_counted(
    home: Path, path: Path, database: Path, truth: int, recordings: Recordings
) -> None:
    other(path, 4).write_bytes(MESSAGE)
    other(path, 4).chmod(0)
    place([recordings.one("0.169.0/k_resume_fork")], home)
    (home / "archived_sessions").chmod(0)
    forked = next(p for p in rollouts(home) if "cefe" in p.name)
    forked.unlink()
    command = [sys.executable, "-c", READ, str(database), str(home), *sys.path]
    said = subprocess.run(powerless(command), stdout=subprocess.PIPE, check=True).stdout
    assert said.split() == [b"2", b"1", b"2"]
    assert total_tokens(database) == truth
    (home / "archived_sessions").chmod(0o700)
    other(path, 4).chmod(0o600)
    tally = take_in(database, home)
    assert (tally.files, tally.files_read, tally.unreadable) == (3, 2, 0)


def test_a_file_that_grows_while_it_is_read_is_read_on(
    home: Path, path: Path, database: Path, truth: int
) -> None:
    whole = path.read_bytes()
    path.write_bytes(b"")
    writer = subprocess.Popen([sys.executable, "-c", SLOWLY, str(path)], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    writer.stdin.write(whole)
    writer.stdin.close()
    read, runs = 0, 0
    while writer.poll() is None:
        read += take_in(database, home).bytes_read
        runs += 1
    read += take_in(database, home).bytes_read
    assert runs > 3
    assert read == len(whole)
    assert total_tokens(database) == truth
    assert query(database, "SELECT count(*) FROM drift") == [(0,)]


SLOWLY = """
import sys, time
text = sys.stdin.buffer.read()
with open(sys.argv[1], "ab", buffering=0) as log:
    for n in range(0, len(text), 997):
        log.write(text[n:n + 997])
        time.sleep(0.005)
"""

"""Opening the database: made private, migrated under a lock, never somebody else's."""

import fcntl
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from codex_telemetry.errors import NewerDatabaseError, UserError
from codex_telemetry.store import db, ours
from codex_telemetry.store.ours import NotOursError
from codex_telemetry.store.writer import Writer
from powerless import powerless
from saved import batch, query, save, thread, turn

PATIENCE = 30.0
"""Seconds after which something that should have happened is taken for hanging."""


def everything_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and mode of each file; a folder or a pipe has no content."""
    return {
        path.name: (path.read_bytes() if path.is_file() else b"", path.stat().st_mode)
        for path in folder.iterdir()
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def version_of(path: Path) -> int:
    ((found,),) = query(path, "PRAGMA user_version")
    assert isinstance(found, int)
    return found


def python(code: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (db.schema_folder() / "sql").iterdir())
    assert [name[:5] for name in names] == [f"{n:04}_" for n in range(1, len(names) + 1)]
    assert db.version() == len(names)


def test_a_new_database_and_all_beside_it_are_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "telemetry.db"
    old = os.umask(0)
    try:
        db.prepare(path)
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert {p.name for p in path.parent.iterdir()} >= {
                "telemetry.db-wal",
                "telemetry.db-shm",
            }
            assert {mode(p) for p in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(old)
    assert mode(path.parent) == mode(path.parent.parent) == 0o700


def test_an_empty_file_becomes_ours_and_private(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    path.touch(0o644)
    db.prepare(path)
    assert mode(path) == 0o600
    assert version_of(path) == db.version()


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    db.prepare(tmp_path / "telemetry.db")
    assert mode(tmp_path) == 0o755


def test_several_processes_may_open_a_path_that_is_new(tmp_path: Path) -> None:
    path = tmp_path / "new" / "telemetry.db"
    code = """
import sys
from pathlib import Path
from codex_telemetry.store import db
db.migrations()
print("ready", flush=True)
sys.stdin.readline()
db.prepare(Path(sys.argv[1]))
with db.open_reader(Path(sys.argv[1])) as reader:
    print(reader.execute("SELECT count(*) FROM turns").fetchone()[0])
"""
    processes = [python(code, path) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert {answer.strip() for answer in answers} == {"0"}
    assert version_of(path) == db.version()


ONE = "CREATE TABLE one (x INTEGER) STRICT; INSERT INTO one VALUES (1);"
TWO = "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO two SELECT x + 1 FROM one;"


def test_a_migration_is_applied_once_and_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    db.prepare(path, [ONE])
    db.prepare(path, [ONE, TWO])
    db.prepare(path, [ONE, TWO])
    assert query(path, "SELECT * FROM one, two") == [(1, 2)]


def test_a_kill_between_two_migrations_leaves_a_whole_version(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    code = """
import os, signal, sys
from pathlib import Path
from codex_telemetry.store import db
class Deadly(list):
    def __getitem__(self, part):
        first, *rest = list(self)[part]
        yield first
        os.kill(os.getpid(), signal.SIGKILL)
db.prepare(Path(sys.argv[1]), Deadly(sys.argv[2:]))
"""
    killed = python(code, path, ONE, TWO)
    assert killed.wait(PATIENCE) == -signal.SIGKILL
    killed.communicate()
    assert version_of(path) == 1
    db.prepare(path, [ONE, TWO])
    assert query(path, "SELECT * FROM one, two") == [(1, 2)]


def test_a_kill_within_a_migration_leaves_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    endless = f"""{TWO}
WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) INSERT INTO two SELECT x FROM n;
"""
    code = """
import sys
from pathlib import Path
from codex_telemetry.store import db
db.prepare(Path(sys.argv[1]), sys.argv[2:])
"""
    db.prepare(path, [ONE])
    process = python(code, path, ONE, endless)
    spilled = path.with_name("telemetry.db-wal")
    deadline = time.monotonic() + PATIENCE
    while not (spilled.exists() and spilled.stat().st_size > 1 << 20):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert version_of(path) == 1
    db.prepare(path, [ONE, TWO])
    assert query(path, "SELECT * FROM one, two") == [(1, 2)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_migration_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    with pytest.raises(sqlite3.OperationalError):
        db.prepare(path, [ONE, TWO + "INSERT INTO three VALUES (1);"])
    assert version_of(path) == 1
    assert query(path, "SELECT name FROM sqlite_master WHERE type = 'table'") == [("one",)]


def test_a_kill_while_the_file_was_begun_is_mended(tmp_path: Path) -> None:
    """Its first page is written and its journal still there: SQLite takes the page back."""
    path, other = tmp_path / "telemetry.db", tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as begun:
        begun.execute(f"PRAGMA application_id={ours.APPLICATION_ID}")
    with closing(sqlite3.connect(other, isolation_level=None)) as begun:
        begun.execute("PRAGMA cache_size=1")
        begun.execute("BEGIN")
        begun.execute("CREATE TABLE large (x)")
        begun.execute("INSERT INTO large VALUES (zeroblob(200000))")
        journal = other.with_name("other.db-journal").read_bytes()
    path.with_name("telemetry.db-journal").write_bytes(journal)
    shutil.copytree(tmp_path, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy" / path.name)) as taken_back:
        assert taken_back.execute("PRAGMA page_count").fetchone() == (0,)
    db.prepare(path)
    assert version_of(path) == db.version()


def test_one_that_was_deleted_while_it_was_open_does_no_harm_to_the_next(tmp_path: Path) -> None:
    """SQLite's other files stay where they were, and a process that shares them goes on writing."""
    path = tmp_path / "telemetry.db"
    code = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
for n in range(600):
    other.execute("INSERT INTO spools VALUES (?, 0)", (f"file {n}",))
    if n == 300:
        print("halfway", flush=True)
        sys.stdin.readline()
print("done", flush=True)
sys.stdin.readline()
"""
    save(path, batch("a", turn(0, thread(0))))
    other = python(code, path)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "halfway\n"
    path.unlink()
    save(path, batch("a", turn(1, thread(1))))
    other.stdin.write("go on\n")
    other.stdin.flush()
    assert other.stdout.readline() == "done\n"
    save(path, batch("a", turn(2, thread(1), total=200)))
    other.communicate("end\n", timeout=PATIENCE)
    assert query(path, "SELECT turn_index FROM turns") == [(0,), (1,)]
    assert query(path, "SELECT count(*) FROM spools") == [(0,)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def newer(path: Path) -> None:
    db.prepare(path, [*db.migrations(), "CREATE TABLE from_the_future (x INTEGER) STRICT;"])


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    newer(path)
    before = everything_in(tmp_path)
    for look in (db.prepare, db.open_reader):
        with pytest.raises(NewerDatabaseError) as refused:
            look(path)
        assert refused.value.exit_code == 3
        assert refused.value.hint
        assert everything_in(tmp_path) == before


def test_a_database_that_becomes_newer_while_it_is_open_takes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"

    async def run() -> None:
        writer = await Writer.open(path)
        await writer.save(batch("a", turn(0, thread(0))))
        newer(path)
        with pytest.raises(NewerDatabaseError):
            await writer.save(batch("a", turn(1, thread(0))))
        await writer.close()

    anyio.run(run)
    assert query(path, "SELECT count(*) FROM turns") == [(1,)]


def other_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);")


def other_programs_after_a_crash(path: Path) -> None:
    """Its journal isn't brought to an end: to open it as usual would do that."""
    code = """
import os, sqlite3, sys
other = sqlite3.connect(sys.argv[1])
other.execute("PRAGMA journal_mode=WAL")
other.execute("CREATE TABLE theirs (x)")
other.execute("INSERT INTO theirs VALUES (1)")
other.commit()
os._exit(0)
"""
    process = python(code, path)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def other_programs_without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=1")


def other_programs_by_name(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA application_id=1")
        other.execute("PRAGMA user_version=99")


NOT_OURS: list[Callable[[Path], object]] = [
    other_programs,
    other_programs_after_a_crash,
    other_programs_without_tables,
    other_programs_by_name,
    lambda path: path.write_text("dear diary\n"),
    lambda path: path.write_bytes(bytes(4096)),
    lambda path: path.write_bytes(b"SQLite format 3\0"),
    lambda path: path.write_bytes(b"SQLite format 3\0" + os.urandom(8192)),
    lambda path: path.mkdir(),
    os.mkfifo,
    lambda path: path.with_name("telemetry.db-journal").write_text("dear diary\n"),
    lambda path: path.with_name("telemetry.db-wal").write_text("dear diary\n"),
]


@pytest.mark.parametrize("make", NOT_OURS)
def test_what_is_not_ours_is_not_touched(
    tmp_path: Path, make: Callable[[Path], object], request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "telemetry.db"
    make(path)
    before = everything_in(tmp_path)
    for look in (db.prepare, db.open_reader):
        with pytest.raises(UserError) as refused:
            look(path)
        assert refused.value.hint
    with pytest.raises(NotOursError):
        db.prepare(path)
    after = everything_in(tmp_path)
    after.pop("telemetry.db.lock", None)
    assert after == before
    assert "diary" not in str(refused.value)


def test_a_reader_says_where_there_is_nothing_yet(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no database yet") as refused:
        db.open_reader(tmp_path / "telemetry.db")
    assert refused.value.hint
    assert not list(tmp_path.iterdir())


def test_a_reader_brings_an_older_database_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    db.prepare(path, db.migrations()[:1])
    with closing(db.open_reader(path)) as reader:
        assert reader.execute("PRAGMA user_version").fetchone()[0] == db.version()


def test_a_reader_can_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    db.prepare(path)
    with closing(db.open_reader(path)) as reader, pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM turns")


READ = """
import sys
from pathlib import Path
from codex_telemetry.store import db
print(db.open_reader(Path(sys.argv[1])).execute("SELECT count(*) FROM turns").fetchone()[0])
"""


@pytest.mark.parametrize("folder", [0o500, 0o700])
def test_a_database_that_cannot_be_written_can_be_read(tmp_path: Path, folder: int) -> None:
    path = tmp_path / "telemetry.db"
    save(path, batch("a", turn(0, thread(0))))
    path.chmod(0o400)
    tmp_path.chmod(folder)
    before = everything_in(tmp_path)
    try:
        read = subprocess.run(
            powerless([sys.executable, "-c", READ, str(path)]),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        tmp_path.chmod(0o700)
    assert (read.stdout, read.stderr) == ("1\n", "")
    # Nothing is left beside it that couldn't be written later.
    assert everything_in(tmp_path) == before


def test_a_database_on_a_full_disk_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    save(path, batch("a", turn(0, thread(0))))
    path.with_name("telemetry.db-wal").touch()  # as far as a writer came there
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    read = subprocess.run(
        [sys.executable, "-c", full + READ, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (read.stdout, read.stderr) == ("1\n", "")


def test_the_lock_of_a_process_that_hangs_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "BUSY_MS", 50)
    path = tmp_path / "telemetry.db"
    with path.with_name("telemetry.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(sqlite3.OperationalError):
            db.prepare(path)
        assert not path.exists()
    db.prepare(path)


CHECKPOINT = """
import os, resource, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA wal_autocheckpoint=0")
db.execute("BEGIN")
db.executemany("INSERT INTO spools VALUES (?, 0)", [(f"{n:0500}",) for n in range(2000)])
db.execute("COMMIT")
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]) + 8192,) * 2)
try:
    db.execute("PRAGMA wal_checkpoint").fetchall()
except sqlite3.Error:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_checkpoint_that_was_cut_short_keeps_nobody_out(tmp_path: Path) -> None:
    """By a kill, or by a full disk: the file is shorter than it says, and the journal has the rest."""
    path = tmp_path / "telemetry.db"
    db.prepare(path)
    killed = subprocess.run([sys.executable, "-c", CHECKPOINT, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as alone,
        pytest.raises(sqlite3.DatabaseError, match="malformed"),
    ):
        alone.execute("PRAGMA user_version").fetchone()
    with closing(db.open_reader(path)) as reader:
        assert reader.execute("SELECT count(*) FROM spools").fetchone()[0] == 2000
    db.prepare(path)
    assert query(path, "PRAGMA integrity_check") == [("ok",)]

"""A copy is whole, private, and what was copied; and what takes the place of the database is that."""

import json
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from codex_telemetry.store import copies, ours
from codex_telemetry.store import db as store
from codex_telemetry.store.restore import restore
from commands import Command
from saved import BORN, batch, contents, query, save, thread, turn
from upkeep.kept import copied, prune
from upkeep.machine import hurt, made_newer, not_ours, writing


@pytest.fixture
def database(home: Path) -> Path:
    path = home / "telemetry.db"
    save(path, batch("a", *(turn(n, thread(0)) for n in range(4))))
    return path


def test_a_backup_is_what_was_copied_and_its_owners_alone(
    cli: Command, every: Path, home: Path, tmp_path: Path
) -> None:
    database = copied(every, tmp_path / "machine")
    target = tmp_path / "copy.db"
    told = json.loads(cli("backup", str(target), "--db", str(database), "--json").out)
    assert contents(target) == contents(database)
    assert told["turns"] == len(contents(target)["turns"])
    assert told["bytes"] == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [
        path.name for path in tmp_path.iterdir() if path.name.startswith(("copy", ".copy"))
    ] == ["copy.db"]


def test_a_backup_is_made_while_others_write(cli: Command, database: Path, tmp_path: Path) -> None:
    with writing(database):
        assert cli("backup", str(tmp_path / "copy.db")).code == 0
    assert contents(tmp_path / "copy.db") == contents(database)


def test_a_backup_takes_the_place_of_nothing_but_an_older_one(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    assert cli("backup", str(target)).code == 0
    before = target.read_bytes()
    save(database, batch("b", turn(9, thread(0))))
    refused = cli("backup", str(target))
    assert refused.code == 2
    assert refused.err.strip().endswith("is there already; name a new file, or say --force")
    assert target.read_bytes() == before
    assert cli("backup", "--force", str(target)).code == 0
    assert contents(target) == contents(database)
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    assert "is not a SQLite database" in cli("backup", "--force", str(other)).err
    assert other.read_text() == "mine"
    assert "the database itself" in cli("backup", "--force", str(database)).err
    assert "there is no folder" in cli("backup", str(tmp_path / "no" / "copy.db")).err


@pytest.mark.parametrize("harm", ["damaged", "short of a row"])
def test_a_copy_that_isnt_right_gets_no_name(
    cli: Command, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    whole = copies.copy

    def harmed(source: sqlite3.Connection, path: Path) -> None:
        whole(source, path)
        if harm == "damaged":
            hurt(path)
        else:
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("DELETE FROM drift")
                db.execute("DELETE FROM items")

    monkeypatch.setattr(copies, "copy", harmed)
    answer = cli("backup", str(tmp_path / "copy.db"))
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []


@pytest.mark.parametrize("links", [True, False])
def test_a_backup_needs_no_links(
    cli: Command, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert cli("backup", str(tmp_path / "copy.db")).code == 0
    assert cli("backup", str(tmp_path / "copy.db")).code == 2


def test_a_restore_brings_back_what_was_and_keeps_what_is(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    cli("backup", str(copy))
    was = contents(database)
    save(database, batch("b", turn(9, thread(5))))
    now = contents(database)
    told = json.loads(cli("restore", str(copy), "--yes", "--json").out)
    assert contents(database) == was
    assert contents(Path(told["kept"])) == now
    assert stat.S_IMODE(Path(told["kept"]).stat().st_mode) == 0o600
    assert told["turns"] == 4
    assert cli("restore", told["kept"], "--yes").code == 0
    assert contents(database) == now


def test_a_restore_where_there_was_none_is_the_database(
    cli: Command, database: Path, home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    cli("backup", str(copy))
    was = contents(database)
    for left in home.iterdir():
        left.unlink()
    told = json.loads(cli("restore", str(copy), "--yes", "--json").out)
    assert told["kept"] is None
    assert contents(database) == was
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_who_has_the_database_open_goes_on_with_what_was_restored(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    cli("backup", str(tmp_path / "copy.db"))
    with closing(sqlite3.connect(database)) as reader:
        save(database, batch("b", turn(9, thread(5))))
        assert reader.execute("SELECT count(*) FROM turns").fetchone() == (5,)
        assert cli("restore", str(tmp_path / "copy.db"), "--yes").code == 0
        assert reader.execute("SELECT count(*) FROM turns").fetchone() == (4,)
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    save(database, batch("b", turn(9, thread(5))))
    assert len(contents(database)["turns"]) == 5


def test_an_older_copy_is_brought_up_to_date(cli: Command, database: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    store.prepare(old, store.migrations()[:6])
    before = old.read_bytes()
    assert cli("restore", str(old), "--yes").code == 0
    assert query(database, "PRAGMA user_version") == [(store.version(),)]
    assert contents(database)["turns"] == []
    assert cli("merge", str(old)).code == 0
    assert old.read_bytes() == before


@pytest.mark.parametrize("command", ["restore", "merge"])
@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("another program's", 1, "is a database of another program"),
        ("a text", 1, "is not a SQLite database"),
        ("a newer one", 3, "was written by a newer version (schema 999"),
        ("a damaged one", 1, "is damaged; nothing was changed"),
        ("none", 1, "there is no database at"),
        ("an empty one", 1, "there is no database at"),
        ("a folder", 1, "is not a file"),
        ("itself", 2, "that is the database itself"),
    ],
)
def test_what_is_no_copy_of_ours_is_refused_and_nothing_changes(
    cli: Command, database: Path, tmp_path: Path, command: str, what: str, code: int, said: str
) -> None:
    file = tmp_path / "other.db"
    if what in ("a newer one", "a damaged one"):
        cli("backup", str(file))
    match what:
        case "another program's":
            not_ours(file)
        case "a text":
            file.write_text("CANARY-text " * 1000)
        case "a newer one":
            made_newer(file)
        case "a damaged one":
            hurt(file)
        case "an empty one":
            file.touch()
        case "a folder":
            file.mkdir()
        case "itself":
            file = database
    cli("turns")  # what was told is priced
    before, there = contents(database), sorted(path.name for path in database.parent.iterdir())
    answer = cli(command, str(file), *(["--yes"] if command == "restore" else []))
    assert answer.code == code, answer.err
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert contents(database) == before
    assert sorted(path.name for path in database.parent.iterdir()) == there


def test_while_another_process_writes_a_restore_waits_and_gives_up(
    cli: Command, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "BUSY_MS", 200)
    cli("backup", str(tmp_path / "copy.db"))
    before = contents(database)
    with writing(database):
        answer = cli("restore", str(tmp_path / "copy.db"), "--yes")
    assert answer.code == 1
    assert answer.err.startswith(f"codex-telemetry: another process is writing to {database}")
    assert contents(database) == before


def test_a_damaged_database_is_left_for_its_owner_to_move(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    cli("backup", str(tmp_path / "copy.db"))
    database.write_bytes(database.read_bytes()[:4096] + b"\xff" * 40_000)
    damaged = database.read_bytes()
    answer = cli("restore", str(tmp_path / "copy.db"), "--yes")
    assert answer.code == 1
    assert "is damaged" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert database.read_bytes() == damaged


def test_without_a_yes_nothing_is_restored(cli: Command, database: Path, tmp_path: Path) -> None:
    cli("backup", str(tmp_path / "copy.db"))
    assert cli("restore", str(tmp_path / "copy.db")).code == 2


# Content: what was erased doesn't come back.


def granted(database: Path, project: str = "/p", *, key: bytes = b"k" * 32) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO keys (project, public, kept_in, created_at) VALUES (?, ?, 'file', 1)",
            [project, key],
        )
        db.execute(
            "INSERT INTO grants (project, kinds, created_at, key_id) "
            "SELECT project, '[\"prompt\"]', 1, key_id FROM keys WHERE project = ?",
            [project],
        )
        db.execute(
            "INSERT INTO content (grant_id, session_id, turn_id, item_id, kind, at, size, cut_bytes,"
            " redactions, sealed) SELECT max(grant_id), 's', ?, 'i', 'prompt', 1, 1, 0, 0, x'00' FROM grants",
            [f"turn of {project}"],
        )


def erased(database: Path, project: str) -> None:
    from codex_telemetry.store import consent

    with consent.writing(database) as db:
        consent.erase(db, project)


def test_what_was_erased_since_is_not_brought_back(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    for project in ("/kept", "/erased", "/ended"):
        granted(database, project)
    cli("backup", str(copy))
    assert len(contents(copy)["content"]) == 3
    erased(database, "/erased")
    granted(database, "/new")
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("UPDATE grants SET ended_at = 5 WHERE project = '/ended'")
    now = contents(database)
    told = json.loads(cli("restore", str(copy), "--yes", "--json").out)
    assert told["content_left_out"] == 1
    restored = contents(database)
    assert {row["turn_id"] for row in restored["content"]} == {"turn of /kept", "turn of /ended"}
    assert restored["grants"] == now["grants"]
    assert restored["keys"] == now["keys"]
    assert b"turn of /erased" not in database.read_bytes()
    granted(database, "/erased")
    ids = query(database, "SELECT grant_id FROM grants ORDER BY 1")
    assert ids == [(1,), (3,), (4,), (5,)]


def test_what_was_sealed_with_a_key_that_is_gone_is_not_brought_back(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    granted(database)
    cli("backup", str(tmp_path / "copy.db"))
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("UPDATE keys SET public = ?", [b"n" * 32])
    told = json.loads(cli("restore", str(tmp_path / "copy.db"), "--yes", "--json").out)
    assert (told["content"], told["content_left_out"]) == (0, 1)


@pytest.mark.parametrize("wanted", [False, True])
def test_where_nobody_vouches_for_content_it_takes_a_word(
    database: Path, tmp_path: Path, cli: Command, wanted: bool
) -> None:
    granted(database)
    copy = tmp_path / "copy.db"
    cli("backup", str(copy))
    elsewhere = tmp_path / "elsewhere" / "telemetry.db"
    done = restore(copy, elsewhere, tmp_path / "kept", content=wanted)
    assert done.content_left_out == (not wanted)
    for table in ("content", "grants", "keys"):
        assert len(contents(elsewhere)[table]) == wanted


def test_a_merge_takes_no_content_and_no_grants(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    other = copied(database, tmp_path / "other")
    granted(other)
    granted(database, "/mine")
    before = contents(database)
    assert cli("merge", str(other)).code == 0
    for table in ("content", "grants", "keys"):
        assert contents(database)[table] == before[table]


def test_a_merge_says_whose_hashes_there_are(
    cli: Command, database: Path, home: Path, tmp_path: Path
) -> None:
    from codex_telemetry import secret
    from codex_telemetry.core.facts import Said, SessionFacts

    one, other = secret.load(secret.secret_path(database)).id, "0badcafe"
    for path, name, n in ((database, one, 0), (tmp_path / "other.db", other, 7)):
        facts = SessionFacts(
            thread(n), sources=1, git_repo=Said("00aa", 1), secrets=frozenset({name})
        )
        save(path, batch("s", facts))
    told = json.loads(cli("merge", str(tmp_path / "other.db"), "--json").out)
    assert {(used["secret_id"], used["current"]) for used in told["secrets"]} == {
        (one, True),
        (other, False),
    }
    assert "never match" in cli("merge", str(tmp_path / "other.db")).out


def test_a_pruned_database_is_backed_up_and_restored_as_one(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    prune(database, BORN + 20_000)
    cli("backup", str(tmp_path / "copy.db"))
    pruned = contents(database)
    shutil.rmtree(database.parent)
    assert cli("restore", str(tmp_path / "copy.db"), "--yes").code == 0
    assert contents(database) == pruned

"""Strict: folders, branches, commits, MCP servers and commands' words are keyed hashes, everywhere."""

import json
import os
import shutil
from itertools import permutations
from pathlib import Path

import pytest

import collecting
from backfill.codex_home import Step, heard, place, rows, take_in
from canary import held
from capture.asking import done, refused
from codex_telemetry import privacy
from codex_telemetry.core.veil import OPEN, Hasher, Hashes, Veil, is_hashed
from codex_telemetry.secret import Secret, load, secret_path
from codex_telemetry.settings import Settings
from commands import Command
from privacy.everything import everything, veiled
from recordings import Recordings
from saved import contents, query

WORK = "/home/canary/codex/run/0.169.0/b_shell/work"
PLAIN = (b"/home/canary", b"master", b"mcp:canary")
"""Folders that recorded turns ran in, the branch there, and the key of what their MCP server told."""
STRICT = Settings(privacy="strict")


def named(folder: Path) -> list[str]:
    """Files that hold a name as it is."""
    return [
        f"{path.name}: {name!r}"
        for path in folder.rglob("*")
        if path.is_file()
        for name in PLAIN
        if name in path.read_bytes()
    ]


def words(database: Path) -> set[str]:
    """Of commands, and names of servers."""
    told = query(
        database,
        "SELECT name FROM items WHERE kind = 'command' UNION SELECT server FROM items "
        "UNION SELECT name FROM events WHERE kind = 'mcp_server_startup'",
    )
    return {word for (word,) in told if word is not None}


def test_no_name_is_in_any_file(all_strict: Path) -> None:
    assert named(all_strict) == []
    found = words(all_strict / "telemetry.db")
    assert len(found) > 3
    assert all(map(is_hashed, found))


def test_the_names_are_there_where_nobody_asked_for_less(all_told: Path) -> None:
    assert len(named(all_told)) == len(PLAIN)
    assert {"canary", "sh"} & words(all_told / "telemetry.db")


def test_all_else_is_what_it_would_be(all_told: Path, all_strict: Path) -> None:
    hashed = {"cwd", "git_branch", "git_commit", "server", "name", "event_key", "secret_ids"}
    by_key = {
        *hashed,
        "git_repo",
        *(f"{k}_instructions_hash" for k in ("base", "user", "developer")),
        *("base_hash_stored", "user_hash_stored", "secrets_stored", "more"),
    }
    plain, strict = (
        rows(folder / "telemetry.db", without=[*by_key, "command_hash"])
        for folder in (all_told, all_strict)
    )
    for table, found in plain.items():
        assert sorted(map(str, found)) == sorted(map(str, strict[table]))


def test_a_row_says_whose_hashes_it_holds(all_strict: Path) -> None:
    secret = load(secret_path(all_strict / "telemetry.db"))
    told = query(
        all_strict / "telemetry.db",
        "SELECT DISTINCT secret_ids FROM turns WHERE cwd IS NOT NULL "
        "UNION SELECT DISTINCT secret_ids FROM sessions WHERE cwd IS NOT NULL",
    )
    assert told == [(json.dumps([secret.id]),)]


def test_a_row_without_a_hash_says_nothing(all_told: Path) -> None:
    assert query(
        all_told / "telemetry.db",
        "SELECT count(*) FROM turns WHERE secret_ids IS NOT NULL AND base_instructions_hash IS NULL"
        " AND user_instructions_hash IS NULL AND developer_instructions_hash IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM items WHERE items.turn_key = turns.turn_key AND command_hash IS NOT NULL)",
    ) == [(0,)]


def test_what_is_hashed_stays_as_it_is() -> None:
    hashes = Hashes(load_of(b"a"))
    folder = hashes.folder("/home/me/app")
    assert folder is not None
    assert hashes.folder(folder) == folder
    name = hashes.name("main")
    assert name is not None
    assert hashes.name(name) == name


def test_a_folder_can_be_told_from_another_and_what_is_under_it_too() -> None:
    hashes = Hashes(load_of(b"a"))
    above, below, other = map(hashes.folder, ("/home/me/app", "/home/me/app/sub", "/home/me/ap"))
    assert above is not None
    assert below is not None
    assert below.startswith(f"{above}/")
    assert other is not None
    assert not below.startswith(f"{other}/")
    assert hashes.folder("/home/me/app/") == above
    assert Hashes(load_of(b"b")).folder("/home/me/app") != above


def load_of(key: bytes) -> Hasher:
    return Secret(key * 32).hash


def test_without_a_secret_names_are_not_kept_at_all(recordings: Recordings, tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    blind = Veil(hashes=Hashes(lambda _: None))
    recording = recordings.one("0.169.0/e_mcp")
    take_in(database, *(veiled(b, blind, b.origin) for b in heard(recording)), veil=blind)
    take_in(database, place([recording], tmp_path / "codex"), veil=blind)
    assert named(tmp_path / "t.db") == []
    assert not any(name in held(database) for name in PLAIN)
    assert query(database, "SELECT count(*) FROM turns WHERE cwd IS NULL") != [(0,)]
    assert words(database) == set()


@pytest.mark.parametrize("project", [WORK, f"{WORK}/", os.path.dirname(WORK), "/home/canary"])
def test_a_project_is_found_by_its_hash(
    cli: Command, strict: Path, normal_turns: dict[str, int], project: str
) -> None:
    for command in ("turns", "sessions"):
        found = json.loads(done(cli(command, "--json", "--project", project)).out)
        assert len(found) == normal_turns[f"{command} {project}"] > 0
    assert json.loads(done(cli("turns", "--json", "--project", f"{WORK}x")).out) == []


@pytest.fixture
def normal_turns(all_told: Path) -> dict[str, int]:
    """How many turns and sessions there are under a folder."""
    counts = {}
    for project in (WORK, f"{WORK}/", os.path.dirname(WORK), "/home/canary"):
        folder = project.rstrip("/")
        for table, cwd in (
            ("turns JOIN sessions USING (session_id)", "coalesce(turns.cwd, sessions.cwd)"),
            ("sessions", "cwd"),
        ):
            under = f"{cwd} = '{folder}' OR {cwd} LIKE '{folder}/%'"
            ((n,),) = query(
                all_told / "telemetry.db", f"SELECT count(*) FROM {table} WHERE {under}"
            )
            counts[f"{table.split()[0]} {project}"] = n
    return counts


def test_what_is_stored_can_be_hashed_afterwards(
    cli: Command, normal: Path, database: Path, recordings: Recordings, tmp_path: Path
) -> None:
    """Then it is what it would be, had it been strict from the beginning."""
    shutil.copy2(secret_path(database), tmp_path / "secret")
    (normal / "config.toml").write_text('privacy = "strict"\n')
    refused(cli("privacy", "apply"), "--yes", code=2)
    assert named(normal) != []
    done(cli("privacy", "apply", "--yes"))
    assert named(normal) == []
    status = json.loads(done(cli("privacy", "status", "--json")).out)
    assert (status["plain_sessions"], status["plain_turns"]) == (0, 0)
    assert status["turns"] > 300

    again = tmp_path / "again"
    again.mkdir()
    shutil.copy2(tmp_path / "secret", again / "telemetry.db.secret")
    want = everything(recordings, again, privacy.veil(STRICT, again / "telemetry.db"))
    assert sorted_rows(database) == sorted_rows(want)
    before = contents(database)
    done(cli("privacy", "apply", "--yes"))
    assert contents(database) == before


def sorted_rows(database: Path) -> dict[str, list[str]]:
    found = rows(database, without=["cost_usd", "cost_stored"])  # prices come with a command
    return {table: sorted(map(str, told)) for table, told in found.items()}


def test_logs_are_read_on_after_it(cli: Command, recordings: Recordings, home: Path) -> None:
    codex = place([recordings.one("0.169.0/b_shell")], home.parent / "codex")
    done(cli("backfill", "--codex-home", str(codex)))
    (home / "config.toml").write_text('privacy = "strict"\n')
    done(cli("privacy", "apply", "--yes"))
    before = rows(home / "telemetry.db")
    done(cli("backfill", "--codex-home", str(codex)))
    assert named(home) == []
    assert rows(home / "telemetry.db") == before


def test_only_strict_can_be_applied(cli: Command, normal: Path) -> None:
    refused(cli("privacy", "apply", "--yes"), "normal", 'privacy = "strict"', code=2)


def test_a_log_that_grows_is_read_on_without_a_name(recordings: Recordings, tmp_path: Path) -> None:
    """What the reader remembers between two reads is stored too."""
    database = tmp_path / "own" / "t.db"
    veil = privacy.veil(STRICT, database)
    home = place([recordings.one("0.169.0/k_resume_fork")], tmp_path / "codex")
    whole = {path: path.read_bytes() for path in home.glob("sessions/**/*.jsonl")}
    for end in (0.3, 0.6, 1.0):
        for path, text in whole.items():
            lines = text.splitlines(keepends=True)
            path.write_bytes(b"".join(lines[: max(1, int(len(lines) * end))]))
        take_in(database, home, veil=veil)
        assert named(database.parent) == []
    at_once = tmp_path / "other" / "t.db"
    secret_path(at_once).parent.mkdir()
    shutil.copy2(secret_path(database), secret_path(at_once))
    take_in(at_once, home, veil=privacy.veil(STRICT, at_once))
    assert rows(database) == rows(at_once)


def test_heard_and_logged_agree_on_a_hash_whoever_comes_first(
    recordings: Recordings, tmp_path: Path
) -> None:
    recording = recordings.one("0.169.0/e_mcp")
    home = place([recording], tmp_path / "codex")
    veil = privacy.veil(STRICT, tmp_path / "s" / "t.db")
    live: list[Step] = [veiled(batch, veil, batch.origin) for batch in heard(recording)]
    found = []
    for n, steps in enumerate(permutations([*live, home])):
        take_in(tmp_path / f"{n}.db", *steps, veil=veil)
        found.append(rows(tmp_path / f"{n}.db"))
    assert all(one == found[0] for one in found)
    cwds = query(tmp_path / "0.db", "SELECT DISTINCT cwd FROM turns UNION SELECT cwd FROM sessions")
    assert len(cwds) == 1


@pytest.mark.parametrize("config", ['privacy = "strict"\n', "privacy = strict\n", "tz = 7\n"])
def test_the_collector_keeps_no_name_where_the_config_says_so_or_can_not_be_read(
    recordings: Recordings, tmp_path: Path, config: str
) -> None:
    at = collecting.Place(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.toml").write_text(config)
    story = collecting.a_plain_turn(recordings)
    collecting.finish(
        at.collector(), collecting.started() + story.before + story.end + collecting.ended()
    )
    assert query(at.database, "SELECT status FROM turns") == [("completed",)]
    assert named(at.database.parent) == []
    ((cwd,),) = query(at.database, "SELECT cwd FROM turns")
    assert is_hashed(cwd)


def test_what_cannot_be_saved_waits_without_a_name(recordings: Recordings, tmp_path: Path) -> None:
    at = collecting.Place(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.toml").write_text('privacy = "strict"\n')
    at.database.mkdir(parents=True)
    story = collecting.a_plain_turn(recordings)
    said = collecting.started() + story.before + story.end + collecting.ended()
    collecting.finish(at.collector(patience_s=0.1), said)
    assert len(at.spooled) == 1
    assert named(tmp_path) == []


def test_nothing_changes_under_a_veil_that_hides_nothing(recordings: Recordings) -> None:
    (batch,) = heard(recordings.one("0.169.0/e_mcp"))
    assert veiled(batch, OPEN, batch.origin).turns == batch.turns

"""What the user says about content, from the first yes to the last trace; and what goes wrong."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from backfill.codex_home import place
from canary import leaks, leaks_in
from capture import granting
from capture.asking import WORK, done, refused, soon, statuses, the_turn
from codex_telemetry import keys
from codex_telemetry.store import consent
from codex_telemetry.store.writer import Writer
from commands import Command, on_a_terminal, run
from recordings import Recordings
from saved import query


def test_nothing_is_kept_without_a_grant(cli: Command, logs: str, home: Path) -> None:
    done(cli("backfill", "--codex-home", logs, "--rebuild"))
    assert query(home / "telemetry.db", "SELECT * FROM content") == []
    assert leaks(home) == []
    assert json.loads(done(cli("capture", "show", the_turn(cli), "--json")).out) == []


def test_what_was_granted_can_be_shown_and_is_nowhere_in_the_clear(
    cli: Command, captured: str, home: Path
) -> None:
    items = json.loads(done(cli("capture", "show", captured, "--json")).out)
    assert {item["kind"] for item in items} == {
        "prompt",
        "response",
        "reasoning",
        "tool_args",
        "tool_output",
    }
    assert list(items[0]) == "turn_id item_id kind at text cut_bytes redactions".split()
    assert items[0]["text"] == "CANARY-PROMPT-1 please [[script:shell]]"
    assert leaks(home) == []


def test_older_history_is_reached_by_a_rebuild_alone(cli: Command, logs: str) -> None:
    done(cli("capture", "enable", WORK, "--all", "--yes"))
    done(cli("backfill", "--codex-home", logs))
    assert statuses(cli)[0]["items"] == 0
    done(cli("backfill", "--codex-home", logs, "--rebuild"))
    assert statuses(cli)[0]["items"] > 0


def test_only_the_kinds_asked_for_are_kept(cli: Command, logs: str) -> None:
    done(cli("capture", "enable", WORK, "--prompts", "--tool-outputs", "--yes"))
    done(cli("backfill", "--codex-home", logs, "--rebuild"))
    items = json.loads(done(cli("capture", "show", the_turn(cli), "--json")).out)
    assert {item["kind"] for item in items} == {"prompt", "tool_output"}


def test_enable_says_what_will_be_kept_and_where(cli: Command, tmp_path: Path) -> None:
    answer = done(cli("capture", "enable", str(tmp_path), "--responses", "--days", "2", "--yes"))
    assert answer.out == ""
    for words in (
        str(tmp_path),
        "responses (what the model answers)",
        "until 20",
        "telemetry.db",
        "key file",
        "backfill --rebuild",
    ):
        assert words in answer.err
    assert "prompts" not in answer.err


def test_nobody_is_taken_at_a_word_they_did_not_say(cli: Command, home: Path) -> None:
    refused(run("capture", "enable", ".", "--all"), "--yes", code=2)
    assert not (home / "telemetry.db").exists()
    assert on_a_terminal("capture", "enable", ".", "--all").code == 2  # stdin is none


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_on_a_terminal_it_asks(
    cli: Command, answer: str, tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_telemetry.cli import show

    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return f"{answer}\n"

    monkeypatch.setattr(show, "can_ask", lambda: True)
    monkeypatch.setattr(show, "ask", ask)
    code = cli("capture", "enable", str(tmp_path), "--all").code
    assert len(asked) == 1
    assert code == (0 if answer == "y" else 1)
    assert database.exists() == (answer == "y")


def test_status_lists_grants_by_the_contracts_names(cli: Command, captured: str) -> None:
    (row,) = statuses(cli)
    names = "grant_id project kinds created_at expires_at items bytes".split()
    assert [name for name in row if name in names] == names
    assert row["project"] == WORK
    assert row["state"] == "on"
    assert row["items"] == 10
    assert "on" in done(cli("capture", "status")).out


def test_disable_stops_and_keeps_what_is_there(cli: Command, captured: str, logs: str) -> None:
    before = statuses(cli)[0]["items"]
    done(cli("capture", "disable", WORK))
    done(cli("backfill", "--codex-home", logs, "--rebuild"))
    (row,) = statuses(cli)
    assert (row["state"], row["items"]) == ("off", before)
    assert "CANARY-PROMPT" in done(cli("capture", "show", captured)).out
    refused(cli("capture", "disable", WORK), "capture status")


def test_another_grant_takes_the_place_of_the_one_before(cli: Command, tmp_path: Path) -> None:
    folder = str(tmp_path)
    done(cli("capture", "enable", folder, "--prompts", "--yes"))
    done(cli("capture", "enable", folder, "--prompts", "--days", "3", "--yes"))
    (row,) = statuses(cli)
    assert row["expires_at"] is not None
    done(cli("capture", "enable", folder, "--all", "--yes"))
    assert [row["state"] for row in statuses(cli)] == ["off", "on"]


def test_what_is_shown_cannot_harm_a_terminal(cli: Command, database: Path, tmp_path: Path) -> None:
    done(cli("capture", "enable", str(tmp_path), "--all", "--yes"))
    said = granting.heard("a\x1b[2J\x9b\u202ebb\tc\nsecond\x00", tmp_path, at=soon())
    granting.tell(database, said)
    answer = done(cli("capture", "show", str(said.turn_id)))
    assert "a?[2J??bb   c\n" in answer.out
    assert "\nsecond?\n" in answer.out
    raw = done(cli("capture", "show", str(said.turn_id), "--json")).out
    assert not set(raw) & set("\x1b\x9b\u202e\x00")


def test_a_session_is_shown_with_its_titles(
    cli: Command, recordings: Recordings, tmp_path: Path
) -> None:
    recording = recordings.one("0.125.0/k_resume_fork")
    logs = place([recording], tmp_path / "titled")
    done(cli("capture", "enable", "/home/canary", "--titles", "--yes"))
    done(cli("backfill", "--codex-home", str(logs), "--rebuild"))
    sessions = json.loads(done(cli("sessions", "--json")).out)
    found = [
        json.loads(done(cli("capture", "show", s["session_id"], "--json")).out) for s in sessions
    ]
    (title,) = [item for items in found for item in items]
    assert (title["kind"], title["turn_id"]) == ("title", None)
    assert title["text"] == "CANARY-PROMPT-name"


def test_sessions_show_titles_only_where_granted_and_asked_for(
    cli: Command, recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = place([recordings.one("0.125.0/k_resume_fork")], tmp_path / "titled")
    done(cli("backfill", "--codex-home", str(logs)))

    def titles(*words: str) -> set[str | None]:
        found = json.loads(done(cli("sessions", "--json", *words)).out)
        return {session["title"] for session in found}

    assert titles("--titles") == {None}
    done(cli("capture", "enable", "/home/canary", "--titles", "--yes"))
    done(cli("backfill", "--codex-home", str(logs), "--rebuild"))
    assert titles("--titles") == {None, "CANARY-PROMPT-name"}
    assert titles() == {None}
    assert "CANARY-PROMPT-name" in done(cli("sessions", "--titles")).out
    monkeypatch.delenv("CODEX_TELEMETRY_PASSPHRASE")
    done(cli("sessions"))
    refused(cli("sessions", "--titles"), "CODEX_TELEMETRY_PASSPHRASE")


def test_a_new_key_takes_the_place_of_the_old(
    cli: Command, captured: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = done(cli("capture", "show", captured, "--json")).out
    (old,) = keys.keys_folder(database).iterdir()
    boxes = query(database, "SELECT sealed FROM content")
    monkeypatch.setenv("CODEX_TELEMETRY_NEW_PASSPHRASE", "another passphrase")
    done(cli("capture", "rekey", WORK))
    (new,) = keys.keys_folder(database).iterdir()
    assert new != old
    assert all(box not in file.read_bytes() for (box,) in boxes for file in files(database.parent))
    refused(cli("capture", "show", captured), "the passphrase")
    monkeypatch.setenv("CODEX_TELEMETRY_PASSPHRASE", "another passphrase")
    assert done(cli("capture", "show", captured, "--json")).out == before


def test_a_rekey_that_fails_changes_nothing(
    cli: Command, captured: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with consent.writing(database) as db:
        db.execute("UPDATE content SET sealed = x'00' WHERE content_id = 2")
    before = list(keys.keys_folder(database).iterdir()), statuses(cli)
    refused(cli("capture", "rekey", WORK), "nothing was changed")
    assert (list(keys.keys_folder(database).iterdir()), statuses(cli)) == before
    items = json.loads(done(cli("capture", "show", captured, "--json")).out)
    assert [item["text"] for item in items].count(None) == 1


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_purge_leaves_nothing_in_any_file(cli: Command, captured: str, home: Path) -> None:
    """Neither the boxes, nor what was in them, nor the key, while a collector has the database open."""
    database = home / "telemetry.db"
    large = granting.heard("x" * 50_000, WORK, n=7, item="large", at=soon())
    granting.tell(database, large)
    boxes = [box for (box,) in query(database, "SELECT sealed FROM content")]
    assert max(map(len, boxes)) > 50_000
    (key,) = keys.keys_folder(database).iterdir()
    secret = key.read_bytes()
    remains = home.parent / "where-the-key-was"
    remains.hardlink_to(key)
    assert len(boxes) > 5
    # Another program may have been at the file, and left what it removed in free pages.
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("PRAGMA secure_delete=OFF")
        db.execute("DELETE FROM content WHERE content_id % 2 OR size > 50000 - 1")
    assert any(box in file.read_bytes() for box in boxes for file in files(home))

    async def with_a_collector_there() -> None:
        writer = await Writer.open(database)
        try:
            done(await anyio.to_thread.run_sync(lambda: run("capture", "purge", WORK, "--yes")))
        finally:
            await writer.close()

    anyio.run(with_a_collector_there)
    for file in files(home):
        held = file.read_bytes()
        for box in boxes:
            # Not a piece of one either.
            assert all(box[n : n + 16] not in held for n in range(0, len(box) - 16, 16)), file
        assert secret not in held
        assert WORK.encode() not in held or file == database, file
    assert leaks(home) == []
    assert remains.read_bytes() == bytes(len(secret))
    assert not keys.keys_folder(database).exists()
    assert statuses(cli) == []
    assert json.loads(done(cli("capture", "show", captured, "--json")).out) == []
    refused(cli("capture", "purge", WORK, "--yes"), "nothing is granted", "capture status")


def test_a_purge_concerns_one_folder(cli: Command, captured: str, tmp_path: Path) -> None:
    done(cli("capture", "enable", str(tmp_path), "--all", "--yes"))
    done(cli("capture", "purge", str(tmp_path), "--yes"))
    assert [row["project"] for row in statuses(cli)] == [WORK]
    assert "CANARY-PROMPT" in done(cli("capture", "show", captured)).out


def test_a_purge_says_when_a_wider_grant_covers_the_folder(cli: Command, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    done(cli("capture", "enable", str(tmp_path), "--all", "--yes"))
    done(cli("capture", "enable", str(inner), "--all", "--yes"))
    answer = done(cli("capture", "purge", str(inner), "--yes"))
    assert f"warning: the grant for {tmp_path} covers" in answer.err


def test_a_purge_that_another_process_keeps_from_the_end_says_so(
    cli: Command, captured: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_telemetry.store import ours

    monkeypatch.setattr(ours, "BUSY_MS", 100)
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM content").fetchone()
        answer = cli("capture", "purge", WORK, "--yes")
        assert answer.code == 1
        assert "once it is done" in answer.err
    assert query(database, "SELECT * FROM content") == []
    done(cli("capture", "purge", WORK, "--yes"))
    refused(cli("capture", "purge", WORK, "--yes"), "nothing is granted")
    assert not leaks_in(answer.err)

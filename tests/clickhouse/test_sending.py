"""What is sent is there once, however often and by whomever it was sent, and is as it is now."""

import json
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

import month
import scenes
from clickhouse.conftest import There
from codex_telemetry import secret
from codex_telemetry.sinks import clickhouse
from codex_telemetry.sinks.clickhouse import Sink
from codex_telemetry.sinks.clickhouse_rows import Sender
from codex_telemetry.sinks.retry import LaterError, Pause
from codex_telemetry.store import db as schema
from codex_telemetry.store.clickhouse.address import Address
from commands import PROGRAM, Command
from store_of import rows, until

COUNTED = """SELECT count(), sum(duration_ms), sum(length(`items.kind`)), sum(length(`used.model`)),
    sum(length(`events.kind`)) FROM turns FINAL"""
DAILY = """SELECT day, model, sum(turns), sum(duration_ms), sum(total_tokens),
    quantilesTDigestMerge(0.5, 0.95)(duration) FROM daily GROUP BY day, model ORDER BY day, model"""


def never(seconds: float) -> bool:
    return False


def send(
    path: Path, to: Address, *, anew: bool = False, machine: str = "m", wait: Pause = never
) -> Sink:  # fmt: skip
    sink = Sink(path, to, Sender(machine, "u", None))
    with closing(sink):
        if anew:
            sink.begin()
        sink.send(wait)
    return sink


def refreshed(there: There) -> None:
    for view in ("daily_refresh", "daily_tools_refresh"):
        there.command(f"SYSTEM REFRESH VIEW {view}")
        there.command(f"SYSTEM WAIT VIEW {view}")


def remove(path: Path, which: str) -> list[str]:
    """As a save does: with a number of its own."""
    with closing(schema.open_to_write(path)) as db, schema.transaction(db):
        db.execute("UPDATE saves SET number = number + 1")
        return [r[0] for r in db.execute(f"DELETE FROM turns WHERE {which} RETURNING turn_id")]


def test_sent_again_nothing_doubles_nor_do_the_sums_by_day(database: Path, there: There) -> None:
    month.write(database)
    send(database, there.address)
    counted = there.rows(COUNTED)
    refreshed(there)
    daily = there.rows(DAILY)
    assert counted[0][0] == month.TURNS == sum(row[2] for row in daily)
    send(database, there.address, anew=True)
    assert there.rows("SELECT count() FROM turns")[0][0] == 2 * month.TURNS
    refreshed(there)
    assert (there.rows(COUNTED), there.rows(DAILY)) == (counted, daily)
    there.command("OPTIMIZE TABLE turns FINAL")
    assert there.rows("SELECT count() FROM turns")[0][0] == month.TURNS


def test_only_what_changed_is_sent_the_next_time(database: Path, there: There) -> None:
    session = scenes.session()
    scenes.write(database, session, scenes.turn(session, scenes.T0, 1_000, n=1))
    assert send(database, there.address).sent.turns == 1
    assert send(database, there.address).sent == (0, 0, 0, 0)
    scenes.write(database, scenes.turn(session, scenes.T0 + 60_000, 2_000, n=2))
    assert send(database, there.address).sent.turns == 1
    assert there.rows("SELECT duration_ms FROM turns FINAL ORDER BY 1") == [(1_000,), (2_000,)]


def test_what_is_removed_here_is_not_there_either(database: Path, there: There) -> None:
    month.write(database)
    send(database, there.address)
    gone = remove(database, "turn_key IN (3, 5)")
    assert send(database, there.address).sent.removed == len(gone) == 2
    assert there.rows("SELECT count() FROM turns FINAL") == [(month.TURNS - 2,)]
    assert not there.rows(f"SELECT 1 FROM turns FINAL WHERE turn_id IN ('{gone[0]}', '{gone[1]}')")


def test_a_turn_that_moves_to_another_day_is_there_once(database: Path, there: There) -> None:
    month.write(database)
    send(database, there.address)
    with closing(schema.open_to_write(database)) as db, schema.transaction(db):
        db.execute("UPDATE saves SET number = number + 1")
        db.execute(
            "UPDATE turns SET started_at = started_at + 86400000 * 40,"
            " changed = (SELECT number FROM saves) WHERE turn_key = 1"
        )
    send(database, there.address)
    assert there.rows("SELECT count(), uniqExact(turn_id) FROM turns FINAL") == [
        (month.TURNS, month.TURNS)
    ]


def test_what_was_pruned_here_stays_there(week: Path, there: There, cli: Command) -> None:
    send(week, there.address)
    before = there.rows(COUNTED), there.rows("SELECT count() FROM sessions FINAL")
    assert cli("prune", "--older-than", "1d", "--yes").code == 0
    assert len(rows(week, "SELECT 1 FROM turns")) < before[0][0][0]
    send(week, there.address)
    assert (there.rows(COUNTED), there.rows("SELECT count() FROM sessions FINAL")) == before


def test_after_a_restore_it_is_as_what_was_restored(
    tmp_path: Path,
    database: Path,
    there: There,
    cli: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # All within a second.
    monkeypatch.setattr(clickhouse, "_now", lambda: scenes.T0)
    session = scenes.session()
    scenes.write(database, session, scenes.turn(session, scenes.T0, 1_000, n=1))
    assert cli("backup", str(tmp_path / "copy.db")).code == 0
    scenes.write(database, scenes.turn(session, scenes.T0 + 60_000, 2_000, n=2))
    send(database, there.address)
    assert cli("restore", str(tmp_path / "copy.db"), "--yes").code == 0
    scenes.write(database, scenes.turn(session, scenes.T0 + 90_000, 3_000, n=3))
    send(database, there.address)
    assert there.rows("SELECT duration_ms FROM turns FINAL ORDER BY 1") == [(1_000,), (3_000,)]


def test_a_machine_that_is_called_otherwise_is_not_counted_twice(
    database: Path, there: There
) -> None:
    month.write(database)
    send(database, there.address)
    send(database, there.address, machine="another")
    assert there.rows("SELECT machine, count() FROM turns FINAL GROUP BY machine") == [
        ("another", month.TURNS)
    ]


@pytest.mark.parametrize("batch", [7, 2_000])
def test_an_answer_that_never_came_is_sent_again(
    database: Path, there: There, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(clickhouse, "AT_ONCE", batch)
    month.write(database)
    send(database, there.address)
    counted = there.rows(COUNTED)
    there.trouble("hangup-after INSERT INTO `turns`")
    with pytest.raises(LaterError):
        send(database, there.address, anew=True)
    there.trouble(None)
    send(database, there.address)
    assert there.rows(COUNTED) == counted


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("252", "it has too many parts to merge now"),
        ("516", "it refuses the user or the password"),
        ("497 INSERT", "the user has no right to do that"),
        ("hangup", "it can't be reached"),
    ],
)
def test_a_server_that_takes_nothing_now_is_told_of_and_tried_again(
    database: Path, there: There, trouble: str, why: str
) -> None:
    month.write(database)
    there.trouble(trouble)
    waited = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        told = rows(database, "SELECT error, target FROM sink_cursors")
        assert told == [{"error": why, "target": there.address.shown}]
        if len(waited) == 2:
            there.trouble(None)
        return True

    send(database, there.address, wait=wait)
    assert len(waited) == 2
    assert waited[1] > 0.5
    assert rows(database, "SELECT error, sent FROM sink_cursors") == [
        {"error": None, "sent": month.TURNS}
    ]
    assert there.rows("SELECT count() FROM turns FINAL") == [(month.TURNS,)]


def test_a_server_that_is_down_is_one_line(
    week: Path, cli: Command, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_telemetry.cli import clickhouse as command

    monkeypatch.setattr(command, "PATIENCE_S", 0.0)
    answer = cli("export", "clickhouse", "--to", "clickhouse://me:CANARY@127.0.0.1:1/x")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert "cannot send to clickhouse://127.0.0.1:1/x: it can't be reached" in answer.err
    assert "CANARY" not in answer.err
    doctor = cli("doctor", "--json")
    assert "clickhouse://127.0.0.1:1/x: it can't be reached" in doctor.out


def test_names_go_as_keyed_hashes_unless_the_team_wants_them(
    home: Path, database: Path, there: There, cli: Command
) -> None:
    scenes.write(database, *scenes.week())
    month.write(database)
    assert cli("export", "clickhouse", "--to", there.url, "--json").code == 0
    sent = "\n".join(
        str(there.rows(f"SELECT * FROM {table}")) for table in ("turns", "sessions", "limits")
    )
    for name in ("/home/me", "project", "pytest", os.uname().nodename):
        assert name not in sent, name
    assert "'#/" in sent
    assert "gpt-5.5" in sent
    known = json.loads(cli("stats", "--project", "/home/me/project", "--json").out)
    assert known[0]["turns"]
    asked = ["stats", "--project", "/home/me/project", "--json"]
    assert json.loads(cli(*asked, "--store", there.url).out) == known
    (home / "config.toml").write_text(
        '[clickhouse]\nnames = "stored"\nmachine = "desk"\nuser = "ann"\n'
    )
    assert cli("export", "clickhouse", "--to", there.url).code == 0
    assert there.rows("SELECT DISTINCT machine, user FROM turns FINAL") == [("desk", "ann")]
    assert ("/home/me/project",) in there.rows("SELECT DISTINCT cwd FROM turns FINAL")


def test_with_one_secret_a_person_is_one_on_two_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_telemetry.sections import ClickHouse
    from codex_telemetry.to_clickhouse import sender

    names = []
    for n, key in enumerate((b"k" * 32, b"k" * 32, b"x" * 32)):
        path = tmp_path / str(n) / "telemetry.db"
        path.parent.mkdir()
        secret.write(secret.secret_path(path), secret.Secret(key))
        names.append(sender(path, ClickHouse()))
    assert names[0].user == names[1].user != names[2].user


def test_limits_are_there_once_and_of_five_minutes_the_last(database: Path, there: There) -> None:
    session = scenes.session()
    scenes.write(database, session, scenes.busy_turn(session), *scenes.limits())
    send(database, there.address)
    told = rows(
        database,
        "SELECT max(observed_at) AS at FROM rate_limits"
        " GROUP BY limit_id, window_minutes, observed_at / 300000",
    )
    scenes.write(database, scenes.turn(session, scenes.T0 + scenes.DAY, 1_000, n=9))
    send(database, there.address)
    there_is = there.rows("SELECT toUnixTimestamp64Milli(observed_at) FROM limits FINAL")
    assert sorted(row[0] for row in there_is) == sorted(row["at"] for row in told)


def test_without_the_library_it_is_one_line(
    week: Path, cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "clickhouse_connect", None)
    for words in (
        ["turns", "--store", "clickhouse://h/d"],
        ["export", "clickhouse", "--to", "clickhouse://h/d"],
    ):
        answer = cli(*words)
        assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
        assert "pip install 'codex-telemetry[clickhouse]'" in answer.err


def test_the_config_is_shown_without_its_password(home: Path, cli: Command, there: There) -> None:
    (home / "config.toml").write_text(f'store = "{there.url}"\n[clickhouse]\nurl = "{there.url}"\n')
    for form in ([], ["--json"]):
        answer = cli("config", *form)
        assert answer.code == 0
        assert there.address.shown in answer.out
        assert "CANARY" not in answer.out + answer.err


@pytest.mark.alone
def test_killed_in_mid_export_it_goes_on_from_there(database: Path, there: There) -> None:
    month.write(database)
    there.trouble("slow INSERT INTO `turns`")
    words = ["export", "clickhouse", "--to", there.url]
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.DEVNULL) as process:
        until(lambda: rows(database, "SELECT 1 FROM sink_cursors"))
        asked = "INSERT INTO `turns`"
        until(lambda: any(asked in line for line in there.asked()[-1:]))
        process.kill()
    there.trouble(None)
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=True)
    assert "sent 84 turns" in done.stdout
    assert there.rows("SELECT count() FROM turns FINAL") == [(month.TURNS,)]


@pytest.mark.alone
def test_the_watch_sends_what_is_new_and_ends_at_once(
    home: Path, database: Path, there: There
) -> None:
    (home / "config.toml").write_text(f'[clickhouse]\nurl = "{there.url}"\nevery_seconds = 1\n')
    session = scenes.session()
    scenes.write(database, session, scenes.turn(session, scenes.T0, 1_000, n=1))
    with subprocess.Popen(
        [*PROGRAM, "backfill", "--watch"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as watch:
        sent = "SELECT sent FROM sink_cursors WHERE sent = {}"
        until(lambda: rows(database, sent.format(1)))
        scenes.write(database, scenes.turn(session, scenes.T0 + 60_000, 2_000, n=2))
        until(lambda: rows(database, sent.format(2)))
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(20) == 0
    assert there.rows("SELECT count() FROM turns FINAL") == [(2,)]

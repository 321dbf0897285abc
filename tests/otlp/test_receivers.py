"""Receivers that are down, slow, half-accepting or refusing: what is taken is counted, nothing is lost,
and nothing is sent for ever."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.cli import otlp
from codex_telemetry.sinks import retry
from codex_telemetry.sinks.otlp import sending
from codex_telemetry.store.db import open_reader
from codex_telemetry.store.sink_cursors import all_of, turns_behind
from commands import Answer, Command
from otlp_receiver import Receiver, Says, attributes
from saved import batch, query, save, thread, turn

TURNS = 10


@pytest.fixture
def database(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten turns, and so small requests that these are several."""
    path = home / "telemetry.db"
    save(path, batch("a", *(turn(n, thread(1)) for n in range(TURNS))))
    monkeypatch.setattr(sending, "SPANS_AT_ONCE", 8)
    return path


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "GIVES_UP_S", 0.3)


def state(path: Path) -> dict[str, Any]:
    db = open_reader(path)
    (cursor,) = all_of(db)
    found = {**cursor._asdict(), "behind": turns_behind(db, cursor.place)}
    db.close()
    return found


def told(answer: Answer) -> dict[str, Any]:
    assert (answer.code, answer.err) == (0, "")
    said: dict[str, Any] = json.loads(answer.out)
    return said


def ids(receiver: Receiver) -> list[str]:
    found = (attributes(span).get("codex_telemetry.turn.id") for span in receiver.spans)
    return [turn_id for turn_id in found if turn_id]


@pytest.mark.parametrize("code", [503, 429])
def test_a_receiver_that_is_busy_is_asked_again(
    cli: Command, database: Path, receiver: Receiver, code: int
) -> None:
    # Of gRPC a 429 means "again" only with a time.
    receiver.says += [Says(code, "0"), Says(code, "0")]
    assert told(cli("export", "otlp", "--json"))["turns"] == TURNS
    assert len(ids(receiver)) == len(set(ids(receiver))) == TURNS
    assert state(database)["error"] is None


def test_it_gets_the_time_it_asks_for(cli: Command, database: Path, receiver: Receiver) -> None:
    receiver.says.append(Says(503, "1"))
    assert told(cli("export", "otlp", "--json"))["turns"] == TURNS
    assert receiver.tried[1] - receiver.tried[0] >= 1


@pytest.mark.usefixtures("little_patience")
def test_one_that_is_down_is_said_in_one_line_and_the_next_export_goes_on(
    cli: Command, database: Path, receiver: Receiver
) -> None:
    receiver.says += [Says(), Says()]
    receiver.always = Says(503)
    answer = cli("export", "otlp")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.count("\n") == 1
    assert "can't send to" in answer.err
    sent = len(ids(receiver))
    assert f"{sent} turns sent, {TURNS - sent} wait" in answer.err
    assert 0 < sent == state(database)["sent"] < TURNS
    assert "available" in state(database)["error"]
    receiver.always = None
    assert told(cli("export", "otlp", "--json"))["turns"] == TURNS - sent
    assert sorted(ids(receiver)) == sorted(set(ids(receiver)))


@pytest.mark.usefixtures("little_patience")
def test_where_nobody_listens_nothing_is_lost(
    cli: Command, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    answer = cli("export", "otlp")
    assert "it can't be reached; 0 turns sent, 10 wait" in answer.err
    assert (answer.code, state(database)["behind"]) == (1, TURNS)


@pytest.mark.usefixtures("little_patience")
def test_one_that_is_slow_is_not_waited_for_for_ever(
    cli: Command, database: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
    receiver.always = Says(after_s=0.4)
    answer = cli("export", "otlp")
    assert (answer.code, state(database)["sent"]) == (1, 0)
    assert state(database)["error"] in (
        "it doesn't answer in time",
        "it takes no more for now (gRPC DEADLINE_EXCEEDED)",
    )


def test_what_is_taken_in_part_is_counted_and_not_sent_again(
    cli: Command, database: Path, receiver: Receiver
) -> None:
    receiver.says.append(Says(rejected=3))
    said = told(cli("export", "otlp", "--json"))
    assert (said["rejected_spans"], said["turns"]) == (3, TURNS)
    assert (state(database)["rejected"], state(database)["sent"]) == (said["rejected_turns"], TURNS)
    assert len(ids(receiver)) == TURNS
    assert told(cli("export", "otlp", "--json"))["turns"] == 0


def test_a_turn_that_is_refused_for_good_is_left_out_and_the_others_are_sent(
    cli: Command, database: Path, receiver: Receiver
) -> None:
    poison = turn(4, thread(1)).turn_id
    receiver.never = {str(poison)}
    said = told(cli("export", "otlp", "--json"))
    assert poison not in ids(receiver)
    assert len(ids(receiver)) == TURNS - 1
    assert (said["rejected_turns"], said["waiting_turns"]) == (1, 0)
    assert state(database)["rejected"] == 1


def test_a_request_that_is_too_large_is_cut_down_to_single_spans(
    cli: Command, database: Path, receiver: Receiver
) -> None:
    receiver.at_most = 1
    said = told(cli("export", "otlp", "--json"))
    assert (said["turns"], said["rejected_spans"]) == (TURNS, 0)
    assert said["spans"] == len(receiver.distinct) == len(receiver.spans)


@pytest.mark.parametrize("code", [400, 401])
def test_one_that_refuses_everything_is_not_taken_for_ten_bad_turns(
    cli: Command, database: Path, receiver: Receiver, code: int
) -> None:
    receiver.always = Says(code)
    answer = cli("export", "otlp")
    assert answer.code == 1
    assert (state(database)["rejected"], state(database)["behind"]) == (0, TURNS)
    assert len(receiver.tried) <= 2
    receiver.always = None
    assert told(cli("export", "otlp", "--json"))["turns"] == TURNS


def test_a_redirect_is_not_followed(cli: Command, database: Path, http: Receiver) -> None:
    http.always = Says(302)
    assert "(HTTP 302)" in cli("export", "otlp").err
    assert len(http.tried) == 1


def test_headers_go_there_and_are_said_nowhere(
    cli: Command, database: Path, receiver: Receiver, home: Path
) -> None:
    (home / "config.toml").write_text('[otlp]\nheaders = { Authorization = "Bearer s3cret" }\n')
    told(cli("export", "otlp", "--json"))
    assert receiver.headers[0]["authorization"] == "Bearer s3cret"
    receiver.always = Says(401)
    save(database, batch("b", turn(20, thread(1))))
    said = [
        cli(*words)
        for words in (("export", "otlp"), ("config",), ("config", "--json"), ("doctor",))
    ]
    assert all("s3cret" not in answer.out + answer.err for answer in said)
    assert "Authorization" in said[2].out


DIES = """
import os, signal, sys
from codex_telemetry.cli import app
from codex_telemetry.sinks.otlp import sending
sending.SPANS_AT_ONCE = 8
advance, left = sending.Exporter._advance, [int(sys.argv.pop(1))]
def killed(self, place, sent):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    advance(self, place, sent)
sending.Exporter._advance = killed
sys.exit(app.run(sys.argv[1:]))
"""


@pytest.mark.parametrize("batches", [0, 2])
def test_a_kill_in_mid_export_sends_one_batch_twice_by_the_same_ids(
    cli: Command, database: Path, http: Receiver, batches: int
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", DIES, str(batches), "export", "otlp"],
        env=dict(os.environ),
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    before = len(http.spans)
    assert 0 < len(http.traces) == batches + 1
    told(cli("export", "otlp", "--json"))
    assert len(http.distinct) == TURNS * 2
    last = len([s for of in http.traces[batches].resource_spans for s in of.scope_spans[0].spans])
    assert len(http.spans) == TURNS * 2 + last
    assert before >= last


def test_two_exports_at_once_are_one(cli: Command, database: Path, http: Receiver) -> None:
    from codex_telemetry.sinks.alone import alone

    with alone(database.with_name("telemetry.db.otlp.lock"), "export otlp"):
        answer = cli("export", "otlp")
    assert (answer.code, http.spans) == (1, [])
    assert "another export otlp of this database is running" in answer.err


def test_another_target_begins_anew(cli: Command, database: Path, http: Receiver) -> None:
    from otlp_receiver import over_http

    told(cli("export", "otlp", "--json"))
    with over_http() as other:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = other.url  # put back by the fixture of `http`
        assert told(cli("export", "otlp", "--json"))["turns"] == TURNS


def test_nothing_waits_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    assert retry.wait(0, retry.LONGEST_S, 0.0) > otlp.GIVES_UP_S


@pytest.mark.usefixtures("little_patience")
def test_doctor_says_how_far_it_is(cli: Command, database: Path, http: Receiver) -> None:
    http.says.append(Says())
    http.always = Says(503)
    cli("export", "otlp")
    (check,) = [
        c for c in json.loads(cli("doctor", "--json").out)["checks"] if c["name"] == "sink otlp"
    ]
    assert check["status"] == "warn"
    assert "it is not available (HTTP 503)" in check["detail"]
    assert query(database, "SELECT target FROM sink_cursors") == [(http.url,)]

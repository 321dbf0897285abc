"""The readers of `codex exec --json`, over what real releases said and over whatever else may come."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from catalogue import read, unread
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Clock, Fact
from codex_telemetry.core.identity import LaunchId, SessionId
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.core.settle_items import settle_item, settle_responses
from codex_telemetry.formats import streams
from codex_telemetry.formats.base import Direction, NamelessReader, Stamp, StreamReader
from codex_telemetry.formats.exec_json import wire
from recordings import Recordings, names

THREAD = "01a20725-91e0-7623-a584-7c5153a12fec"
STREAMS = Path(__file__).parents[2] / "fixtures" / "exec_streams.jsonl"


@dataclass(frozen=True)
class Stream:
    """What an exec said. `started_ms` is when it was started."""

    name: str
    started_ms: int
    lines: list[tuple[int, bytes]]
    sent: list[int]

    @property
    def launch(self) -> LaunchId:
        return LaunchId(f"{self.started_ms:x}-0")


def recorded() -> dict[str, Stream]:
    found = {}
    for record in map(json.loads, STREAMS.read_text().splitlines()):
        name = " ".join([record["version"], record["script"], *record["words"]])
        lines = [(ms, line.encode()) for ms, line in record["lines"]]
        found[name] = Stream(name, record["started_ms"], lines, record["sent_tokens"])
    return found


RECORDED = recorded()


def reader_of(stream: Stream) -> StreamReader:
    for _, line in stream.lines:
        reader = streams.recognise(line, "server", stream.launch, new_thread=True)
        if reader is not None:
            return reader
    raise AssertionError("nobody knows it")


def facts_of(stream: Stream) -> list[Fact]:
    reader = reader_of(stream)
    facts = [fact for ms, line in stream.lines for fact in reader.read("server", line, Stamp(ms))]
    if isinstance(reader, NamelessReader):
        facts += reader.belongs_to(SessionId(THREAD))
    return facts


def batch_of(facts: list[Fact]) -> Batch:
    batch = Batch("live", "test")
    for fact in facts:
        batch.add(fact, 0)
    return batch


def row_of(stream: Stream) -> TurnRow:
    (turn,) = batch_of(facts_of(stream)).turns.values()
    return settle_turn(turn)


GOLDEN: dict[str, dict[str, Any]] = {
    "0.20.0 shell --json": {"status": "in_progress", "tool_calls": 3, "total_tokens": 4310},
    "0.42.0 retry_once --json": {"retries": 1, "errors": 0, "total_tokens": 1072},
    "0.42.0 shell --experimental-json": {"status": "in_progress", "tool_calls": 3},
    "0.44.0 error400 --json": {"status": "failed", "retries": 2, "errors": 1, "messages": 0},
    "0.44.0 shell --experimental-json": {"tool_calls": 3, "tool_failures": 1},
    "0.63.0 error400 --json": {"status": "failed", "retries": 2, "errors": 1},
    "0.98.0 retry_once --json": {"status": "completed", "retries": 1, "total_tokens": 1072},
    "0.125.0 retry_once --json": {"status": "completed", "retries": 1, "responses": None},
    "0.125.0 shell --json --ephemeral": {
        "status": "completed",
        "prompts": 1,
        "messages": 2,
        "reasoning_items": 1,
        "total_tokens": 4310,
        "reasoning_output_tokens": 90,
        "cache_write_input_tokens": None,
        "duration_clock": "wire",
        "hooks_ms": None,
        "compaction_ms": None,
        "approval_ms": 0,
        "ttft_ms": None,
        "context_tokens": None,
    },
    "0.169.0 error400 --json": {"status": "failed", "errors": 1, "error_kind": "other"},
    "0.169.0 patch --json": {"status": "completed", "tool_calls": 2, "total_tokens": 4310},
    "0.169.0 retry_once --json": {"status": "completed", "retries": 1, "errors": 0},
    "0.169.0 shell --json --ephemeral": {
        "status": "completed",
        "tool_calls": 3,
        "tool_failures": 1,
        "cache_write_input_tokens": 50,
    },
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_a_release_said_comes_down_to_this_row(name: str) -> None:
    row = row_of(RECORDED[name])
    assert {column: getattr(row, column) for column in GOLDEN[name]} == GOLDEN[name]


@pytest.mark.parametrize("name", RECORDED)
def test_tokens_are_those_the_model_sent_where_the_stream_tells_any(name: str) -> None:
    told = row_of(RECORDED[name]).total_tokens
    if name == "0.42.0 shell --experimental-json":
        assert told is None
    else:
        assert (told or 0) == sum(RECORDED[name].sent)


@pytest.mark.parametrize("name", RECORDED)
def test_facts_in_any_order_and_twice_are_the_same(name: str) -> None:
    facts = facts_of(RECORDED[name])
    shuffled = [*facts, *facts]
    Random(name).shuffle(shuffled)
    once, twice = batch_of(facts), batch_of(shuffled)
    assert (twice.turns, twice.sessions) == (once.turns, once.sessions)
    assert once.drift == {}


@pytest.mark.parametrize("name", RECORDED)
def test_no_word_that_was_said_is_in_the_facts(name: str) -> None:
    told = msgspec.msgpack.encode(batch_of(facts_of(RECORDED[name])))
    assert b"CANARY" not in told
    assert b"exec" in told


@pytest.mark.parametrize("name", [n for n in names("*/x_exec*") if not n.endswith("_human")])
def test_every_name_of_a_recorded_release_is_known(recordings: Recordings, name: str) -> None:
    frames = [f for f in recordings.one(name).frames() if f.direction == "s2c" and f.proc == 0]
    stream = Stream(name, 0, [(int(f.wall_s * 1000), f.line) for f in frames], [])
    batch = batch_of(facts_of(stream))
    assert batch.drift == {}
    assert len(batch.turns) == 1
    assert b"CANARY" not in msgspec.msgpack.encode(batch)


@pytest.mark.parametrize("name", names("*/x_exec_human"))
def test_what_people_read_is_no_stream(recordings: Recordings, name: str) -> None:
    lines = [f.line for f in recordings.one(name).frames() if f.direction == "s2c"]
    assert [streams.recognise(line, "server", LaunchId("L")) for line in lines] == [None] * len(
        lines
    )


def test_commands_are_known_by_their_word_alone_and_by_our_clock() -> None:
    (turn,) = batch_of(facts_of(RECORDED["0.169.0 shell --json --ephemeral"])).turns.values()
    items = [settle_item(key, item, turn, "completed") for key, item in turn.items.items()]
    commands = [item for item in items if item.kind == "command"]
    assert [(c.name, c.status, c.exit_code, c.output_bytes) for c in commands] == [
        ("echo", "completed", 0, 26),
        ("echo", "failed", 3, 17),
        ("sleep", "completed", 0, 13),
    ]
    assert all(set(item.starts) | set(item.ends) == {Clock.WIRE} for item in turn.items.values())


def said(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def heard(
    *lines: bytes, launch: str = "0-0", sent_by: Direction = "server", new_thread: bool = True
) -> Batch:
    begins = said("thread.started", thread_id=THREAD)
    reader = streams.recognise(begins, "server", LaunchId(launch), new_thread=new_thread)
    assert reader is not None
    batch = Batch("live", "test")
    for n, line in enumerate((said("thread.started", thread_id=THREAD), *lines)):
        for fact in reader.read(
            "server" if n == 0 else sent_by, line, Stamp(1_795_500_000_000 + n)
        ):
            batch.add(fact, 0)
    return batch


USAGE = {"input_tokens": 5150, "cached_input_tokens": 2015, "output_tokens": 265}


def used(launch: str, *, new_thread: bool = True) -> int | None:
    turn = said("turn.started"), said("turn.completed", usage=USAGE)
    (facts,) = heard(*turn, launch=launch, new_thread=new_thread).turns.values()
    return sum(row.total_tokens or 0 for row in settle_responses(facts)) or None


def test_what_a_thread_of_before_has_used_is_not_this_turns() -> None:
    """From 0.98 on a resumed thread reports all that it ever used, and a fork what its parent did. A
    thread that was born before the launch was resumed; of a fork only the command's words tell."""
    born = int(THREAD[:8] + THREAD[9:13], 16)
    assert used(f"{born - 50:x}-a") == 5415
    assert used(f"{born + 50:x}-a") is None
    assert used(f"{born - 50:x}-a", new_thread=False) is None
    assert used("whatever") is None


def test_what_the_client_says_is_not_read() -> None:
    turn = said("turn.started"), said("turn.completed", usage=USAGE), b"CANARY {"
    batch = heard(*turn, sent_by="client")
    assert (batch.turns, batch.drift) == ({}, {})


def test_what_is_not_known_is_counted_by_its_name() -> None:
    batch = heard(
        said("turn.started"),
        said("turn.paused", why="CANARY"),
        said("item.completed", item={"id": "item_0", "type": "hologram", "text": "CANARY"}),
        b"CANARY",
        said("CANARY WORDS"),
    )
    assert sorted(name for _, name, _ in batch.drift) == [
        "(exec line)",
        "exec/(unprintable)",
        "exec/item/hologram",
        "exec/turn.paused",
    ]


def test_the_thread_of_an_old_stream_is_named_by_others_and_nothing_is_told_before() -> None:
    stream = RECORDED["0.20.0 shell --json"]
    reader = reader_of(stream)
    for ms, line in stream.lines:
        assert list(reader.read("server", line, Stamp(ms))) == []
    assert isinstance(reader, NamelessReader)
    batch = batch_of(list(reader.belongs_to(SessionId(THREAD))))
    assert list(batch.sessions) == [THREAD]
    (turn,) = batch.turns.values()
    assert list(turn.tellers) == [THREAD]
    assert turn.turn_id.startswith(f"{THREAD}:exec:")
    assert list(reader.belongs_to(SessionId(THREAD)))[1:] == []


def test_the_catalogue_says_what_is_read() -> None:
    events = wire.OPENS | wire.TURNS | wire.ITEMS | {"error"}
    assert read("exec.events") == events
    assert unread("exec.events") == wire.IGNORED
    assert read("exec.items") == wire.KINDS.keys()
    assert unread("exec.items") == wire.REMARKS


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
kinds = st.sampled_from(
    "thread.started session.created turn.started turn.completed turn.failed item.started item.updated "
    "item.completed error command_execution token_count task_started exec_command_end".split()
)
keys = st.sampled_from(
    "type id item item_type thread_id session_id usage input_tokens output_tokens msg info command "
    "status exit_code aggregated_output receiver_thread_ids call_id workdir total_tokens".split()
)
values = st.recursive(
    leaves | kinds | st.just(THREAD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=15,
)
lines = st.binary(max_size=80) | st.dictionaries(keys, values | kinds, max_size=6).map(
    lambda message: json.dumps(message).encode()
)


@given(st.lists(lines, max_size=8), st.sampled_from(sorted(RECORDED)))
def test_whatever_comes_raises_nothing(strange: list[bytes], name: str) -> None:
    stream = RECORDED[name]
    reader = reader_of(stream)
    between = [*stream.lines[:3], *((stream.started_ms, line) for line in strange), *stream.lines]
    facts = [fact for ms, line in between for fact in reader.read("server", line, Stamp(ms))]
    reader.lost("server")
    if isinstance(reader, NamelessReader):
        facts += reader.belongs_to(SessionId(THREAD))
    batch = batch_of(facts)
    msgspec.msgpack.encode(batch)
    for turn in batch.turns.values():
        settle_turn(turn)
    for line in strange:
        streams.recognise(line, "server", LaunchId("L"))
        streams.recognise(line, "client", LaunchId("L"))

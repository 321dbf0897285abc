"""Whatever stands in a file: nothing raises, a bad line costs itself, and its values go nowhere."""

import json
from collections.abc import Callable

import msgspec
import pytest

from canary import leaks_in
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.rollout import RolloutName
from recordings import Recordings
from rolled import Rolled, lines_of, name_of, read, rolled_up

NAME = RolloutName(SessionId("01a20724-25b9-7591-a792-2d6ff3383691"), "2026-11-23T06-42-19")
SAMPLES = (
    "0.20.0/x_exec_shell",
    "0.42.0/v1_shell",
    "0.63.0/i_review",
    "0.98.0/k_resume_fork",
    "0.125.0/i_review",
    "0.155.0/o_subagent_cm",
    "0.169.0/w_upgrade",
    "0.169.0/n_approval",
)


def told(lines: list[bytes], name: RolloutName = NAME) -> Rolled:
    rolled = Rolled()
    read(rolled, name, lines)
    return rolled


def sample(recordings: Recordings) -> tuple[RolloutName, list[bytes]]:
    (path,) = recordings.one("0.169.0/b_shell").rollouts()
    return name_of(path), lines_of(path)


def spaced(line: bytes) -> bytes:
    return json.dumps(json.loads(line)).encode()


def reordered(line: bytes) -> bytes:
    return json.dumps(dict(reversed(json.loads(line).items()))).encode()


def indented_types(line: bytes) -> bytes:
    """The type of the payload isn't its first field."""
    row = json.loads(line)
    row["payload"] = dict(reversed(row["payload"].items()))
    return json.dumps(row, separators=(",", ":")).encode()


WRITTEN_OTHERWISE: dict[str, Callable[[bytes], bytes]] = {
    "spaced": spaced,
    "reordered": reordered,
    "payload reordered": indented_types,
    "carriage return": lambda line: line + b"\r",
    "byte order mark": lambda line: b"\xef\xbb\xbf" + line,
    "padded with NUL": lambda line: b"\0" * 100 + line + b"\0" * 100,
    "blanks around": lambda line: b"  \t" + line + b"  ",
}


@pytest.mark.parametrize("how", list(WRITTEN_OTHERWISE))
@pytest.mark.parametrize("name", SAMPLES)
def test_a_line_written_otherwise_tells_the_same(
    recordings: Recordings, name: str, how: str
) -> None:
    recording = recordings.one(name)
    as_written, otherwise = rolled_up(recording), Rolled()
    for path in recording.rollouts():
        if path.suffix == ".jsonl" and name.startswith("0.20") and how == "payload reordered":
            continue
        if path.suffix == ".jsonl":
            lines = [WRITTEN_OTHERWISE[how](line) for line in lines_of(path)]
            read(otherwise, name_of(path), lines)
    if name.startswith("0.20") and how == "payload reordered":
        return
    assert otherwise.drift == {}
    assert otherwise.batch.turns == as_written.batch.turns
    assert otherwise.batch.sessions == as_written.batch.sessions


BAD = {
    "half a line": b'{"timestamp":"2026-11-23T06:42:19.297Z","type":"event_msg","payload":{"type":"tok',
    "half of two": b'{"timestamp":"2026-11-23T06:42:19.297Z","ty{"timestamp":"2026-11-23T06:42:19Z"}',
    "NUL only": b"\0" * 4096,
    "not UTF-8": b'{"timestamp":"2026-11-23T06:42:19.297Z","type":"event_msg","payload":{"type":"\xff"}}',
    "binary": bytes(range(256)),
    "an array": b"[1,2,3]",
    "a string": b'"CANARY-PROMPT"',
    "a number": b"12",
    "null": b"null",
    "no payload": b'{"timestamp":"2026-11-23T06:42:19.297Z","type":"event_msg","payload":null}',
    "a payload that is none": b'{"timestamp":"","type":"turn_context","payload":[1]}',
    "a type that is none": b'{"timestamp":"x","type":7,"payload":{}}',
    "a deep one": b'{"timestamp":"x","type":"event_msg","payload":' + b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a number too large": (
        b'{"timestamp":"2026-11-23T06:42:19.297Z","type":"event_msg","payload":'
        b'{"type":"task_started","turn_id":"x","started_at":99999999999999999999999}}'
    ),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_line_costs_itself_and_is_counted(recordings: Recordings, what: str) -> None:
    name, lines = sample(recordings)
    whole = told(lines, name)
    for place in (0, 1, len(lines) // 2, len(lines)):
        damaged = told([*lines[:place], BAD[what], *lines[place:]], name)
        assert damaged.batch.turns == whole.batch.turns
        assert damaged.batch.sessions == whole.batch.sessions
        assert sum(damaged.drift.values()) == 1
        assert not leaks_in(msgspec.msgpack.encode(damaged.batch))


@pytest.mark.parametrize("line", [b"", b"\r", b"   ", b"\t\r"])
def test_an_empty_line_is_nothing(line: bytes) -> None:
    assert told([line, line]).batch == Batch("rollout", "test")


def test_what_is_unknown_is_counted_by_its_name() -> None:
    head = b'{"timestamp":"2026-11-23T06:42:19.297Z","type":'
    rolled = told(
        [
            head + b'"event_msg","payload":{"type":"brand_new","text":"CANARY-PROMPT"}}',
            head + b'"response_item","payload":{"type":"teleport_call"}}',
            head + b'"brand_new","payload":{}}',
            head + b'"event_msg","payload":{"type":"CANARY ANSWER with blanks"}}',
            head + b'"event_msg","payload":{"type":"' + b"x" * 65 + b'"}}',
            head + b'"event_msg","payload":{"type":"item_completed","turn_id":"t","item":'
            b'{"type":"Novelty","id":"i1"}}}',
        ]
    )
    assert rolled.drift == {
        "event_msg/brand_new": 1,
        "response_item/teleport_call": 1,
        "brand_new": 1,
        "event_msg/(unprintable)": 2,
    }


def test_an_unknown_item_is_counted_and_kept_as_other(recordings: Recordings) -> None:
    name, lines = sample(recordings)
    changed = [line.replace(b'"CommandExecution"', b'"Novelty"') for line in lines]
    rolled = told(changed, name)
    assert rolled.drift == {"item/Novelty": 3}
    assert len(rolled.turns) == 1


def test_an_unexpected_shape_says_where_and_never_what() -> None:
    rolled = told(
        [
            (
                b'{"timestamp":"2026-11-23T06:42:19.297Z","type":"token_usage_record",'
                b'"payload":{"thread_id":"a","turn_id":"b","usage":{"input_tokens":"CANARY-PROMPT"}}}'
            )
        ]
    )
    ((_, name, reason),) = rolled.batch.drift
    assert name == "token_usage_record"
    assert reason == "unexpected shape at $.usage.input_tokens"


def test_a_file_whose_head_is_lost_is_known_by_its_name(recordings: Recordings) -> None:
    name, lines = sample(recordings)
    whole, headless = told(lines, name), told([b"\0" * 10, *lines[1:]], name)
    assert headless.sessions[0].session_id == whole.sessions[0].session_id
    assert headless.total_tokens == whole.total_tokens
    assert headless.turns[0].session_id == whole.turns[0].session_id


def test_a_fork_whose_head_is_lost_is_still_not_its_parent(recordings: Recordings) -> None:
    recording = recordings.one("0.125.0/k_resume_fork")
    path = recording.rollouts()[-1]
    rolled = told([b"\0", *lines_of(path)[1:]], name_of(path))
    assert {row.session_id for row in rolled.sessions} == {name_of(path).thread_id}
    assert len(rolled.turns) == 2


@pytest.mark.parametrize("thread", ["", "a b", "x" * 500, "\u202egnp", "../../etc/passwd\n"])
def test_a_threads_id_that_is_none_names_nothing(thread: str) -> None:
    meta = {"timestamp": "2026-11-23T06:42:19.297Z", "type": "session_meta"}
    rolled = told([json.dumps({**meta, "payload": {"id": thread}}).encode()])
    assert rolled.sessions == []
    assert rolled.drift == {"session_meta": 1}


def test_ids_of_items_and_turns_that_are_none_name_nothing(recordings: Recordings) -> None:
    name, lines = sample(recordings)
    hostile = [line.replace(b"call_shell_0_0_1", b"call '; DROP TABLE turns --") for line in lines]
    rolled = told(hostile, name)
    assert b"DROP" not in msgspec.msgpack.encode(rolled.batch)
    assert rolled.turns[0].total_tokens == 4310


def test_a_clock_that_jumps_back_makes_no_negative_time(recordings: Recordings) -> None:
    recording = recordings.one("0.98.0/b_shell")
    (path,) = recording.rollouts()
    lines = lines_of(path)
    jumped = [*lines[:15], *(line.replace(b"T06:57:", b"T05:57:") for line in lines[15:])]
    (row,) = told(jumped, name_of(path)).turns
    assert row.duration_ms is not None
    assert row.duration_ms >= 0
    assert row.total_tokens == 4310


def test_a_line_of_a_hundred_megabytes_is_one_line(recordings: Recordings) -> None:
    name, lines = sample(recordings)
    long = (
        b'{"timestamp":"2026-11-23T06:42:20.297Z","type":"response_item","payload":'
        b'{"type":"function_call_output","call_id":"call_shell_0_0_1","output":"'
        + b"A" * 100_000_000
        + b'"}}'
    )
    assert told([*lines, long], name).total_tokens == told(lines, name).total_tokens

"""Any bytes, and real files with anything in them changed: nothing raises, nothing leaks."""

import json

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canary import leaks_in
from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.rollout import RolloutName
from codex_telemetry.formats.rollout.reader import RolloutReader
from recordings import Recordings
from rolled import NOW, Rolled, lines_of, name_of, read

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


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_no_bytes_raise(line: bytes) -> None:
    reader = RolloutReader(NAME)
    list(reader.read(line, NOW))
    list(reader.finish())
    RolloutReader.restore(reader.state(), NAME)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "user", "exec", "completed", "2026-11-23T06:42:19.297Z", "\ud800", "🦀"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "id", "secs", "mode", "text"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            found += places(inner, (*path, n))
    return found


def changed(row: object, path: tuple[object, ...], value: object) -> None:
    for key in path[:-1]:
        row = row[key]  # type: ignore[index]
    row[path[-1]] = value  # type: ignore[index]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_a_real_line_raises(recordings: Recordings, data: st.DataObject) -> None:
    recording = recordings.one(data.draw(st.sampled_from(SAMPLES)))
    path = data.draw(st.sampled_from([p for p in recording.rollouts() if p.suffix == ".jsonl"]))
    lines = lines_of(path)
    for _ in range(data.draw(st.integers(1, 4))):
        n = data.draw(st.integers(0, len(lines) - 1))
        how = data.draw(st.sampled_from(["value", "cut", "byte", "drop", "twice"]))
        if how == "value":
            try:
                row = json.loads(lines[n])
            except ValueError:
                continue
            if not isinstance(row, dict):
                continue
            changed(row, data.draw(st.sampled_from(places(row))), data.draw(VALUES))
            lines[n] = json.dumps(row, separators=(",", ":")).encode()
        elif how == "cut":
            lines[n] = lines[n][: data.draw(st.integers(0, len(lines[n])))]
        elif how == "byte" and lines[n]:
            at = data.draw(st.integers(0, len(lines[n]) - 1))
            lines[n] = lines[n][:at] + bytes([data.draw(st.integers(0, 255))]) + lines[n][at + 1 :]
        elif how == "drop":
            del lines[n]
        else:
            lines.insert(n, lines[n])
        if not lines:
            return
    stop = frozenset({data.draw(st.integers(0, len(lines)))})
    rolled, in_parts = Rolled(), Rolled()
    read(rolled, name_of(path), lines)
    read(in_parts, name_of(path), lines, stops=stop)
    for row_of in rolled.turns, rolled.sessions, in_parts.turns:
        msgspec.msgpack.encode(row_of)
    assert not leaks_in(msgspec.msgpack.encode(rolled.batch))

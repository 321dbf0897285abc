"""The pump's frames become lines again: in order, whole, each at its time, whatever came between."""

import random
from collections.abc import Iterable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex_telemetry import frames
from codex_telemetry.frames import COUNT, HEADER, frame
from codex_telemetry.inputs import live
from codex_telemetry.inputs.live import (
    HOLD_NS,
    Frame,
    Heard,
    Line,
    Lines,
    Lost,
    Pending,
    SteadyClock,
)

MS = 1_000_000
WALL = 1_795_416_000_000


def lines(stream: bytes, cuts: Iterable[int] = ()) -> list[Heard]:
    """What is heard of a stream that arrives in pieces."""
    pending, half = Pending(), Lines()
    heard: list[Heard] = []
    at = 0
    for cut in [*sorted(cuts), len(stream)]:
        pending.feed(stream[at:cut])
        at = max(at, cut)
        heard += half.of(pending.ripe())
    return heard + list(half.of(pending.all()))


def spoken(kind: int, ms: int, payload: bytes) -> bytes:
    """A frame at so many ms."""
    return frame(kind, (WALL + ms) * MS, ms * MS, payload)


def texts(heard: Iterable[Heard], *, from_codex: bool = True) -> list[bytes]:
    return [what.text for what in heard if isinstance(what, Line) if what.from_codex == from_codex]


pieces = st.lists(
    st.tuples(
        st.sampled_from([frames.CLIENT, frames.SERVER, frames.GAP_CLIENT, frames.GAP_SERVER]),
        st.integers(0, 20),
        st.binary(max_size=12) | st.sampled_from([b"\n", b"a\n", b"\n\nb"]),
    ),
    max_size=20,
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames of both directions, a few ms apart, perhaps a torn one at the end."""
    ms, stream = 0, b""
    for kind, pause, payload in draw(pieces):
        ms += pause
        stream += spoken(kind, ms, payload)
    return stream[: len(stream) - draw(st.integers(0, 3))]


@given(streams(), st.data())
def test_where_the_stream_is_cut_makes_no_difference(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    assert lines(stream, cuts) == lines(stream)


@given(st.lists(st.binary(max_size=20)), st.integers(1, 7))
def test_a_line_is_whole_however_it_was_written(said: list[bytes], size: int) -> None:
    spoken_lines = [text.replace(b"\n", b" ") for text in said]
    wire = b"".join(text + b"\n" for text in spoken_lines)
    stream = b"".join(
        spoken(frames.SERVER, at, wire[at : at + size]) for at in range(0, len(wire), size)
    )
    assert texts(lines(stream)) == spoken_lines


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_on_the_pipe_raise_anything_but_what_is_said(noise: bytes, size: int) -> None:
    cuts = range(0, len(noise), size)
    try:
        found = lines(noise, cuts)
    except live.TornError:
        return
    assert all(isinstance(what, Line | Lost | live.Meta) for what in found)


def test_what_cannot_be_a_frame_is_not_waited_for() -> None:
    with pytest.raises(live.TornError):
        lines(HEADER.pack(frames.SERVER, 0xFFFF_FFFF, 0, 0))


@given(st.permutations(range(8)))
def test_frames_a_little_out_of_order_are_put_right(order: list[int]) -> None:
    """Each thread of the pump hands over its own: an answer may come before its question."""
    apart = HOLD_NS // MS // 8
    stream = b"".join(
        spoken((frames.CLIENT, frames.SERVER)[n % 2], n * apart, b"%d\n" % n) for n in order
    )
    heard = lines(stream, range(0, len(stream), 5))
    assert [what.text for what in heard if isinstance(what, Line)] == [b"%d" % n for n in range(8)]


def test_what_was_said_at_once_stays_in_its_order() -> None:
    stream = b"".join(spoken(frames.SERVER, 5, b"%d\n" % n) for n in range(50))
    assert texts(lines(stream)) == [b"%d" % n for n in range(50)]


def test_an_answer_is_not_held_back_for_longer_than_a_question_may_be_late() -> None:
    pending = Pending()
    pending.feed(spoken(frames.SERVER, 0, b"a\n") + spoken(frames.SERVER, HOLD_NS // MS, b"b\n"))
    assert [one.payload for one in pending.ripe()] == [b"a\n"]


def test_after_a_gap_reading_goes_on_at_the_next_line() -> None:
    stream = (
        spoken(frames.SERVER, 0, b"whole\nhalf of a li")
        + spoken(frames.GAP_SERVER, 1, COUNT.pack(4_096))
        + spoken(frames.SERVER, 2, b"e of which nothing is known")
        + spoken(frames.SERVER, 3, b" yet\nwhole again\n")
    )
    heard = lines(stream)
    assert texts(heard) == [b"whole", b"whole again"]
    (lost,) = [what for what in heard if isinstance(what, Lost)]
    assert (lost.from_codex, lost.dropped_bytes, lost.wall_ms) == (True, 4_096, WALL + 1)


def test_a_gap_in_one_direction_leaves_the_other_whole() -> None:
    stream = (
        spoken(frames.CLIENT, 0, b"quest")
        + spoken(frames.GAP_SERVER, 1, COUNT.pack(1))
        + spoken(frames.CLIENT, 2, b"ion\n")
    )
    assert texts(lines(stream), from_codex=False) == [b"question"]


def test_gaps_of_both_directions_at_one_moment_are_two() -> None:
    stream = spoken(frames.GAP_CLIENT, 1, COUNT.pack(7)) + spoken(
        frames.GAP_SERVER, 1, COUNT.pack(9)
    )
    reasons = {what.reason: what.dropped_bytes for what in lines(stream) if isinstance(what, Lost)}
    assert sorted(reasons.values()) == [7, 9]


def test_a_line_over_the_bound_is_skipped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_IN_A_LINE", 1_000)
    stream = (
        spoken(frames.SERVER, 0, b"before\n" + b"x" * 900)
        + b"".join(spoken(frames.SERVER, n, b"x" * 900) for n in range(1, 5))
        + spoken(frames.SERVER, 5, b"xx\nafter\n")
        + spoken(frames.SERVER, 6, b"y" * 1_000 + b"\n" + b"z" * 1_001 + b"\nend\n")
    )
    heard = lines(stream)
    assert texts(heard) == [b"before", b"after", b"y" * 1_000, b"end"]
    assert [what.dropped_bytes for what in heard if isinstance(what, Lost)] == [4_502, 1_001]


def test_a_line_of_many_megabytes_is_one_line() -> None:
    size, piece = 20 << 20, 64 << 10
    payload = random.Random(1).randbytes(piece).replace(b"\n", b" ")
    stream = b"".join(spoken(frames.SERVER, n, payload) for n in range(size // piece))
    (text,) = texts(
        lines(stream + spoken(frames.SERVER, size // piece, b"\n"), range(0, size, READ))
    )
    assert text == payload * (size // piece)


READ = 1 << 18


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(-120, 120)), min_size=2))
def test_a_wall_clock_that_is_set_a_little_changes_no_duration(
    moments: list[tuple[int, int]],
) -> None:
    """Back and forth within a quarter of a second: the time between two lines is that of the steady clock."""
    clock, mono, told = SteadyClock(), 0, []
    for pause, shift in moments:
        mono += pause
        wall = (WALL + mono + shift) * MS
        told.append((mono, clock.wall_ms(Frame(mono * MS, 1, frames.SERVER, wall, b""))))
    assert {wall - mono for mono, wall in told} == {WALL + moments[0][1]}


def test_a_clock_that_is_set_by_more_is_followed_and_told() -> None:
    clock = SteadyClock()
    hour = 3_600_000
    assert clock.wall_ms(Frame(0, 1, frames.SERVER, WALL * MS, b"")) == WALL
    back = Frame(5 * MS, 2, frames.SERVER, (WALL - hour) * MS, b"")
    assert (clock.wall_ms(back), clock.set_by_ms) == (WALL - hour, -hour - 5)
    on_again = Frame(9 * MS, 3, frames.SERVER, (WALL + 9) * MS, b"")
    assert (clock.wall_ms(on_again), clock.set_by_ms) == (WALL + 9, 0)


def test_the_clock_of_a_machine_that_slept_was_not_set() -> None:
    """The pump's monotonic clock runs on while the machine sleeps."""
    clock = SteadyClock()
    assert clock.wall_ms(Frame(0, 1, frames.SERVER, WALL * MS, b"")) == WALL
    hours = 8 * 3_600_000
    awake = Frame(hours * MS, 2, frames.SERVER, (WALL + hours) * MS, b"")
    assert (clock.wall_ms(awake), clock.set_by_ms) == (WALL + hours, 0)
    uptime, _ = Path("/proc/uptime").read_text().split()
    assert abs(frames.monotonic_ns() / 1e9 - float(uptime)) < 5

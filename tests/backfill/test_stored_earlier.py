"""What an earlier version of us stored isn't compressed, or otherwise, and is gone on from all the same."""

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from unittest import mock

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from backfill.codex_home import first_turns, fresh, only, rows, take_in
from codex_telemetry.store import bodies
from codex_telemetry.store.apart import apart, in_steps, together, without_ids
from codex_telemetry.store.bodies import packed, squeezed, unpacked
from saved import query

BODIES = (("told_bodies", "body"), ("told_sessions", "body"), ("rollout_files", "state"))


def by_zlib(body: bytes) -> bytes:
    return zlib.compress(unpacked(body))


def with_times_apart_alone(body: bytes) -> bytes:
    with mock.patch.object(bodies, "_LONG", 1 << 30):
        return squeezed(unpacked(body))


def with_times_and_ids_apart(body: bytes) -> bytes:
    rest, steps = in_steps(unpacked(body))
    rest, ids = without_ids(rest)
    words = msgspec.msgpack.encode((rest, steps, bytes(map(len, ids))))
    compress = zstandard.ZstdCompressor(3, bodies._dictionary()).compress
    return b"\x02" + msgspec.msgpack.encode((compress(words), compress(b"".join(ids))))


@pytest.mark.parametrize(
    ("as_then", "begins"),
    [
        (unpacked, "81"),
        (by_zlib, "78"),
        (with_times_apart_alone, "01"),
        (with_times_and_ids_apart, "02"),
    ],
)
def test_reading_goes_on_from_what_an_earlier_version_stored(
    home: Path, database: Path, tmp_path: Path, as_then: Callable[[bytes], bytes], begins: str
) -> None:
    whole = only(home).read_bytes()
    only(home).write_bytes(first_turns(only(home)))
    take_in(database, home)
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.create_function("as_then", 1, as_then)
        for table, column in BODIES:
            db.execute(f"UPDATE {table} SET {column} = as_then({column})")
    first_bytes = "SELECT DISTINCT hex(substr(body, 1, 1)) FROM told_bodies"
    assert query(database, first_bytes) == [(begins,)]
    only(home).write_bytes(whole)
    tally = take_in(database, home)
    assert 0 < tally.lines < whole.count(b"\n")  # it was gone on from, not begun anew
    assert rows(database) == fresh(home, tmp_path)


def test_what_is_told_takes_half_the_room_that_it_takes_by_itself(
    database: Path, home: Path
) -> None:
    take_in(database, home)
    stored = [row[0] for row in query(database, "SELECT body FROM told_bodies")]
    assert sum(map(len, stored)) < 0.5 * sum(len(unpacked(body)) for body in stored)


TIMES = st.integers(0, 1 << 42) | st.sampled_from([1 << 40, (1 << 41) - 1, 1_779_076_410_261])
BEGINNINGS = st.sampled_from([b"\xcf\x00\x00\x01", b"\xcf\x00\x00\x01\xcf\x00\x00\x01", b"\xcf"])
IDS = st.from_regex(r"(call|rs|msg_|)_[0-9A-Za-z]{19,300}", fullmatch=True)
NO_IDS = st.sampled_from([b"_\xc1", b"_", b"_" + b"x" * 24])
SAID = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | TIMES
    | st.text()
    | BEGINNINGS,
    lambda within: st.lists(within, max_size=4) | st.dictionaries(st.text(), within, max_size=3),
)


NUMBERS = st.integers(0, (1 << 32) - 1) | st.integers(0, 300)
USAGES = st.lists(NUMBERS, min_size=5, max_size=5)
LOOKS_LIKE_ONE = st.sampled_from(
    [
        b"\x96\x93",
        b"\x96\x93\xc1",
        b"\xce\0\0\0\1\x96\x93\x95\xcd\0\1\1\1\1\1",
        b"\x96\x93\x95\1\1\1\1\1",
    ]
)


@given(st.lists(SAID, max_size=6))
def test_whatever_is_stored_comes_back(told: list[object]) -> None:
    assert unpacked(packed(told)) == msgspec.msgpack.encode(told)
    assert_comes_back(msgspec.msgpack.encode(told))


@given(st.lists(IDS | IDS.map(str.encode) | NO_IDS | st.text(max_size=3), max_size=8))
def test_so_do_ids(told: list[object]) -> None:
    assert_comes_back(msgspec.msgpack.encode(told))


@given(st.dictionaries(NUMBERS, USAGES, max_size=6), st.booleans())
def test_so_does_what_responses_used(used: dict[int, list[int]], running: bool) -> None:
    totals = accumulate(usage[0] for usage in used.values()) if running else used
    told = zip(totals, used.values(), strict=True)
    responses = {total: ([usage, 1, 1_779_076_410_261], *[None] * 5) for total, usage in told}
    assert_comes_back(msgspec.msgpack.encode(responses))


@given(st.lists(BEGINNINGS | LOOKS_LIKE_ONE | NO_IDS | st.binary(max_size=9), max_size=8))
def test_so_do_bytes_that_look_like_what_stands_apart(pieces: list[bytes]) -> None:
    told = b"".join(pieces)
    assert unpacked(squeezed(told)) == told
    assert_comes_back(told)


def assert_comes_back(told: bytes) -> None:
    """Also where it is taken apart as what is long is."""
    assert together(*apart(told)) == told

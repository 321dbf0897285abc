"""Take what was told apart into what is alike, and put it together again: so it is squeezed better.

It knows of msgpack, and that there are times, ids and counts of tokens in it. Bytes that only look like
one of these are taken for it, and come back all the same.
"""

import re
import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import add, sub
from typing import Final, NamedTuple

import msgspec

_TIME: Final = re.compile(rb"\xcf\x00\x00\x01(.{5})", re.DOTALL)
"""A time in msgpack (ms, 2004 to 2039): what it begins with, and what tells it from others."""
_BEGINS: Final = b"\xcf\x00\x00\x01"

_ID: Final = re.compile(rb"_([0-9A-Za-z]{20,255})")
"""What is at random in an id of an item or a response: `call_…`, `rs_…`, `resp_…`."""
_WAS_ID: Final = b"_\xc1"
"""What is left in its place: no text has that byte."""

_NUMBER: Final = rb"(?:\xcd..|\xce....|[\x00-\x7f]|\xcc.)"
_USAGE: Final = re.compile(rb"\x96\x93(\x95" + 5 * _NUMBER + rb")", re.DOTALL)
"""A `core.facts.Usage`, as a `ResponseFacts` begins with it."""
_WAS_USAGE: Final = b"\x96\x93\xc1"
_KINDS: Final = 4
"""Input, cached, output, reasoning: the total is what input and output come to."""

_encode: Final = msgspec.msgpack.Encoder().encode
_usages: Final = msgspec.msgpack.Decoder(list[tuple[int, int, int, int, int]]).decode

Usages = Sequence[tuple[int, int, int, int, int]]


class Words(NamedTuple):
    """What is said again and again."""

    rest: bytes
    moves: list[int]
    """Which moment each time is: by how many it comes after that of the time before."""
    lengths: bytes
    """Of the ids."""
    follows: bytes
    """Of each response, whether the running total after it is the one before and what it used."""
    besides: list[int]
    """What of each response's total is neither input nor output."""


class Parts(NamedTuple):
    words: Words
    ids: bytes
    """What is at random in them."""
    numbers: bytes
    """The moments, as how much later each is; then what responses used, kind by kind."""


def apart(told: bytes) -> Parts:
    rest, moves, gaps = _without_times(told)
    rest, ids = without_ids(rest)
    rest, follows, usages = _without_usages(rest)
    totals, *kinds = zip(*usages, strict=True) if usages else [()] * (1 + _KINDS)
    besides = [*map(sub, totals, map(add, kinds[0], kinds[2]))]
    numbers = _by_weight([*gaps, *(number for kind in kinds for number in kind)])
    return Parts(Words(rest, moves, bytes(map(len, ids)), follows, besides), b"".join(ids), numbers)


def together(words: Words, ids: bytes, numbers: bytes) -> bytes:
    """The msgpack again."""
    told = _from_weights(numbers)
    responses = len(words.besides)
    moments = len(told) - _KINDS * responses
    kinds = [told[moments + n * responses :][:responses] for n in range(_KINDS)]
    totals = map(add, words.besides, map(add, kinds[0], kinds[2]))
    usages = [*zip(totals, *kinds, strict=True)]
    rest = with_ids(_with_usages(words.rest, words.follows, usages), ids, words.lengths)
    times = _said(accumulate(told[:moments]))
    return _with_times(rest, [*map(times.__getitem__, accumulate(words.moves))])


def in_steps(told: bytes) -> tuple[bytes, list[int]]:
    """Of what is short, the times alone: by how much each is later than the one before."""
    pieces = _TIME.split(told)
    return _BEGINS.join(pieces[::2]), _steps(_moments(pieces[1::2]))


def from_steps(rest: bytes, steps: list[int]) -> bytes:
    return _with_times(rest, _said(accumulate(steps)))


def _without_times(told: bytes) -> tuple[bytes, list[int], list[int]]:
    """Most moments are told of several times, and not in their order: each is kept once, in order."""
    pieces = _TIME.split(told)
    times = pieces[1::2]
    moments = sorted(dict.fromkeys(times))
    places = dict(zip(moments, range(len(moments)), strict=True))
    moves = _steps([*map(places.__getitem__, times)])
    return _BEGINS.join(pieces[::2]), moves, _steps(_moments(moments))


def _with_times(rest: bytes, times: list[bytes]) -> bytes:
    whole = [b""] * (2 * len(times) + 1)
    # No more than there were: at its very end there may be what only looks like the beginning of one.
    whole[::2] = rest.split(_BEGINS, len(times))
    whole[1::2] = times
    return b"".join(whole)


def _moments(times: list[bytes]) -> list[int]:
    return _numbers(_BEGINS[1:].join((b"", *times)))


def _said(moments: Iterable[int]) -> list[bytes]:
    said = _bytes(moments)
    return [_BEGINS[:1] + said[n : n + 8] for n in range(0, len(said), 8)]


def without_ids(rest: bytes) -> tuple[bytes, list[bytes]]:
    if _WAS_ID in rest:
        return rest, []
    pieces = _ID.split(rest)
    return _WAS_ID.join(pieces[::2]), pieces[1::2]


def with_ids(rest: bytes, ids: bytes, lengths: bytes) -> bytes:
    if not lengths:
        return rest
    first, *pieces = rest.split(_WAS_ID)
    ends = accumulate(lengths)
    whole = (
        b"_" + ids[end - length : end] + piece
        for piece, length, end in zip(pieces, lengths, ends, strict=True)
    )
    return b"".join((first, *whole))


def _without_usages(rest: bytes) -> tuple[bytes, bytes, Usages]:
    """What it is without what responses used, and without the running totals that follow from it."""
    *pieces, last = _USAGE.split(rest)
    told = _encode([*map(msgspec.Raw, pieces[1::2])])
    usages = _usages(told)
    if _WAS_USAGE in rest or _encode(usages) != told:  # a number may be written as none of ours is
        return rest, b"", ()
    left, follows = [], bytearray()
    total = 0
    for piece, usage in zip(pieces[::2], usages, strict=True):
        total += usage[0]
        expected = _encode(total)
        follow = piece.endswith(expected)
        follows.append(follow)
        if follow:
            left.append(piece[: -len(expected)])
        else:
            left.append(piece)
            total = _total(piece)
    return _WAS_USAGE.join((*left, last)), bytes(follows), usages


def _with_usages(rest: bytes, follows: bytes, usages: Usages) -> bytes:
    if not usages:
        return rest
    *pieces, last = rest.split(_WAS_USAGE)
    whole: list[bytes] = []
    total = 0
    for piece, usage, follow in zip(pieces, usages, follows, strict=True):
        total += usage[0]
        whole += piece, _encode(total) if follow else b"", _WAS_USAGE[:-1], _encode(usage)
        if not follow:
            total = _total(piece)
    return b"".join((*whole, last))


def _total(piece: bytes) -> int:
    """The running total with which it ends. Whatever else that may be, it is the same each time."""
    return int.from_bytes(piece[-4:] if piece[-5:-4] == b"\xce" else piece[-2:])


def _steps(numbers: list[int]) -> list[int]:
    return [*numbers[:1], *map(sub, numbers[1:], numbers)]


def _by_weight(numbers: Iterable[int]) -> bytes:
    """The highest bytes of all, …, the lowest bytes of all: of most the higher ones are 0."""
    whole = _bytes(numbers)
    return b"".join(whole[n::8] for n in range(8))


def _from_weights(numbers: bytes) -> list[int]:
    whole = bytearray(len(numbers))
    many = len(numbers) // 8
    for n in range(8):
        whole[n::8] = numbers[n * many :][:many]
    return _numbers(whole)


def _numbers(big_endian: bytes | bytearray) -> list[int]:
    numbers = array("Q", bytes(big_endian))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tolist()


def _bytes(numbers: Iterable[int]) -> bytes:
    found = array("Q", numbers)
    if sys.byteorder == "little":
        found.byteswap()
    return found.tobytes()

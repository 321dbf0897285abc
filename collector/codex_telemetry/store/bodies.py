"""The form in which what was told, and what a reader remembers, is stored: msgpack, squeezed.

A third of it is times, most of them some ms after the one before: they stand apart, each as how much
later it is. So do ids, where there are many: each letter of one may be any, and among the rest it would be
stored as one of all letters there are. The rest is names that are said again and again, also in other
bodies: a dictionary holds those. What earlier versions of us stored, msgpack as it is or by zlib, or with
the ids among the rest, is read all the same.
"""

import re
import sys
import threading
import zlib
from array import array
from collections.abc import Iterable
from functools import cache
from itertools import accumulate
from operator import sub
from typing import Any

import msgspec

from codex_telemetry.store.db import schema_folder

_LEVEL = 3
"""Higher ones take several times as long, and gain a fortieth."""
_ZLIB = b"\x78"
_ZSTD = b"\x01"
"""No msgpack of ours begins so: it is always an array or a map."""
_WITH_IDS = b"\x02"
"""The same, with ids that stand apart."""

_TIME = re.compile(rb"\xcf\x00\x00\x01(.{5})", re.DOTALL)
"""A time in msgpack (ms, 2004 to 2039): what it begins with, and what tells it from others."""
_BEGINS = b"\xcf\x00\x00\x01"

_ID = re.compile(rb"_([0-9A-Za-z]{20,255})")
"""What is at random in an id of an item or a response: `call_…`, `rs_…`, `resp_…`."""
_WAS_ID = b"_\xc1"
"""What is left in its place: no text has that byte."""
_MANY = 16
"""So many ids are worth a place of their own."""

_encode = msgspec.msgpack.Encoder().encode
_apart = msgspec.msgpack.Decoder(tuple[bytes, list[int]]).decode
_apart_from_ids = msgspec.msgpack.Decoder(tuple[bytes, list[int], bytes]).decode
_two = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode
_of_thread = threading.local()


def packed(facts: Any) -> bytes:
    return squeezed(_encode(facts))


def squeezed(told: bytes) -> bytes:
    rest, times = taken_apart(told)
    rest, ids = _without_ids(rest)
    compress = _compressor().compress
    if not ids:
        body: bytes = _ZSTD + compress(_encode((rest, times)))
        return body
    lengths = bytes(map(len, ids))
    return _WITH_IDS + _encode((compress(_encode((rest, times, lengths))), compress(b"".join(ids))))


def unpacked(body: bytes) -> bytes:
    """The msgpack again."""
    if body[:1] == _WITH_IDS:
        told, ids = map(_decompressor().decompress, _two(body[1:]))
        rest, times, lengths = _apart_from_ids(told)
        return _put_together(_with_ids(rest, ids, lengths), times)
    if body[:1] == _ZSTD:
        return _put_together(*_apart(_decompressor().decompress(body[1:])))
    return zlib.decompress(body) if body[:1] == _ZLIB else body


def _without_ids(rest: bytes) -> tuple[bytes, list[bytes]]:
    """What it is without the ids, if there are many of them."""
    pieces = _ID.split(rest)
    if len(pieces) <= 2 * _MANY or _WAS_ID in rest:
        return rest, []
    return _WAS_ID.join(pieces[::2]), pieces[1::2]


def _with_ids(rest: bytes, ids: bytes, lengths: bytes) -> bytes:
    first, *pieces = rest.split(_WAS_ID)
    ends = accumulate(lengths)
    whole = (
        b"_" + ids[end - length : end] + piece
        for piece, length, end in zip(pieces, lengths, ends, strict=True)
    )
    return b"".join((first, *whole))


def taken_apart(told: bytes) -> tuple[bytes, list[int]]:
    """What it is without the times, and by how much each is later than the one before."""
    pieces = _TIME.split(told)
    times = _numbers(_BEGINS[1:].join((b"", *pieces[1::2])))
    return _BEGINS.join(pieces[::2]), [*times[:1], *map(sub, times[1:], times)]


def _put_together(rest: bytes, steps: list[int]) -> bytes:
    times = _bytes(accumulate(steps))
    whole = [b""] * (2 * len(steps) + 1)
    # No more than there were: at its very end there may be what only looks like the beginning of one.
    whole[::2] = rest.split(_BEGINS, len(steps))
    whole[1::2] = [_BEGINS[:1] + times[n : n + 8] for n in range(0, len(times), 8)]
    return b"".join(whole)


def _numbers(big_endian: bytes) -> list[int]:
    numbers = array("Q", big_endian)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tolist()


def _bytes(numbers: Iterable[int]) -> bytes:
    found = array("Q", numbers)
    if sys.byteorder == "little":
        found.byteswap()
    return found.tobytes()


# An object of zstd's is for one thread at a time.


def _compressor() -> Any:
    if not hasattr(_of_thread, "compressor"):
        _of_thread.compressor = _zstd().ZstdCompressor(
            _LEVEL, _dictionary(), write_checksum=False, write_dict_id=False
        )
    return _of_thread.compressor


def _decompressor() -> Any:
    if not hasattr(_of_thread, "decompressor"):
        _of_thread.decompressor = _zstd().ZstdDecompressor(_dictionary())
    return _of_thread.decompressor


@cache
def _dictionary() -> Any:
    """What bodies have in common. It is never changed: without it no body can be read."""
    content = (schema_folder() / "bodies" / "1.zdict").read_bytes()
    return _zstd().ZstdCompressionDict(content)


def _zstd() -> Any:
    import zstandard  # noqa: PLC0415 - most reports read no body

    return zstandard

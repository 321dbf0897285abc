"""The form in which what was told, and what a reader remembers, is stored: msgpack, squeezed.

Names are said again and again, also in other bodies: a dictionary holds those. Times, ids and counts of
tokens stand apart (`store.apart`): among the rest they would be stored as if each of their bytes may be any.
What earlier versions of us stored, msgpack as it is or by zlib, or with more of it among the rest, is read
all the same.
"""

import threading
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec

from codex_telemetry.store.apart import Words, apart, from_steps, in_steps, together, with_ids
from codex_telemetry.store.db import schema_folder

_LEVEL: Final = 3
_LEVEL_OF_WORDS: Final = 5
"""Half as long again, and a twentieth less; higher ones gain less."""
_LEVEL_OF_CHANCE: Final = 1
"""Higher ones look for what was there before: in vain, and what they take for it costs more."""

_LONG: Final = 4_096
"""Bytes from which on it is worth more than to let the times stand apart."""

_ZLIB: Final = b"\x78"
_SHORT: Final = b"\x01"
"""By zstd, with times apart as steps. No msgpack of ours begins so: it is always an array or a map."""
_WITH_IDS: Final = b"\x02"
"""The same, with ids apart: earlier versions stored that."""
_APART: Final = b"\x03"

_encode: Final = msgspec.msgpack.Encoder().encode
_steps: Final = msgspec.msgpack.Decoder(tuple[bytes, list[int]]).decode
_steps_and_ids: Final = msgspec.msgpack.Decoder(tuple[bytes, list[int], bytes]).decode
_two: Final = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode
_three: Final = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes]).decode
_words: Final = msgspec.msgpack.Decoder(Words).decode
Squeeze = Callable[[bytes], bytes]


class _OfThread(threading.local):
    """An object of zstd's is for one thread at a time."""

    def __init__(self) -> None:
        self.compress: dict[int, Squeeze] = {}
        self.decompress: Squeeze | None = None


_of_thread: Final = _OfThread()


def packed(facts: Any) -> bytes:
    return squeezed(_encode(facts))


def squeezed(told: bytes) -> bytes:
    if len(told) < _LONG:
        return _SHORT + _compressor(_LEVEL)(_encode(in_steps(told)))
    words, *chance = apart(told)
    by_chance = map(_compressor(_LEVEL_OF_CHANCE), chance)
    return _APART + _encode((_compressor(_LEVEL_OF_WORDS)(_encode(words)), *by_chance))


def unpacked(body: bytes) -> bytes:
    """The msgpack again."""
    form, told = body[:1], body[1:]
    if form == _APART:
        words, ids, numbers = map(_decompressor(), _three(told))
        return together(_words(words), ids, numbers)
    if form == _WITH_IDS:
        words, ids = map(_decompressor(), _two(told))
        rest, steps, lengths = _steps_and_ids(words)
        return from_steps(with_ids(rest, ids, lengths), steps)
    if form == _SHORT:
        return from_steps(*_steps(_decompressor()(told)))
    return zlib.decompress(body) if form == _ZLIB else body


def _compressor(level: int) -> Squeeze:
    found = _of_thread.compress.get(level)
    if found is None:
        known = None if level == _LEVEL_OF_CHANCE else _dictionary()
        of_level = _zstd().ZstdCompressor(level, known, write_checksum=False, write_dict_id=False)
        found = _of_thread.compress[level] = of_level.compress
    return found


def _decompressor() -> Squeeze:
    found = _of_thread.decompress
    if found is None:
        found = _of_thread.decompress = _zstd().ZstdDecompressor(_dictionary()).decompress
    return found


@cache
def _dictionary() -> Any:
    """What bodies have in common. It is never changed: without it no body can be read."""
    content = (schema_folder() / "bodies" / "1.zdict").read_bytes()
    return _zstd().ZstdCompressionDict(content)


def _zstd() -> Any:
    import zstandard  # noqa: PLC0415 - most reports read no body

    return zstandard

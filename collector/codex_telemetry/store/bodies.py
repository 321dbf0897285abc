"""The form in which what was told, and what a reader remembers, is stored: msgpack, compressed.

Half of it is names and times that are said again and again. What an earlier version of us stored isn't
compressed, and is read all the same: no msgpack of ours begins as zlib does.
"""

import zlib
from typing import Any

import msgspec

_LEVEL = 3
"""Higher ones take longer, and gain a hundredth."""
_ZLIB = b"\x78"

_encode = msgspec.msgpack.Encoder().encode


def packed(facts: Any) -> bytes:
    return squeezed(_encode(facts))


def squeezed(told: bytes) -> bytes:
    return zlib.compress(told, _LEVEL)


def unpacked(body: bytes) -> bytes:
    """The msgpack again."""
    return zlib.decompress(body) if body[:1] == _ZLIB else body

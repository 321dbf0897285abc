"""What a span is here, before it is the protocol's; and its ids, the same whenever it is made again.

A trace's id comes from the turn's id alone, a span's from that and what it is. Turn ids are unique in
the world, so a turn that two databases know (one was merged into the other, or restored) is one trace.
"""

import hashlib
from typing import NamedTuple

Value = str | bool | int | float


class Link(NamedTuple):
    trace_id: bytes
    span_id: bytes
    relation: str


class Moment(NamedTuple):
    name: str
    at_ns: int
    attributes: dict[str, Value]


class Span(NamedTuple):
    name: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    """Empty: it is the root."""
    is_call: bool
    """To a model that runs elsewhere."""
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    error: bool = False
    links: tuple[Link, ...] = ()
    moments: tuple[Moment, ...] = ()


def trace_id(turn_id: str) -> bytes:
    return _digest("trace", turn_id, size=16)


def span_id(turn_id: str, kind: str = "turn", key: object = "") -> bytes:
    return _digest("span", turn_id, kind, str(key), size=8)


def _digest(*words: str, size: int) -> bytes:
    found = hashlib.sha256("\0".join(("codex-telemetry", *words)).encode()).digest()[:size]
    return found if any(found) else b"\1" * size  # all zeros is no id

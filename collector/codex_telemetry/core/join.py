"""Join what several sources say about one thing. Order and repeats change nothing."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import astuple

from codex_telemetry.core.facts import (
    AskFacts,
    EventFacts,
    ItemFacts,
    ResponseFacts,
    Said,
    SessionFacts,
    Times,
    TurnFacts,
)

K = TypeVar("K")
Rule = Callable[[Any, Any], Any]
F = TypeVar("F", TurnFacts, SessionFacts, ItemFacts, AskFacts, ResponseFacts, EventFacts)


def weightier(a: Said[Any], b: Said[Any]) -> Said[Any]:
    """The claim that counts: by weight, then the later; the value cuts a tie the same way always."""
    if a.weight != b.weight:
        return a if a.weight > b.weight else b
    if a.at != b.at:
        return a if a.at > b.at else b
    return a if a.value >= b.value else b


def earliest(a: Times, b: Times) -> Times:
    """By each clock the earlier moment: forks re-stamp what they copy, always later."""
    joined = dict(a)
    for clock, ms in b.items():
        joined[clock] = min(joined.get(clock, ms), ms)
    return joined


def _largest(a: dict[K, int], b: dict[K, int]) -> dict[K, int]:
    joined = dict(a)
    for key, n in b.items():
        joined[key] = max(joined.get(key, n), n)
    return joined


def _known(a: dict[K, int | None], b: dict[K, int | None]) -> dict[K, int | None]:
    joined = dict(a)
    for key, told in b.items():
        both = [ms for ms in (joined.get(key), told) if ms is not None]
        joined[key] = min(both, default=None)
    return joined


def _union(a: dict[K, F], b: dict[K, F]) -> dict[K, F]:
    joined = dict(a)
    for key, theirs in b.items():
        mine = joined.get(key)
        joined[key] = theirs if mine is None else join(mine, theirs)
    return joined


def _either(a: Any, b: Any) -> Any:
    return max(a, b)


def _all_of(a: Any, b: Any) -> Any:
    return a | b


_RULES: dict[str, Rule] = {
    "turn_id": _either,
    "session_id": _either,
    "kind": _either,
    "sources": _all_of,
    "threads": _all_of,
    "unheard": _all_of,
    "secrets": _all_of,
    "captured": min,
    "tellers": _known,
    "starts": earliest,
    "ends": earliest,
    "times": earliest,
    "tools_done": earliest,
    "created": earliest,
    "requested": earliest,
    "last_heard": _largest,
    "last_at": max,
    "counts": _largest,
    "items": _union,
    "responses": _union,
    "asks": _union,
    "events": _union,
    "startups": _union,
    "item_id": _either,
}


def join(a: F, b: F) -> F:
    """One claim out of two about the same thing; neither argument is changed."""
    make = cast(Callable[..., F], type(a))
    return make(
        *[
            mine
            if theirs is None or mine is theirs
            else theirs
            if mine is None
            else rule(mine, theirs)
            for rule, mine, theirs in zip(_rules(type(a)), astuple(a), astuple(b), strict=True)
        ]
    )


@cache
def _rules(kind: type[Struct]) -> list[Rule]:
    """That of each field, in order."""
    return [_RULES.get(name, weightier) for name in kind.__struct_fields__]

"""Join what several sources say about one thing. Order and repeats change nothing."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

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
    return a if (a.weight, a.at, a.value) >= (b.weight, b.at, b.value) else b


def earliest(a: Times, b: Times) -> Times:
    """By each clock the earlier moment: forks re-stamp what they copy, always later."""
    return {clock: min(a.get(clock, ms), ms) for clock, ms in {**a, **b}.items()} if a else dict(b)


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
    joined: dict[str, Any] = {}
    for name in a.__struct_fields__:
        mine, theirs = getattr(a, name), getattr(b, name)
        if mine is None or theirs is None:
            joined[name] = theirs if mine is None else mine
        elif mine is theirs:
            joined[name] = mine
        else:
            rule: Rule = _RULES.get(name, weightier)
            joined[name] = rule(mine, theirs)
    make = cast(Callable[..., F], type(a))
    return make(**joined)

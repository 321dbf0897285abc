"""Sessions as trees: each under the thread it came out of, the tree last heard of first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from heapq import nlargest
from typing import NamedTuple

from codex_telemetry.reports.shapes import Session
from codex_telemetry.reports.shaping import shaped
from codex_telemetry.store import threads
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.threads import Threads

MOST = 60
"""So many threads of a tree are told: a swarm of subagents would be the whole page."""


class Thread(NamedTuple):
    session: Session
    depth: int
    """0: the top of its tree."""


class Tree(NamedTuple):
    threads: list[Thread]
    """Each after the one it came out of."""
    more: int
    """So many aren't told."""


class Page(NamedTuple):
    sessions: int
    """Those that match."""
    trees: int
    shown: list[Tree]


def page(db: Store, filters: Filters, *, size: int, skipped: int) -> Page:
    """Some of the trees that those sessions make which match: one whose elder doesn't is a top."""
    found = threads.threads(db, filters)
    elders = planted(found, set(found.ids))
    newest = _newest(found, elders)
    trees = min(len(newest), filters.last or len(newest))
    # The newest are last there, as a rule: met first, they needn't make room for each other.
    largest = nlargest(min(skipped + size, trees), reversed(newest))
    shown = [one for _, one in largest][skipped:]
    return Page(len(found.ids), trees, _trees(db, shown, _younger(elders)))


def below(db: Store, session_id: str) -> Tree:
    """All that came out of a thread: that thread, of depth 0, comes first."""
    found = threads.derived(db)
    younger = _younger(planted(found, {session_id, *found.ids}))
    (tree,) = _trees(db, [session_id], younger)
    return tree


def planted(found: Threads, known: Set[str]) -> dict[str, str]:
    """Thread → the one it came out of, where that is known. A circle is cut: it has to end somewhere."""
    elders = {
        one: elder
        for one, elder in zip(found.ids, found.elders, strict=True)
        if elder is not None and elder in known and elder != one
    }
    sound: set[str] = set()
    for one in list(elders):
        way: list[str] = []
        at: str | None = one
        while at is not None and at not in sound:
            way.append(at)
            sound.add(at)
            at = elders.get(at)
        if at is not None and at in way:
            del elders[at]
    return elders


def _newest(found: Threads, elders: Mapping[str, str]) -> list[tuple[int, str]]:
    """When anything of a tree was last heard of (ms UTC), and its top."""
    heard = dict(zip(found.ids, (at or 0 for at in found.last_at), strict=True))
    newest = {one: at for one, at in heard.items() if one not in elders}
    tops: dict[str, str] = {}
    for one in elders:
        way, at = [], one
        while at in elders:
            way.append(at)
            at = tops.get(at) or elders[at]
        tops.update(dict.fromkeys(way, at))
        newest[at] = max(newest[at], heard[one])
    return [(at, one) for one, at in newest.items()]


def _younger(elders: Mapping[str, str]) -> Mapping[str, list[str]]:
    younger: dict[str, list[str]] = defaultdict(list)
    for one, elder in elders.items():
        younger[elder].append(one)
    return younger


def _trees(db: Store, tops: Iterable[str], younger: Mapping[str, list[str]]) -> list[Tree]:
    grown = [_grown(top, younger) for top in tops]
    rows = threads.named(db, (one for tree in grown for one, _ in tree[: MOST + 1]))
    named = {session.session_id: session for session in shaped(Session, rows)}
    return [
        Tree(
            [Thread(named[one], depth) for one, depth in tree[: MOST + 1] if one in named],
            max(0, len(tree) - MOST - 1),
        )
        for tree in grown
    ]


def _grown(top: str, younger: Mapping[str, list[str]]) -> list[tuple[str, int]]:
    """A tree's threads, each after the one it came out of, with their depths."""
    found: list[tuple[str, int]] = []
    waiting = [(top, 0)]
    while waiting:
        one, depth = waiting.pop()
        found.append((one, depth))
        # An id of Codex begins with the moment it was made.
        own = sorted(younger.get(one, ()), reverse=True)
        waiting += [(each, depth + 1) for each in own]
    return found

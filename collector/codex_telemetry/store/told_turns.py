"""What each origin told of turns. Turns that were told together share a body, for most of it is what they
have in common; who tells of one again takes it out of the body that it was in.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from codex_telemetry.core.facts import TurnFacts
from codex_telemetry.store.at_once import write
from codex_telemetry.store.bodies import packed, unpacked
from codex_telemetry.store.queries import Store

if TYPE_CHECKING:
    import aiosqlite  # a turn is shown from what was told of it: that takes nothing heavy

TOGETHER: Final = 16
"""So many turns share a body at most: one of them is read, and told again, at the price of all."""
HEAVY: Final = 1_000
"""Nor do turns with more items and responses than that."""

OF_TURNS: Final = """
SELECT turn_id, origin, told_body FROM told_turns
WHERE turn_id IN (SELECT value FROM json_each(?))
"""
BETWEEN: Final = (
    "SELECT turn_id, origin, told_body FROM told_turns WHERE turn_id >= ? AND turn_id < ?"
)
OF_ORIGIN: Final = """
SELECT told_body, body FROM told_by_origin JOIN told_bodies USING (told_body) WHERE origin = ?
"""
_OF_LOG: Final = """
SELECT origin, body FROM origins
JOIN told_by_origin USING (origin) JOIN told_bodies USING (told_body)
WHERE kind = 'rollout' AND name = ?
"""
_OF_ONE: Final = """
SELECT origin, body FROM told_turns JOIN told_bodies USING (told_body) WHERE turn_id = ? ORDER BY 1
"""
_BODIES: Final = """
SELECT told_body, body FROM told_bodies WHERE told_body IN (SELECT value FROM json_each(?))
"""
_LAST: Final = "SELECT coalesce(max(told_body), 0) FROM told_bodies"
_SAVE: Final = "INSERT OR REPLACE INTO told_bodies (told_body, turns, body) VALUES (?, ?, ?)"
_PLACE: Final = "INSERT OR REPLACE INTO told_turns (turn_id, origin, told_body) VALUES (?, ?, ?)"
_NOTE: Final = "INSERT OR IGNORE INTO told_by_origin (origin, told_body) VALUES (?, ?)"
_REMOVE: Final = "DELETE FROM told_bodies WHERE told_body = ?"
_DISPLACE: Final = "DELETE FROM told_turns WHERE turn_id = ? AND origin = ?"
_UNNOTE: Final = "DELETE FROM told_by_origin WHERE origin = ? AND told_body = ?"

Body = dict[int, dict[str, msgspec.Raw]]
"""What origins told of some turns, by their ids. Who wants one of them needn't read the others."""
Place = tuple[str, int]
"""A turn, as an origin tells of it."""


class _Named(msgspec.Struct, array_like=True):
    turn_id: str


read: Final = msgspec.msgpack.Decoder(TurnFacts).decode
_name: Final = msgspec.msgpack.Decoder(_Named).decode
_several: Final = msgspec.msgpack.Decoder(dict[int, list[msgspec.Raw]]).decode
_encode: Final = msgspec.msgpack.Encoder().encode
_ARRAYS: Final = b"\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xdc"
"""As a msgpack begins that holds what one origin told of one turn: earlier versions stored that."""


class Found(NamedTuple):
    """What is stored of some turns."""

    places: dict[Place, int]
    """In which body each is."""
    bodies: dict[int, Body]
    """Whole, so of other turns too."""

    def told(self) -> Iterator[tuple[str, int, TurnFacts]]:
        """Each of the turns, by each origin."""
        for (turn_id, origin), key in self.places.items():
            yield turn_id, origin, read(self.bodies[key][origin][turn_id])


class Taken(NamedTuple):
    """What is to be done once something was taken out of bodies."""

    empty: list[int]
    """Bodies that tell of nothing now."""
    notes: set[tuple[int, int]]
    """Origins that told of something in a body, and don't any more."""


def decoded(body: bytes, origin: int) -> Body:
    """`origin`: any that has told of something in it."""
    told = unpacked(body)
    several = {origin: [msgspec.Raw(told)]} if told[:1] in _ARRAYS else _several(told)
    return {teller: {_name(turn).turn_id: turn for turn in its} for teller, its in several.items()}


def encoded(body: Body) -> bytes:
    return packed({origin: list(its.values()) for origin, its in body.items()})


def told_of(db: Store, turn_id: str) -> list[TurnFacts]:
    """What each origin told of a turn."""
    bodies = [(origin, decoded(body, origin)) for origin, body in db.execute(_OF_ONE, [turn_id])]
    tellers = [its for origin, body in bodies if turn_id in (its := body.get(origin, {}))]
    return [read(its[turn_id]) for its in tellers]


async def of_log(db: "aiosqlite.Connection", name: str) -> list[TurnFacts]:
    """All that a log told of turns."""
    rows = await db.execute_fetchall(_OF_LOG, (name,))
    return [read(told) for origin, body in rows for told in decoded(body, origin)[origin].values()]


async def find(db: "aiosqlite.Connection", query: str, values: tuple[Any, ...]) -> Found:
    """`query`: OF_TURNS, BETWEEN."""
    places = {(row[0], row[1]): row[2] for row in await db.execute_fetchall(query, values)}
    if not places:
        return Found({}, {})
    tellers = {key: origin for (_, origin), key in places.items()}
    keys = msgspec.json.encode(list(tellers)).decode()
    bodies = await db.execute_fetchall(_BODIES, (keys,))
    return Found(places, {key: decoded(body, tellers[key]) for key, body in bodies})


async def keep(
    db: "aiosqlite.Connection", told: Mapping[int, Mapping[str, TurnFacts]], found: Found
) -> None:
    """Keep what origins tell of turns now. `found`: what is stored of these turns."""
    retold = {place for place in found.places if place[0] in told.get(place[1], ())}
    taken = await _take_out(db, found.bodies, retold)
    free = taken.empty
    ((last,),) = await db.execute_fetchall(_LAST)
    bodies: dict[int, Body] = {}
    for body in _shared(told):
        key = free.pop() if free else last + 1
        last = max(last, key)
        bodies[key] = body
    await _save(db, bodies)
    notes = {(origin, key) for key, body in bodies.items() for origin in body}
    places = {
        (turn_id, origin): key
        for key, body in bodies.items()
        for origin, its in body.items()
        for turn_id in its
    }
    fresh = [(*place, key) for place, key in places.items() if found.places.get(place) != key]
    await write(db, _REMOVE, [(key,) for key in free])
    await write(db, _PLACE, fresh)
    await write(db, _UNNOTE, taken.notes - notes)
    await write(db, _NOTE, notes - taken.notes)


async def erase(db: "aiosqlite.Connection", turns: str) -> None:
    """Let go of all that anyone told of turns (a JSON list): nothing is left of it in any body."""
    found = await find(db, OF_TURNS, (turns,))
    await _remove(db, found.bodies, found.places.keys())


async def forget(db: "aiosqlite.Connection", origin: int) -> frozenset[str]:
    """Forget all that an origin told; of which turns that was."""
    rows = await db.execute_fetchall(OF_ORIGIN, (origin,))
    bodies = {key: decoded(body, origin) for key, body in rows}
    turns = frozenset(turn_id for body in bodies.values() for turn_id in body.get(origin, ()))
    await _remove(db, bodies, {(turn_id, origin) for turn_id in turns})
    return turns


async def _remove(
    db: "aiosqlite.Connection", bodies: Mapping[int, Body], places: Collection[Place]
) -> None:
    taken = await _take_out(db, bodies, places)
    await write(db, _REMOVE, [(key,) for key in taken.empty])
    await write(db, _UNNOTE, taken.notes)
    await write(db, _DISPLACE, places)


async def _take_out(
    db: "aiosqlite.Connection", bodies: Mapping[int, Body], places: Collection[Place]
) -> Taken:
    """Take out of bodies what these origins told of these turns."""
    left: dict[int, Body] = {}
    taken = Taken([], set())
    for key, body in bodies.items():
        staying = {
            origin: rest
            for origin, its in body.items()
            if (rest := {t: told for t, told in its.items() if (t, origin) not in places})
        }
        taken.notes.update((origin, key) for origin in body.keys() - staying.keys())
        if not staying:
            taken.empty.append(key)
        elif sum(map(len, staying.values())) < sum(map(len, body.values())):
            left[key] = staying
    await _save(db, left)
    return taken


def _shared(told: Mapping[int, Mapping[str, TurnFacts]]) -> Iterator[Body]:
    """Bodies of all that is told."""
    body: Body = {}
    turns = weight = 0
    for origin, its in told.items():
        for turn_id, facts in its.items():
            more = len(facts.items) + len(facts.responses)
            if turns and (turns == TOGETHER or weight + more > HEAVY):
                yield body
                body, turns, weight = {}, 0, 0
            body.setdefault(origin, {})[turn_id] = msgspec.Raw(_encode(facts))
            turns += 1
            weight += more
    if turns:
        yield body


async def _save(db: "aiosqlite.Connection", bodies: Mapping[int, Body]) -> None:
    rows = [(key, sum(map(len, body.values())), encoded(body)) for key, body in bodies.items()]
    await write(db, _SAVE, rows)

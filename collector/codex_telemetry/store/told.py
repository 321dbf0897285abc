"""What each origin told: kept as it was told, joined with what others tell of the same things."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import aiosqlite
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Captured, SessionFacts, TurnFacts
from codex_telemetry.core.identity import SessionId, TurnId, is_exec_turn, is_uuid
from codex_telemetry.core.join import join
from codex_telemetry.core.pairing import may_be_heard_by_exec, pair, united_by
from codex_telemetry.store import statements as sql
from codex_telemetry.store import told_turns
from codex_telemetry.store.bodies import packed, unpacked

F = TypeVar("F", TurnFacts, SessionFacts)

_session = msgspec.msgpack.Decoder(SessionFacts).decode


class Orphans(NamedTuple):
    """What an origin told that is forgotten: others may still tell of it."""

    sessions: frozenset[str] = frozenset()
    turns: frozenset[str] = frozenset()


NONE = Orphans()


class Told(NamedTuple):
    """All that anyone ever told of the threads and turns that a save is about."""

    sessions: dict[str, SessionFacts]
    """Those told of now, those under which one of the turns was ever told, those that lost one."""
    turns: dict[str, TurnFacts]
    gone: set[str]
    """Threads of which nobody tells any more."""
    twins: dict[str, str]
    """Turns known by another id → that id: see `core.pairing`."""


async def first_heard(db: aiosqlite.Connection, origin_name: str) -> dict[str, Captured]:
    """When we first heard of each thing that a rollout told of, by its id: that stays so, should
    the file be read anew."""
    first: dict[str, Captured | None] = {
        key: _session(unpacked(body)).captured
        for key, body in await db.execute_fetchall(sql.SESSIONS_OF_LOG, (origin_name,))
    }
    for facts in await told_turns.of_log(db, origin_name):
        first[facts.turn_id] = facts.captured
    return {key: captured for key, captured in first.items() if captured is not None}


async def forget(db: aiosqlite.Connection, origin: int) -> Orphans:
    """Forget all that an origin told; `tell` then sees to the rows that were made from it."""
    sessions = await db.execute_fetchall(sql.SESSIONS_TOLD_BY, (origin,))
    turns = await told_turns.forget(db, origin)
    for statement in sql.FORGET:
        await db.execute(statement, (origin,))
    return Orphans(frozenset(row[0] for row in sessions), turns)


async def tell(
    db: aiosqlite.Connection, batches: Mapping[int, Batch], orphans: Orphans = NONE
) -> Told:
    """Keep what some origins tell now, each joined into what it told before."""
    teller = _Teller(db)
    turns = await teller.turns({origin: _by_name(batch.turns) for origin, batch in batches.items()})
    turns |= await _turns_told(db, orphans.turns - turns.keys())
    gone = orphans.turns - turns.keys()
    turns, paired = await teller.unite(turns, orphans.sessions)
    bereft = await teller.remove(gone | paired)

    introduced = {origin: _introduced(batch) for origin, batch in batches.items()}
    sessions = await teller.sessions(introduced)
    concerned = {str(thread) for turn in turns.values() for thread in turn.tellers}
    concerned |= bereft | orphans.sessions
    sessions |= await sessions_told(db, concerned - sessions.keys())
    return Told(sessions, turns, concerned - sessions.keys(), teller.twins)


async def sessions_told(
    db: aiosqlite.Connection, session_ids: Iterable[str]
) -> dict[str, SessionFacts]:
    """All that anyone ever told of these threads, without their turns."""
    rows = await db.execute_fetchall(sql.SESSIONS_TOLD, (json_list(session_ids),))
    return _joined((key, _session(unpacked(body))) for key, _, body in rows)


async def twins_of(db: aiosqlite.Connection, threads: Iterable[str]) -> dict[str, str]:
    """Ids that are another half's → the id by which that turn is known, in these threads."""
    return {
        str(log_turn): str(live)
        for thread in threads
        for log_turn, live in pair((await _turns_to_pair(db, thread, {})).values()).items()
    }


def _by_name(facts: Mapping[Any, F]) -> dict[str, F]:
    return {str(key): told for key, told in facts.items()}


def _introduced(batch: Batch) -> dict[str, SessionFacts]:
    """The threads a batch tells of; a turn may be told of one that nobody introduced."""
    sessions = _by_name(batch.sessions)
    met = {
        (thread, turn.sources, turn.captured)
        for turn in batch.turns.values()
        for thread in turn.tellers
    }
    for thread, sources, captured in met:
        facts = SessionFacts(SessionId(thread), sources=sources, captured=captured)
        known = sessions.get(thread)
        sessions[thread] = facts if known is None else join(known, facts)
    return sessions


class _Teller:
    def __init__(self, db: aiosqlite.Connection) -> None:
        self._db = db
        self.twins: dict[str, str] = {}

    async def turns(self, told: Mapping[int, dict[str, TurnFacts]]) -> dict[str, TurnFacts]:
        """Join what each origin tells now into what it told before, save that, and give back all
        that any origin ever told of the same turns."""
        everything = _all_of(told)
        found = await told_turns.find(self._db, told_turns.OF_TURNS, (json_list(everything),))
        _join_into(told, everything, found.told())
        await told_turns.keep(self._db, told, found)
        return everything

    async def sessions(
        self, told: Mapping[int, dict[str, SessionFacts]]
    ) -> dict[str, SessionFacts]:
        """The same of sessions."""
        everything = _all_of(told)
        rows = await self._all(sql.SESSIONS_TOLD, (json_list(everything),))
        before = ((key, origin, _session(unpacked(body))) for key, origin, body in rows)
        _join_into(told, everything, before)
        await self._db.executemany(
            sql.SAVE_SESSION_TOLD,
            [
                (key, origin, packed(facts))
                for origin, its in told.items()
                for key, facts in its.items()
            ],
        )
        return everything

    async def unite(
        self, turns: dict[str, TurnFacts], bereft: Iterable[str]
    ) -> tuple[dict[str, TurnFacts], set[str]]:
        """Take a turn that was heard under one id and logged under another for one, where they are:
        see `core.pairing`. `bereft`: threads that lost a turn, perhaps the twin of one.

        Also gives the ids that are now the other half's."""
        bereft = set(bereft)
        threads = {t for facts in turns.values() for t in facts.tellers} | bereft
        numbered = {t for turn, facts in turns.items() if not is_uuid(turn) for t in facts.tellers}
        result = dict(turns)
        paired: set[str] = set()
        apart = await self._all(sql.TOLD_APART, (json_list(threads),))
        for thread, by_exec, by_log, otherwise in apart:
            # A log's turns have no twin but by another's word, now or until that was forgotten.
            logged = by_log and thread in numbered and (otherwise or thread in bereft)
            if not by_exec and not logged:
                continue
            told = await _turns_to_pair(self._db, thread, turns)
            twins = pair(told.values())
            one = united_by(twins, told)
            self.twins |= {str(other): str(known) for other, known in twins.items()}
            paired |= twins.keys()
            result |= {str(turn_id): facts for turn_id, facts in one.items()}
        return {turn: facts for turn, facts in result.items() if turn not in paired}, paired

    async def remove(self, turns: Iterable[str]) -> set[str]:
        """Remove the rows of turns; the threads that had them."""
        gone = json_list(turns)
        bereft = {row[0] for row in await self._all(sql.THREADS_OF, (gone,))}
        await self._db.execute(sql.REMOVE_EVENTS, (gone,))
        await self._db.execute(sql.REMOVE_TURNS, (gone,))
        return bereft

    async def _all(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        return list(await self._db.execute_fetchall(query, values))


def _range(start: str) -> tuple[str, str]:
    """From a beginning of ids to what comes after all that begin so."""
    return start, start[:-1] + chr(ord(start[-1]) + 1)


def _all_of(told: Mapping[int, Mapping[str, F]]) -> dict[str, F]:
    return _joined((key, facts) for its in told.values() for key, facts in its.items())


def _joined(told: Iterable[tuple[str, F]]) -> dict[str, F]:
    everything: dict[str, F] = {}
    for key, facts in told:
        everything[key] = join(everything[key], facts) if key in everything else facts
    return everything


def _join_into(
    told: Mapping[int, dict[str, F]],
    everything: dict[str, F],
    before: Iterable[tuple[str, int, F]],
) -> None:
    """Join what an origin told before into what it tells now, and what any did into all of it."""
    for key, origin, facts in before:
        its = told.get(origin, {})
        if key in its:
            its[key] = join(facts, its[key])
        everything[key] = join(facts, everything[key])


async def _turns_told(db: aiosqlite.Connection, turns: Iterable[str]) -> dict[str, TurnFacts]:
    """What anyone tells of these turns; one of which nobody tells isn't among them."""
    found = await told_turns.find(db, told_turns.OF_TURNS, (json_list(turns),))
    return _joined((turn_id, facts) for turn_id, _, facts in found.told())


async def turns_told_of(db: aiosqlite.Connection, thread: str) -> dict[TurnId, TurnFacts]:
    """All turns of a thread that have no id of Codex's own."""
    found = await told_turns.find(db, told_turns.BETWEEN, _range(f"{thread}:"))
    told = _joined((turn_id, facts) for turn_id, _, facts in found.told())
    return {TurnId(turn_id): facts for turn_id, facts in told.items()}


async def _turns_to_pair(
    db: aiosqlite.Connection, thread: str, turns: Mapping[str, TurnFacts]
) -> dict[TurnId, TurnFacts]:
    """All turns of a thread that have no id of Codex's own, and those that one of `exec` may be, out of
    what is stored and of `turns`."""
    told = await turns_told_of(db, thread)
    exec_turns = [facts for turn, facts in told.items() if is_exec_turn(turn)]
    if exec_turns:
        named = {row[0] for row in await db.execute_fetchall(sql.NAMED_TURNS, (thread,))}
        named |= {turn for turn, facts in turns.items() if thread in facts.tellers}
        near = {turn for turn in named if may_be_heard_by_exec(TurnId(turn), exec_turns)}
        told |= {TurnId(turn): facts for turn, facts in (await _turns_told(db, near)).items()}
    return told


def json_list(keys: Iterable[str | int]) -> str:
    """A list of keys for `json_each(?)`: one statement, however many."""
    return msgspec.json.encode(list(keys)).decode()


def json_rows(rows: Iterable[tuple[str | int | None, ...]]) -> str:
    """The same of rows."""
    return msgspec.json.encode(list(rows)).decode()

"""Which turn of the stream is which turn of the log, where Codex gave them no id in common.

Up to 0.98 a turn's id is a short number that no rollout tells. Within a thread the prompt is logged
within two seconds after the client asked for the turn: so the two are paired in order of time, each
used once. `codex exec` names no turn in any release: its turns go with those that the log has begin
nearest to them. It is one step over all that is stored of a thread, so what came first can't matter.
"""

from collections.abc import Iterable, Mapping

from codex_telemetry.core.counterparts import as_one
from codex_telemetry.core.facts import Clock, Source, TurnFacts
from codex_telemetry.core.identity import TurnId, is_exec_turn, is_log_turn, is_uuid, uuid7_ms
from codex_telemetry.core.join import join
from codex_telemetry.core.spans import best

LATEST_MS = 2_000
EARLIEST_MS = -50
"""The log's clock is read after the wire's, but cut to whole milliseconds."""

EXEC_BEFORE_MS = 10_000
EXEC_AFTER_MS = 2_000
"""How much sooner or later than exec says it a turn may begin by its log: 185 ms sooner to 86 later, in
40 turns of 0.20 to 0.169; a machine that is busy with other things takes longer to say it."""


def pair(turns: Iterable[TurnFacts]) -> dict[TurnId, TurnId]:
    """The turns of one thread that are known by another id → that id: of those told by logs alone
    their twins' on the stream; of those told by exec, Codex's own where the log has one."""
    turns = list(turns)
    by_exec = _by_exec(turns)
    turns = [
        t
        for t in turns
        if not (is_uuid(t.turn_id) or is_exec_turn(t.turn_id) or t.turn_id in by_exec)
    ]
    logged: list[tuple[int, TurnId]] = []
    live: list[tuple[int, TurnId]] = []
    for turn in turns:
        if is_log_turn(turn.turn_id):
            if Clock.LOG in turn.starts:
                logged.append((turn.starts[Clock.LOG], turn.turn_id))
        else:
            asked = turn.requested.get(Clock.WIRE, turn.starts.get(Clock.WIRE))
            if asked is not None:
                live.append((asked, turn.turn_id))
    pairs: dict[TurnId, TurnId] = {}
    free = sorted(live)
    for said_at, log_turn in sorted(logged):
        while free and said_at - free[0][0] > LATEST_MS:
            free.pop(0)
        if free and said_at - free[0][0] >= EARLIEST_MS:
            pairs[log_turn] = free.pop(0)[1]
    return by_exec | pairs | _by_totals(turns, pairs)


def _by_exec(turns: Iterable[TurnFacts]) -> dict[TurnId, TurnId]:
    """Turns that exec told of and turns of the log, the nearest first. One that had ended before exec
    said that its turn begins is another."""
    heard = [t for t in turns if is_exec_turn(t.turn_id) and Clock.WIRE in t.starts]
    logged = [t for t in turns if t.sources == Source.ROLLOUT]
    near = []
    for its in logged:
        began, ended = _began(its), its.ends.get(Clock.LOG, best(its.ends))
        for mine in heard:
            said = mine.starts[Clock.WIRE]
            if began is None or not said - EXEC_BEFORE_MS <= began <= said + EXEC_AFTER_MS:
                continue
            if ended is None or ended >= said:
                near.append((abs(began - said), mine.turn_id, its.turn_id))
    pairs: dict[TurnId, TurnId] = {}
    used: set[TurnId] = set()
    for _, mine_id, its_id in sorted(near):
        if not used & {mine_id, its_id}:
            used |= {mine_id, its_id}
            pairs |= {its_id: mine_id} if is_log_turn(its_id) else {mine_id: its_id}
    return pairs


def may_be_heard_by_exec(turn: TurnId, heard: Iterable[TurnFacts]) -> bool:
    """Whether a turn with an id of Codex's own began near one of those that exec told of."""
    born = uuid7_ms(turn)
    return born is not None and any(
        said - EXEC_BEFORE_MS <= born <= said + EXEC_AFTER_MS
        for facts in heard
        if (said := facts.starts.get(Clock.WIRE)) is not None
    )


def _began(logged: TurnFacts) -> int | None:
    born = uuid7_ms(logged.turn_id)
    return born if born is not None else logged.starts.get(Clock.LOG)


def _by_totals(turns: Iterable[TurnFacts], paired: dict[TurnId, TurnId]) -> dict[TurnId, TurnId]:
    """Those left over that share a running total of tokens with just one other: of a subagent's
    turn the stream of 0.98 tells neither a request nor a start."""
    logged: dict[int, list[TurnId]] = {}
    live: dict[int, list[TurnId]] = {}
    for turn in turns:
        if turn.turn_id in paired or turn.turn_id in paired.values():
            continue
        side = logged if is_log_turn(turn.turn_id) else live
        for running_total in turn.responses:
            side.setdefault(running_total, []).append(turn.turn_id)
    found = {
        (logged[running_total][0], live[running_total][0])
        for running_total in logged.keys() & live.keys()
        if len(logged[running_total]) == len(live[running_total]) == 1
    }
    log_turns = [log_turn for log_turn, _ in found]
    live_turns = [live_turn for _, live_turn in found]
    return {
        log_turn: live_turn
        for log_turn, live_turn in found
        if log_turns.count(log_turn) == live_turns.count(live_turn) == 1
    }


def united(turns: Mapping[TurnId, TurnFacts]) -> dict[TurnId, TurnFacts]:
    """The turns of one thread with each pair as one, under the stream's id."""
    return united_by(pair(turns.values()), turns)


def united_by(
    pairs: Mapping[TurnId, TurnId], turns: Mapping[TurnId, TurnFacts]
) -> dict[TurnId, TurnFacts]:
    """The same, where the pairs are known."""
    result = {turn_id: facts for turn_id, facts in turns.items() if turn_id not in pairs}
    for log_turn, live_turn in pairs.items():
        one = join(result[live_turn], turns[log_turn])
        one.turn_id = live_turn
        if is_exec_turn(log_turn) or is_exec_turn(live_turn):
            one.items = as_one(one.items)
        result[live_turn] = one
    return result

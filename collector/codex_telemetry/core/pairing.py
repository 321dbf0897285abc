"""Which turn of the stream is which turn of the log, where Codex gave them no id in common.

Up to 0.98 a turn's id is a short number that no rollout tells. Within a thread the prompt is logged
within two seconds after the client asked for the turn: so the two are paired in order of time, each
used once. It is one step over all that is stored of a thread, so what came first can't matter.
"""

from collections.abc import Iterable, Mapping

from codex_telemetry.core.facts import Clock, TurnFacts
from codex_telemetry.core.identity import TurnId, is_log_turn
from codex_telemetry.core.join import join

LATEST_MS = 2_000
EARLIEST_MS = -50
"""The log's clock is read after the wire's, but cut to whole milliseconds."""


def pair(turns: Iterable[TurnFacts]) -> dict[TurnId, TurnId]:
    """The turns of one thread told by logs alone → their twins on the stream, as far as they have
    one. Turns with ids of Codex's own take no part."""
    turns = list(turns)
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
    return pairs | _by_totals(turns, pairs)


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
        result[live_turn] = one
    return result

"""What can't be observed of a turn because nobody says it to the client: unknown, not none.

Codex really leaves out the notifications a client names in `optOutNotificationMethods` (0.106 to
0.169), so the tap can't hear them either. Requests to the client can't be opted out of. And `codex exec
--json` has no events for hooks and compactions (0.44 to 0.169).
"""

from codex_telemetry.core.facts import Clock, Times, TurnFacts

TIMED = "rollout.timed_items"
"""How many items a log told with their start and end in milliseconds (seen from 0.155)."""

STARTED, COMPLETED = "item/started", "item/completed"
ITEMS = frozenset({STARTED, COMPLETED})

LOST = {
    "turn/started": "when a turn started",
    "turn/completed": "when, how and after how long a turn ended",
    STARTED: "when items started: the model's time, the tools' and the first output",
    COMPLETED: "when and how items ended: the model's time and the tools'",
    "thread/tokenUsage/updated": "tokens",
    "error": "errors and retries",
    "hook/started": "hooks",
    "hook/completed": "hooks",
    "mcpServer/startupStatus/updated": "the start-up of MCP servers",
    "account/rateLimits/updated": "rate limits",
    "model/rerouted": "model reroutes",
    "turn/plan/updated": "plans",
    "serverRequest/resolved": "when requests to the client that got no answer were over",
    "thread/status/changed": "what a thread waits for",
}
"""A notification → what it alone tells."""

COMPACTED = "thread/compacted"

UNHEARD_OF_EXEC = frozenset({"hook/started", "hook/completed", COMPACTED})
"""What `codex exec` never says, by what an app-server would."""

_PARTS = {
    "hook/started": {"hooks"},
    "hook/completed": {"hooks"},
    "error": {"retry"},
    COMPACTED: {"compaction"},
}


def unseen_parts(turn: TurnFacts) -> frozenset[str]:
    """The parts of a turn that the stream couldn't tell. Without items their time is unexplained;
    what else wasn't heard passes for the model's."""
    parts = {part for method in turn.unheard for part in _PARTS.get(method, ())}
    if turn.counts.get(TIMED, 0):
        parts.discard("compaction")  # a log that tells the times of items tells of that one too
    if blind_to_items(turn):
        parts |= {"tools", "compaction", "model"}
        if not turn.starts:
            parts.add("start_delay")
    return frozenset(parts)


def blind_to_items(turn: TurnFacts) -> bool:
    """Whether items ran of which nobody tells from when to when. A log may tell what wasn't heard,
    and from 0.166 on `item/completed` says by itself when its item started."""
    if not turn.unheard & ITEMS:
        return False
    known = turn.items.values()
    untimed = [
        item
        for item in known
        if (STARTED in turn.unheard and not _timed(item.starts))
        or (COMPLETED in turn.unheard and not _timed(item.ends))
    ]
    return not known or bool(untimed)


def _timed(times: Times) -> bool:
    return any(clock >= Clock.WIRE for clock in times)

"""How much was in the context before a compaction, and how much Codex reckons it left."""

from codex_telemetry.core.facts import ItemFacts, Usage
from codex_telemetry.formats.rollout.reading import Moment, Reading, better
from codex_telemetry.formats.rollout.state import State

REMEMBERED = 4
"""A compaction's own response comes before it is told of; what matters came before that one."""


def counted(state: State, last: Usage | None, new: bool, at: Moment) -> None:
    """A count without input or output is an estimate: after a compaction or a rollback, or that the
    context is full."""
    if last is None or at.ms is None:
        return
    if not last.input and not last.output:
        state.estimate = (at.ms, last.total)
    elif new:
        state.contexts.append((at.ms, last.total))
        if len(state.contexts) > REMEMBERED:
            del state.contexts[0]


def compacted(reading: Reading, item: ItemFacts, began: int, at: Moment) -> None:
    """Add to a compaction that began then (ms UTC by Codex) what its context was before and after it."""
    state, say = reading.state, reading.say
    earlier = [total for ms, total in state.contexts if ms <= began]
    if earlier:
        item.context_before = better(item.context_before, say(earlier[-1], at))
    if state.estimate is not None and state.estimate[0] >= began:
        item.context_after = better(item.context_after, say(state.estimate[1], at))

"""A tool left in the background: when the turn waited for it, and when the model had gone on.

Unified exec (0.98 on) hands a command that takes long back to the model, which goes on: it thinks,
calls other tools, or waits for the command by a call that the stream doesn't tell of. So a tool
that is open once its own response had its tools' outputs counts until then, and after that only from
the end of what a response said to the outputs of the tools it called. (Up to 0.130 its item may end
some 70 ms after its output was handed over, too.)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from codex_telemetry.core.facts import TurnFacts
from codex_telemetry.core.spans import Span, Timed, Window, common, merged

THINKING = frozenset({"message", "reasoning"})


class Course(NamedTuple):
    """How a turn went on from response to response, each list in order."""

    spoken: list[int]
    """When messages and reasoning started."""
    done: list[int]
    """When each response had the outputs of its tools."""
    waits: list[Span]
    """From the end of what each of them said, or the end of the response before it, until then."""


def course(turn: TurnFacts, items: Iterable[Timed], frame: Window) -> Course:
    spoken = _spoken(items, frame)
    starts = [start for start, _ in spoken]
    told = (frame.moment(response.tools_done) for response in turn.responses.values())
    done = sorted(ms for ms in told if ms is not None)
    waits: list[Span] = []
    before, first = frame.start, 0
    for at in done:
        after = bisect_left(starts, at)
        waits.append((max((end for _, end in spoken[first:after]), default=before), at))
        before, first = at, after
    return Course(starts, done, merged(waits))


def course_by_words(items: Iterable[Timed], frame: Window) -> Course:
    """The same where nobody says when tools were done."""
    return Course([start for start, _ in _spoken(items, frame)], [], [])


def _spoken(items: Iterable[Timed], frame: Window) -> list[Span]:
    return sorted(
        [
            (start, end if end is not None else frame.end or start)
            for item, start, end in items
            if start is not None and item.kind in THINKING
        ]
    )


def waited_for(tools: Iterable[Span], through: Course) -> list[Span]:
    """The stretches in which the turn waited for any of its tools, which lasted so long each."""
    stretches: list[Span] = []
    background: list[Span] = []
    for start, end in tools:
        back = handed_back(start, end, through)
        stretches.append((start, back))
        background.append((back, end))
    return [*stretches, *common(merged(background), through.waits)]


def handed_back(start: int, end: int, through: Course) -> int:
    """When the model had a tool back: its end, unless that goes on in the background."""
    if not through.done:
        # Without a word of when tools were done, whatever is said next is said by a later response.
        later = bisect_right(through.spoken, start)
        return min([end, *through.spoken[later : later + 1]])
    own = bisect_right(through.done, start)
    if own == len(through.done) or through.done[own] >= end:
        return end
    back = through.done[own]
    return back if through.spoken and through.spoken[-1] >= back else end

"""Where the time of a turn went: eight parts that never overlap and always add up.

Each millisecond of the turn's window belongs to the first part that covers it, in the order of
`Parts`: so a tool that runs while another waits for an approval counts as approval, and one that
runs while a hook does as hooks.

A log tells nothing of requests to the client, retries and hooks: these parts are None there. Of a
tool it tells when the item started and ended, the wait for an approval included, and how long the
tool ran. The difference, which without an approval is 0 to 9 ms (in 103 calls of 0.155 and 0.169),
is unexplained; what isn't the tools' is the model's up to its last sign, retries included. What a
client opted out of hearing is None too (`core.unheard`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from codex_telemetry.core.background import course, course_by_words, handed_back, waited_for
from codex_telemetry.core.facts import AskFacts, Clock, ItemFacts, Source, Times, TurnFacts
from codex_telemetry.core.parts_source import parts_source
from codex_telemetry.core.spans import (
    Span,
    Timed,
    Window,
    common,
    divided,
    length,
    merged,
    timed,
)
from codex_telemetry.core.unheard import unseen_parts

TOOLS = frozenset({"command", "file_change", "mcp_tool", "dynamic_tool", "web_search", "subagent"})
"""The kinds of item that are a tool call."""

HELD_UP = "held up"
"""Of a log: a called tool that didn't run. A part of what is unexplained."""

STARTS_WITHIN_MS = 500
"""After the model's call Codex starts a tool's item within 0.2 s (of 60 commands); 0.155 may ask for an
approval before it does."""

NOT_OUTPUT = frozenset({"user_message", "hook", "compaction", "review"})
"""Kinds that aren't the model's own output: they don't end the wait for the first token."""


class Parts(NamedTuple):
    """ms each, None what its source can't see. `model` holds Codex's own overhead too, and requests
    that it repeats without a word (HTTP 5xx, by `request_max_retries`): nothing on the wire tells them
    apart."""

    approval: int | None
    hooks: int | None
    compaction: int | None
    tools: int | None
    retry: int | None
    start_delay: int | None
    model: int | None
    unexplained: int | None


class Outline(NamedTuple):
    """A part and its stretches of the window, as the waterfall draws them."""

    part: str
    spans: list[Span]


def outline(turn: TurnFacts, frame: Window) -> list[Outline]:
    """The window cut into the parts that its source tells; [] while the turn runs or where only a
    log without times told of it: its stamps say when lines were written, not when things happened.
    """
    source = parts_source(turn, frame)
    if frame.end is None or source is None:
        return []
    claims = (_by_log if source is Source.ROLLOUT else _by_stream)(turn, frame)
    free: list[Span] = merged([(frame.start, frame.end)])
    cut: dict[str, list[Span]] = {}
    for part, spans in claims.items():
        cut[part], free = divided(free, merged(spans))
    free = merged([*free, *cut.pop(HELD_UP, [])])
    return [*(Outline(part, spans) for part, spans in cut.items()), Outline("unexplained", free)]


def parts(turn: TurnFacts, frame: Window) -> Parts | None:
    """The eight parts in ms; None where `outline` has none."""
    cut = {o.part: length(o.spans) for o in outline(turn, frame)}
    return Parts(*(cut.get(part) for part in Parts._fields)) if cut else None


def mcp_startup(turn: TurnFacts, frame: Window) -> int | None:
    """How long MCP servers that were starting held the turn up (ms): a piece of `start_delay`. None
    where nobody says."""
    if turn.startups is None:
        return None
    waited = merged(_startups(turn, frame))
    # Few turns waited at all: the others needn't be cut once more.
    cut = outline(turn, frame) if waited else []
    return sum(length(common(o.spans, waited)) for o in cut if o.part == "start_delay")


def at(times: Times, frame: Window) -> int | None:
    """A moment by the window's clock."""
    return frame.moment(times)


def first_start(turn: TurnFacts, frame: Window, kinds: frozenset[str] | None = None) -> int | None:
    """When the first output item (of these kinds) started, by the window's clock; None if one ended
    before, of which nobody says when it started (`codex exec` doesn't of messages)."""
    starts, ends = [], []
    for item in turn.items.values():
        if item.kind in kinds if kinds else item.kind not in NOT_OUTPUT:
            start = at(item.starts, frame)
            if start is not None:
                starts.append(start)
            elif (end := at(item.ends, frame)) is not None:
                ends.append(end)
    first = min(starts, default=None)
    return None if first is None or min(ends, default=first + 1) <= first else first


def _stretch(timed_item: Timed, frame: Window) -> Span:
    _, start, end = timed_item
    if start is None:
        return (0, 0)
    return (start, end if end is not None else frame.end or start)


def _by_stream(turn: TurnFacts, frame: Window) -> dict[str, list[Span]]:
    """The parts that a client could hear of."""
    items = timed(turn, frame)
    begun = _begun(turn, frame)
    tools = [_stretch(each, frame) for each in items if each[0].kind in TOOLS]
    heard = {
        "approval": [_wait(ask, turn, frame) for ask in turn.asks.values() if ask.kind != "tool"],
        "hooks": [_stretch(each, frame) for each in items if each[0].kind == "hook"],
        "compaction": [_stretch(each, frame) for each in items if each[0].kind == "compaction"],
        "tools": waited_for(tools, course(turn, items, frame)),
        "retry": [
            _retry(event.starts, turn, frame)
            for event in turn.events.values()
            if event.kind == "retry"
        ],
        "start_delay": [(frame.start, begun), *_startups(turn, frame)],
        "model": [(begun, _last_sign(turn, items, frame))],
    }
    unseen = unseen_parts(turn)
    return {part: spans for part, spans in heard.items() if part not in unseen}


def _by_log(turn: TurnFacts, frame: Window) -> dict[str, list[Span]]:
    """The parts that a log tells, and what it tells of tools that were held up."""
    items = timed(turn, frame)
    begun = _begun(turn, frame)
    words = course_by_words(items, frame)
    tools = []
    for each in items:
        if each[0].kind in TOOLS:
            start, end = _stretch(each, frame)
            tools.append((each, (start, handed_back(start, end, words))))
    told = {
        "compaction": [_stretch(each, frame) for each in items if each[0].kind == "compaction"],
        "tools": [_ran(item, span) for (item, _, _), span in tools],
        HELD_UP: [_held_up(each, span, frame) for each, span in tools],
    }
    if any(item.kind in ("user_message", "review") for item, _, _ in items):
        # Without a prompt (a compaction that was asked for) no line says when it was taken up.
        told["start_delay"] = [(frame.start, begun), *_startups(turn, frame)]
    return {**told, "model": [(begun, _last_sign(turn, items, frame))]}


def _ran(item: ItemFacts, span: Span) -> Span:
    """The end of a tool's item, as long as Codex counted that it ran."""
    start, end = span
    if item.duration is not None:
        return (max(start, end - item.duration.value), end)
    # What was declined did nothing but wait.
    return (end, end) if item.status is not None and item.status.value == "declined" else span


def _held_up(timed_item: Timed, span: Span, frame: Window) -> Span:
    """From the model's call of a tool, or from its item's start, to its end: what isn't the tool's
    run within it was spent waiting, most likely for an approval.

    The log's stamps are by the same machine's clock, and the only trace of a call that never ran.
    """
    item, started, _ = timed_item
    called = item.starts.get(Clock.LOG)
    if called is None:
        return span
    if started is None:
        return (called, item.ends.get(Clock.LOG, frame.end or called))
    return (called, span[1]) if span[0] - called > STARTS_WITHIN_MS else span


def _wait(ask: AskFacts, turn: TurnFacts, frame: Window) -> Span:
    start = at(ask.starts, frame)
    if start is None:
        return (0, 0)
    asked, answered = ask.starts.get(Clock.WIRE), ask.ends.get(Clock.WIRE)
    if asked is not None and answered is not None:
        return (start, start + max(0, answered - asked))
    item = turn.items.get(ask.item_id) if ask.item_id is not None else None
    if item is None:
        return (start, frame.end or start)
    return (start, _stretch((item, at(item.starts, frame), at(item.ends, frame)), frame)[1])


def _retry(failed: Times, turn: TurnFacts, frame: Window) -> Span:
    start = at(failed, frame)
    if start is None:
        return (0, 0)
    signs = [
        ms
        for item in turn.items.values()
        if item.kind not in NOT_OUTPUT and (ms := at(item.starts, frame)) is not None
    ] + [
        ms
        for event in turn.events.values()
        if event.kind == "error" and (ms := at(event.starts, frame)) is not None
    ]
    return (start, min((ms for ms in signs if ms > start), default=frame.end or start))


def _startups(turn: TurnFacts, frame: Window) -> list[Span]:
    """While the turn waited for MCP servers: not before `turn/started`, for until then Codex has
    work of its own (0.150 to 0.169 count their second from there), and not past the first output."""
    if not turn.startups:
        return []
    started, spoken = at(turn.starts, frame), first_start(turn, frame)
    begun = started if started is not None else frame.start
    over = [ms for ms in (spoken, frame.end) if ms is not None]
    spans = []
    for server in turn.startups.values():
        start, end = at(server.starts, frame), at(server.ends, frame)
        if start is not None:
            spans.append(
                (max(start, begun), min(over if end is None else [*over, end], default=start))
            )
    return spans


def _begun(turn: TurnFacts, frame: Window) -> int:
    if any(item.kind == "review" for item in turn.items.values()):
        # A review has no `turn/started` of its own: its work begins at once.
        return frame.start
    asked = first_start(turn, frame, frozenset({"user_message"}))
    started = asked if asked is not None else at(turn.starts, frame)
    return max(frame.start, started) if started is not None else frame.start


def _last_sign(turn: TurnFacts, items: Sequence[Timed], frame: Window) -> int:
    """When the model was last heard to do something: to the end, if it was cut short."""
    if turn.status is not None and turn.status.value == "interrupted":
        return frame.end or frame.start
    signs = [start for _, start, _ in items]
    signs += [end for _, _, end in items]
    signs += [at(e.starts, frame) for e in turn.events.values() if e.kind in ("error", "retry")]
    signs += [at(response.times, frame) for response in turn.responses.values()]
    return max([ms for ms in signs if ms is not None], default=frame.start)

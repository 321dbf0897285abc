"""A turn as spans. Pure: when each began and ended, what it is under, and what is said of it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from codex_telemetry.core.labels import Labels
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.sinks.otlp import names
from codex_telemetry.sinks.otlp.names import Field
from codex_telemetry.sinks.otlp.span import Link, Moment, Span, Value, span_id, trace_id
from codex_telemetry.store.queries import Row
from codex_telemetry.store.whole_turns import WholeTurn

Names = Literal["labels", "shown", "none"]

MS_NS: Final = 1_000_000
MARKS: Final = frozenset(
    {"error", "retry", "model_rerouted", "steer", "interrupt", "context_compacted"}
)
"""Kinds of event that are moments of a turn's span."""
BEFORE_NEXT_MS: Final = 500
"""After a response Codex starts the tools that it calls within so long (0.155: 0.2 s of 60 commands)."""
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LAST_MS: Final = (1 << 63) // MS_NS - 1


class Shown(NamedTuple):
    """How what the user named is told."""

    labels: Labels
    names: Names


def spans(told: WholeTurn, shown: Shown) -> list[Span]:
    """The turn's own first; [] where nobody knows when it was, or it hasn't ended."""
    turn = told.turn
    frame = _frame(told)
    if frame is None or turn["status"] == "in_progress":
        return []
    made = [_turn(told, frame, shown)]
    made += _responses(told, frame)
    for item in told.items:
        if item["kind"] in TOOLS:
            made.append(_tool(told, item, frame, shown))
        elif item["kind"] in ("compaction", "hook"):
            made.append(_beside(told, item, frame))
    made += _approvals(told, frame)
    return made


class _Frame(NamedTuple):
    """ms UTC"""

    start: int
    end: int


def _frame(told: WholeTurn) -> _Frame | None:
    start, duration = told.turn["started_at"], told.turn["duration_ms"]
    if start is None or not 0 <= start <= _LAST_MS:
        return None
    end = told.turn["ended_at"] if duration is None else start + duration
    return _Frame(start, min(_LAST_MS, max(start, start if end is None else end)))


def _turn(told: WholeTurn, frame: _Frame, shown: Shown) -> Span:
    turn = told.turn
    attributes: dict[str, Value] = {
        names.OPERATION: names.INVOKE,
        names.AGENT_NAME: names.AGENT,
        **_provider(told),
        **_told(names.TURN, turn),
        **_told(names.SESSION, told.session),
        **_place("cwd", "folder", turn["cwd"] or told.session["cwd"], shown),
    }
    failed = turn["status"] == "failed"
    if failed:
        attributes[names.ERROR_TYPE] = turn["error_kind"] or names.OTHER_ERROR
    return Span(
        f"{names.INVOKE} {names.AGENT}",
        trace_id(turn["turn_id"]),
        span_id(turn["turn_id"]),
        b"",
        False,
        frame.start * MS_NS,
        frame.end * MS_NS,
        attributes,
        failed,
        tuple(_links(told)),
        tuple(_moments(told, frame)),
    )


def _links(told: WholeTurn) -> Iterator[Link]:
    if told.parent_turn_id is not None and told.parent_turn_id != told.turn["turn_id"]:
        parent = told.parent_turn_id
        yield Link(trace_id(parent), span_id(parent), "parent_turn")
    found = _TRACEPARENT.fullmatch(told.turn["traceparent"] or "")
    if found and int(found[1], 16) and int(found[2], 16):
        yield Link(bytes.fromhex(found[1]), bytes.fromhex(found[2]), "client")


def _moments(told: WholeTurn, frame: _Frame) -> Iterator[Moment]:
    for event in told.events:
        if event["kind"] in MARKS and event["at"] is not None:
            attributes: dict[str, Value] = {}
            if event["status"] is not None:
                attributes[f"{names.OWN}event.status"] = event["status"]
            at = _within(event["at"], frame)
            yield Moment(names.OWN + event["kind"], at * MS_NS, attributes)


def _responses(told: WholeTurn, frame: _Frame) -> Iterator[Span]:
    """Codex says when a response was counted, which is when it was whole; never when it began."""
    before = frame.start + (told.turn["start_delay_ms"] or 0)
    for response in told.responses:
        at = response["at"]
        if at is None:
            start, end, inferred = frame.start, frame.end, "start,end"
        else:
            end = _within(at, frame)
            start, inferred = min(end, _asked_at(told.items, before, end)), "start"
            before = end
        model = response["model"] or told.turn["model"]
        attributes: dict[str, Value] = {
            names.OPERATION: names.CHAT,
            "gen_ai.conversation.id": told.turn["session_id"],
            **_provider(told),
            **({} if model is None else {names.MODEL: model}),
            **_told(names.RESPONSE, response),
            names.INFERRED: inferred,
        }
        name = names.CHAT if model is None else f"{names.CHAT} {model}"
        key = response["running_total_tokens"]
        yield _child(told, "response", key, name, start, end, attributes, is_call=True)


def _asked_at(items: Iterable[Row], before: int, end: int) -> int:
    """When a response was asked for: once the tools that the last one called were done."""
    first = min(
        (
            start
            for item in items
            if (start := item["started_at"]) is not None
            and item["kind"] in ("message", "reasoning", "plan")
            and before < start <= end
        ),
        default=None,
    )
    done = before
    for item in items:
        start, ended = item["started_at"], item["ended_at"]
        if ended is None or (
            item["kind"] not in TOOLS and item["kind"] not in ("compaction", "hook")
        ):
            continue
        soon = start is not None and start <= before + BEFORE_NEXT_MS
        if before < ended <= (first if first is not None else end) and (first is not None or soon):
            done = max(done, ended)
    return done


def _tool(told: WholeTurn, item: Row, frame: _Frame, shown: Shown) -> Span:
    start, end, inferred = _times(item, frame)
    name = _tool_name(item, shown)
    attributes: dict[str, Value] = {
        names.OPERATION: names.EXECUTE,
        names.AGENT_NAME: names.AGENT,
        names.TOOL_NAME: name,
        names.TOOL_TYPE: "extension" if item["kind"] == "web_search" else "function",
        "gen_ai.conversation.id": told.turn["session_id"],
        **_told(names.ITEM, item),
        **_place("server", "server", item["server"], shown),
        **inferred,
    }
    failed = item["status"] == "failed"
    if failed:
        attributes[names.ERROR_TYPE] = names.OTHER_ERROR
    return _child(
        told, "item", item["item_id"], f"{names.EXECUTE} {name}", start, end, attributes, failed
    )


def _tool_name(item: Row, shown: Shown) -> str:
    if item["kind"] == "command":
        return shown.labels.of("command", item["name"]) or "command"
    name: str = item["name"] or item["kind"]
    return name


def _beside(told: WholeTurn, item: Row, frame: _Frame) -> Span:
    start, end, inferred = _times(item, frame)
    attributes: dict[str, Value] = {**_told(names.ITEM, item), **inferred}
    attributes.pop("gen_ai.tool.call.id", None)
    failed = item["status"] == "failed"
    return _child(told, "item", item["item_id"], item["kind"], start, end, attributes, failed)


def _approvals(told: WholeTurn, frame: _Frame) -> Iterator[Span]:
    """A wait is under the tool that waits; under the turn where it isn't known which that is, or
    Codex asked before the tool's item began (0.98, 0.155)."""
    tools = {
        item["item_id"]: _times(item, frame)[:2] for item in told.items if item["kind"] in TOOLS
    }
    for event in told.events:
        at, waited = event["at"], event["duration_ms"]
        if event["kind"] != "approval" or at is None:
            continue
        start = _within(at, frame)
        end = frame.end if waited is None else _within(at + waited, frame)
        attributes: dict[str, Value] = {}
        if event["status"] is not None:
            attributes[f"{names.OWN}item.decision"] = event["status"]
        if waited is None:
            attributes[names.INFERRED] = "end"
        made = _child(told, "event", event["event_key"], "approval", start, end, attributes)
        begun, done = tools.get(event["item_id"], (frame.end + 1, frame.end))
        if begun <= start and end <= done:
            made = made._replace(parent_id=span_id(told.turn["turn_id"], "item", event["item_id"]))
        yield made


def _times(item: Row, frame: _Frame) -> tuple[int, int, dict[str, Value]]:
    """What never ended runs to the turn's end; of what never began the end is all there is."""
    start, end = item["started_at"], item["ended_at"]
    unsaid = [name for name, at in (("start", start), ("end", end)) if at is None]
    if end is None:
        end = frame.end
    if start is None:
        start = frame.start if "end" in unsaid else end - (item["duration_ms"] or 0)
    start = _within(start, frame)
    inferred: dict[str, Value] = {names.INFERRED: ",".join(unsaid)} if unsaid else {}
    return start, max(start, _within(end, frame)), inferred


def _child(
    told: WholeTurn, kind: str, key: object, name: str, start: int, end: int,
    attributes: dict[str, Value], error: bool = False, *, is_call: bool = False,
) -> Span:  # fmt: skip
    turn_id = told.turn["turn_id"]
    return Span(
        name,
        trace_id(turn_id),
        span_id(turn_id, kind, key),
        span_id(turn_id),
        is_call,
        start * MS_NS,
        end * MS_NS,
        attributes,
        error,
    )


def _provider(told: WholeTurn) -> dict[str, Value]:
    provider = told.session["model_provider"]
    if provider is None:
        return {}
    known: str = names.PROVIDERS.get(provider, provider)
    return {names.PROVIDER: known}


def _told(fields: Iterable[Field], row: Row) -> dict[str, Value]:
    """What isn't known isn't there."""
    return {f.attribute: f.of(row[f.ours]) for f in fields if row[f.ours] is not None}


def _place(
    column: str, kind: Literal["folder", "server"], name: str | None, shown: Shown
) -> dict[str, Value]:
    if name is None or shown.names == "none":
        return {}
    attribute = next(field.attribute for field in names.PLACE if field.ours == column)
    label = shown.labels.of(kind, name)
    return {} if label is None else {attribute: label}


def _within(ms: int, frame: _Frame) -> int:
    return max(frame.start, min(ms, frame.end))

"""Bring the joined claims about a turn or a thread down to rows. Unknown stays None."""

from collections.abc import Iterable
from typing import TypeVar

from codex_telemetry.core.facts import (
    AskFacts,
    Clock,
    EventFacts,
    ItemFacts,
    ResponseFacts,
    Said,
    SessionFacts,
    Source,
    TurnFacts,
)
from codex_telemetry.core.identity import ItemId, SessionId, uuid7_ms
from codex_telemetry.core.parts import TOOLS, Parts, first_start, parts
from codex_telemetry.core.rows import (
    CLOCK_NAMES,
    EventRow,
    ItemRow,
    ResponseRow,
    SessionRow,
    TurnRow,
)
from codex_telemetry.core.spans import Window, best, between, window

T = TypeVar("T")


def said(claim: Said[T] | None) -> T | None:
    return None if claim is None else claim.value


def owner(turn: TurnFacts) -> SessionId:
    """The thread a turn belongs to: the eldest of those under which it was told."""

    def age(session: SessionId) -> tuple[bool, int, str]:
        told = turn.tellers[session]
        created = told if told is not None else uuid7_ms(session)
        return (created is None, created or 0, session)

    return min(turn.tellers, key=age)


def settle_turn(turn: TurnFacts) -> TurnRow:
    """The row of a turn out of all that was told of it. It needs at least one teller."""
    session = owner(turn)
    frame = window(turn, turn.last_heard.get(session))
    born = uuid7_ms(turn.turn_id)
    duration = frame.duration_ms if frame is not None else None
    started = born if born is not None else frame.start if frame is not None else None
    ended = None
    if started is not None and duration is not None:
        ended = started + duration
    elif frame is not None and frame.end is None:
        ended = best(turn.ends)
    status = said(turn.status) or "in_progress"
    items = [settle_item(i, item, turn, status) for i, item in turn.items.items()]
    responses = settle_responses(turn)
    cut = parts(turn, frame) if frame is not None else None
    return TurnRow(
        turn_id=turn.turn_id,
        session_id=session,
        root_turn_id=said(turn.root_turn_id),
        status=status,
        error_kind=said(turn.error_kind),
        started_at=started,
        ended_at=ended,
        duration_ms=duration,
        duration_clock=_clock_name(turn, frame),
        ttft_ms=_ttft(turn, frame),
        ttfm_ms=_since_start(frame, turn, frozenset({"message"})),
        model=said(turn.model),
        effort=said(turn.effort),
        service_tier=said(turn.service_tier),
        approval_policy=said(turn.approval_policy),
        sandbox=said(turn.sandbox),
        cli_version=said(turn.cli_version),
        cwd=said(turn.cwd),
        prompts=_count(turn, "prompts", items, frozenset({"user_message"})),
        messages=_count(turn, "messages", items, frozenset({"message"})),
        reasoning_items=_count(turn, "reasoning_items", items, frozenset({"reasoning"})),
        tool_calls=_count(turn, "tool_calls", items, TOOLS),
        tool_failures=_count(
            turn, "tool_failures", [i for i in items if i.status == "failed"], TOOLS
        ),
        approvals=_heard(turn, sum(ask.kind == "approval" for ask in turn.asks.values())),
        retries=_heard(turn, sum(event.kind == "retry" for event in turn.events.values())),
        errors=_heard(turn, sum(event.kind == "error" for event in turn.events.values())),
        responses=len(responses) or None,
        input_tokens=_sum(r.input_tokens for r in responses),
        cached_input_tokens=_sum(r.cached_input_tokens for r in responses),
        cache_write_input_tokens=_sum(r.cache_write_input_tokens for r in responses),
        output_tokens=_sum(r.output_tokens for r in responses),
        reasoning_output_tokens=_sum(r.reasoning_output_tokens for r in responses),
        total_tokens=_sum(r.total_tokens for r in responses),
        cost_usd=None,
        context_tokens=responses[-1].total_tokens if responses else None,
        context_window=said(turn.context_window),
        **_part_columns(cut),
        captured_at=turn.captured.at if turn.captured is not None else None,
        utc_offset_min=turn.captured.utc_offset_min if turn.captured is not None else None,
        sources=turn.sources,
        sandbox_network=said(turn.sandbox_network),
        sandbox_writable_roots=said(turn.sandbox_writable_roots),
        exclude_tmpdir=said(turn.exclude_tmpdir),
        exclude_slash_tmp=said(turn.exclude_slash_tmp),
        truncation_policy=said(turn.truncation_policy),
        summary_mode=said(turn.summary_mode),
        has_base_instructions=said(turn.has_base_instructions),
        has_user_instructions=said(turn.has_user_instructions),
        has_developer_instructions=said(turn.has_developer_instructions),
    )


def settle_item(item_id: ItemId, item: ItemFacts, turn: TurnFacts, turn_status: str) -> ItemRow:
    """One item. It is `unfinished` if its turn ended and it never did."""
    ended = best(item.ends)
    status = said(item.status)
    if ended is None and turn_status != "in_progress":
        status = "unfinished"
    lifecycle = between(item.starts, item.ends)
    asks = [ask for ask in turn.asks.values() if ask.item_id == item_id]
    duration = said(item.duration)
    if duration is None and lifecycle is not None:
        duration = lifecycle[0]
    return ItemRow(
        item_id=item_id,
        kind=item.kind,
        name=said(item.name),
        status=status or ("in_progress" if ended is None else "completed"),
        started_at=best(item.starts),
        ended_at=ended,
        duration_ms=duration if ended is not None else None,
        approval_ms=_sum(waited(ask) for ask in asks),
        exit_code=said(item.exit_code),
        output_bytes=said(item.output_bytes),
        output_capped=said(item.output_capped),
        decision=next((d for ask in asks if (d := said(ask.decision)) is not None), None),
        server=said(item.server),
        action=said(item.action),
        lines_added=said(item.lines_added),
        lines_removed=said(item.lines_removed),
    )


def settle_responses(turn: TurnFacts) -> list[ResponseRow]:
    """The turn's responses in order of the running total, which is their order in time."""
    return [
        _response(total, turn.responses[total], said(turn.model))
        for total in sorted(turn.responses)
    ]


def _response(running_total: int, told: ResponseFacts, model: str | None) -> ResponseRow:
    usage = said(told.usage)
    return ResponseRow(
        running_total_tokens=running_total,
        response_id=said(told.response_id),
        model=said(told.model) or model,
        at=best(told.times),
        input_tokens=usage.input if usage else None,
        cached_input_tokens=usage.cached if usage else None,
        cache_write_input_tokens=said(told.cache_write),
        output_tokens=usage.output if usage else None,
        reasoning_output_tokens=usage.reasoning if usage else None,
        total_tokens=usage.total if usage else None,
        cost_usd=None,
    )


def settle_events(events: dict[str, EventFacts], asks: dict[str, AskFacts]) -> list[EventRow]:
    """What happened at a moment, and each request to the client."""
    rows = [
        EventRow(
            event_key=key,
            kind=event.kind,
            name=said(event.name),
            at=best(event.starts),
            duration_ms=(span := between(event.starts, event.ends)) and span[0],
            status=said(event.status),
            sources=event.sources,
        )
        for key, event in events.items()
    ]
    rows += [
        EventRow(
            event_key=f"ask:{key}",
            kind=ask.kind,
            name=None,
            at=best(ask.starts),
            duration_ms=waited(ask),
            status=said(ask.decision),
            sources=1,
        )
        for key, ask in asks.items()
        if ask.kind != "tool"
    ]
    return sorted(rows, key=lambda row: (row.at or 0, row.event_key))


def settle_session(session: SessionFacts) -> SessionRow:
    """The row of a thread out of all that was told of it."""
    created = session.created.get(Clock.CODEX_MS) or uuid7_ms(session.session_id)
    parent = said(session.parent_session_id)
    forked = said(session.forked_from_id)
    return SessionRow(
        session_id=session.session_id,
        root_session_id=said(session.root_session_id),
        parent_session_id=parent,
        forked_from_id=forked,
        relation=said(session.relation) or ("subagent" if parent else "fork" if forked else "root"),
        source=said(session.source),
        originator=said(session.originator),
        client_name=said(session.client_name),
        client_version=said(session.client_version),
        cli_version=said(session.cli_version),
        model_provider=said(session.model_provider),
        cwd=said(session.cwd),
        git_branch=said(session.git_branch),
        git_commit=said(session.git_commit),
        git_repo=said(session.git_repo),
        created_at=created if created is not None else best(session.created),
        last_at=session.last_at,
        archived=said(session.archived),
        rollout_path=said(session.rollout_path),
        captured_at=session.captured.at if session.captured is not None else None,
        utc_offset_min=session.captured.utc_offset_min if session.captured is not None else None,
        sources=session.sources,
    )


def waited(ask: AskFacts) -> int | None:
    """How long Codex waited for the client (ms); None while it waits."""
    span = between(ask.starts, ask.ends)
    return span[0] if span is not None else None


def _clock_name(turn: TurnFacts, frame: Window | None) -> str | None:
    if frame is None or frame.end is None:
        return None
    told = turn.duration is not None and frame.clock >= Clock.WIRE
    return CLOCK_NAMES[Clock.CODEX_MS if told else frame.clock]


def _ttft(turn: TurnFacts, frame: Window | None) -> int | None:
    told = said(turn.ttft)
    return told if told is not None else _since_start(frame, turn, None)


def _since_start(frame: Window | None, turn: TurnFacts, kinds: frozenset[str] | None) -> int | None:
    if frame is None or frame.clock < Clock.WIRE:
        return None
    first = first_start(turn, frame, kinds)
    return max(0, first - frame.start) if first is not None else None


def _count(
    turn: TurnFacts, what: str, items: Iterable[ItemRow], kinds: frozenset[str]
) -> int | None:
    """The fuller of what was seen item by item and what each source counted: never the sum."""
    counted = [n for key, n in turn.counts.items() if key.partition(".")[2] == what]
    return max([sum(item.kind in kinds for item in items), *counted])


def _heard(turn: TurnFacts, n: int) -> int | None:
    """A number of things that only the stream tells: without it, none is not 0."""
    return n if n or turn.sources & Source.LIVE else None


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [n for n in numbers if n is not None]
    return sum(known) if known else None


def _part_columns(cut: Parts | None) -> dict[str, int | None]:
    return {f"{part}_ms": getattr(cut, part) if cut else None for part in Parts._fields}

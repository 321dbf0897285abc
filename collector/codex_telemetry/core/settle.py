"""Bring the joined claims about a turn or a thread down to rows. Unknown stays None."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from codex_telemetry.core.facts import (
    INTERRUPT,
    Clock,
    SessionFacts,
    Source,
    TurnFacts,
)
from codex_telemetry.core.identity import SessionId, uuid7_ms
from codex_telemetry.core.parts import TOOLS, Parts, first_start, mcp_startup, parts
from codex_telemetry.core.parts_source import parts_source
from codex_telemetry.core.rows import (
    CLOCK_NAMES,
    ItemRow,
    ResponseRow,
    SessionRow,
    TurnRow,
)
from codex_telemetry.core.settle_items import (
    listed,
    said,
    settle_item,
    settle_responses,
    total,
)
from codex_telemetry.core.spans import Window, best, between, window
from codex_telemetry.core.unheard import COMPLETED, ITEMS, STARTED, blind_to_items

_TOKENS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "total_tokens",
)
_tokens_of = attrgetter(*_TOKENS)
_BY_LOG = (
    "local_shell_call",
    "function_call",
    "custom_tool_call",
    "web_search_call",
    "compaction",
    "images",
    "local_images",
    "reasoning_chars",
)
"""What a rollout counts of a turn by Codex's own names."""

_EXTENSION = "image_ext."

_AS_TOLD = tuple(
    name
    for name in TurnFacts.__struct_fields__
    if name in TurnRow.__struct_fields__
    and name not in {"turn_id", "sources", "status", "responses"}
)
"""Columns that hold a claim's value as it is."""

_claims_of = attrgetter(*_AS_TOLD)


def owner(turn: TurnFacts) -> SessionId:
    """The thread a turn belongs to: the eldest of those under which it was told."""

    def age(session: SessionId) -> tuple[bool, int, str]:
        told = turn.tellers[session]
        created = told if told is not None else uuid7_ms(session)
        return (created is None, created or 0, session)

    return min(turn.tellers, key=age)


class Settled(NamedTuple):
    """The rows of a turn."""

    row: TurnRow
    items: list[ItemRow]
    responses: list[ResponseRow]
    """In order of the running total."""


Counted = dict[str, list[int]]
"""What → how many of it each source counted."""


def settle_turn(turn: TurnFacts) -> TurnRow:
    """The row of a turn alone."""
    return settle(turn).row


def settle(turn: TurnFacts) -> Settled:
    """A turn out of all that was told of it. It needs at least one teller."""
    session = owner(turn)
    frame = window(turn, turn.last_heard.get(session))
    born = uuid7_ms(turn.turn_id)
    duration = frame.duration_ms if frame is not None else None
    started = born if born is not None else frame.start if frame is not None else None
    ended = None
    if started is not None and duration is not None:
        ended = started + duration
    elif frame is None or frame.end is None:
        ended = best(turn.ends)
    status = said(turn.status) or "in_progress"
    items = [settle_item(i, item, turn, status) for i, item in turn.items.items()]
    responses = settle_responses(turn)
    used = _in_context(turn, responses) if turn.responses else None
    counted = _by_what(turn.counts)
    # No count is not 0, unless a rollout tells of the turn.
    uncounted = 0 if turn.sources & Source.ROLLOUT else None
    kinds = [item.kind for item in items]
    tools = [item.status for item in items if item.kind in TOOLS]
    cut = parts(turn, frame) if frame is not None else None
    columns: dict[str, Any] = {
        **_tokens(responses),
        **{f"{part}_ms": getattr(cut, part) if cut else None for part in Parts._fields},
        **{what: max(counted[what]) if what in counted else uncounted for what in _BY_LOG},
        **{n: c and c.value for n, c in zip(_AS_TOLD, _claims_of(turn), strict=True)},
    }
    row = TurnRow(
        turn_id=turn.turn_id,
        session_id=session,
        status=status,
        started_at=started,
        ended_at=ended,
        duration_ms=duration,
        duration_clock=_clock_name(turn, frame),
        ttft_ms=_ttft(turn, frame),
        ttfm_ms=_since_start(frame, turn, frozenset({"message"})),
        prompts=_count(turn, counted.get("prompts", []), kinds.count("user_message")),
        messages=_count(turn, counted.get("messages", []), kinds.count("message")),
        reasoning_items=_count(turn, counted.get("reasoning_items", []), kinds.count("reasoning")),
        tool_calls=_count(turn, counted.get("tool_calls", []), len(tools)),
        tool_failures=_failures(turn, counted.get("tool_failures", []), tools.count("failed")),
        approvals=_heard(turn, sum(ask.kind == "approval" for ask in turn.asks.values())),
        retries=_heard(turn, _happened(turn, "retry"), "error"),
        errors=_heard(turn, _happened(turn, "error"), "error"),
        responses=len(turn.responses) or None,
        cost_usd=None,
        context_tokens=used,
        context_percent_left=_percent_left(used, said(turn.context_window)),
        captured_at=turn.captured.at if turn.captured is not None else None,
        utc_offset_min=turn.captured.utc_offset_min if turn.captured is not None else None,
        sources=turn.sources,
        image_extensions=_extensions(counted),
        interrupt_ms=_interrupted_for(turn),
        parts_source=_parts_source(turn, frame),
        mcp_startup_ms=(
            mcp_startup(turn, frame)
            if cut is not None and cut.start_delay is not None and frame is not None
            else None
        ),
        secret_ids=listed(turn.secrets),
        **columns,
    )
    return Settled(row, items, responses)


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
        opted_out=listed(session.unheard),
        secret_ids=listed(session.secrets),
    )


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
    if STARTED in turn.unheard and blind_to_items(turn):
        return None
    first = first_start(turn, frame, kinds)
    return max(0, first - frame.start) if first is not None else None


def _tokens(responses: Sequence[ResponseRow]) -> dict[str, int | None]:
    if not responses:
        return dict.fromkeys(_TOKENS)
    return dict(
        zip(_TOKENS, map(total, zip(*map(_tokens_of, responses), strict=True)), strict=True)
    )


def _count(turn: TurnFacts, told: list[int], seen: int) -> int | None:
    """The fuller of what was seen item by item and what each source counted: never the sum."""
    if not seen and turn.unheard >= ITEMS:
        return max(told, default=None)
    return max([seen, *told])


def _by_what(counts: dict[str, int]) -> Counted:
    found: Counted = {}
    for key, n in counts.items():
        found.setdefault(key.partition(".")[2], []).append(n)
    return found


def _failures(turn: TurnFacts, told: list[int], seen: int) -> int | None:
    n = _count(turn, told, seen)
    return n if n or turn.sources & Source.ROLLOUT or COMPLETED not in turn.unheard else None


def _parts_source(turn: TurnFacts, frame: Window | None) -> str | None:
    source = parts_source(turn, frame) if frame is not None else None
    return source.name.lower() if source is not None and source.name is not None else None


def _extensions(counted: Counted) -> str | None:
    """JSON: how many local images there were of each extension."""
    found = {
        what.removeprefix(_EXTENSION): max(told)
        for what, told in sorted(counted.items())
        if what.startswith(_EXTENSION)
    }
    return msgspec.json.encode(found).decode() if found else None


def _in_context(turn: TurnFacts, responses: Sequence[ResponseRow]) -> int | None:
    """Tokens in the context at the turn's end: those of its last response, or what a compaction
    since then has left."""
    if not responses:
        return None
    last = responses[-1]
    for item in turn.items.values():
        if item.context_after is not None:
            ended = best(item.ends)
            if ended is not None and ended >= (last.at or 0):
                return item.context_after.value
    return last.total_tokens


def _interrupted_for(turn: TurnFacts) -> int | None:
    """From the client's request to interrupt the turn to its end (ms)."""
    request = turn.events.get(INTERRUPT)
    return between(request.starts, request.ends) if request is not None else None


def _percent_left(used: int | None, window: int | None) -> int | None:
    """Of the context, rounded down. Codex's own panel leaves its instructions out of both."""
    if used is None or not window:
        return None
    return max(0, 100 * (window - used) // window)


def _happened(turn: TurnFacts, kind: str) -> int:
    return sum([event.kind == kind for event in turn.events.values()])


def _heard(turn: TurnFacts, n: int, told_by: str = "") -> int | None:
    """A number of things that only the stream tells: without it, none is not 0."""
    return n if n or (turn.sources & Source.LIVE and told_by not in turn.unheard) else None

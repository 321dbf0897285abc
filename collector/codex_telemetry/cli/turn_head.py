"""The first lines about a turn: what it was, and its tokens."""

from collections.abc import Iterable

from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.words import (
    Line,
    Span,
    counted,
    dollars,
    duration,
    folder,
    number,
    percent,
    plain,
    short_id,
    short_turn,
    wrapped,
)
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes import TurnDetail
from codex_telemetry.reports.shapes_family import RolledUp
from codex_telemetry.reports.waterfall import Waterfall


def head(
    turn: TurnDetail, model: Waterfall, width: int, zone: Zone, home: str | None
) -> list[Line]:
    """Some lines, none wider than `width`."""
    status = turn.status.replace("_", " ")
    if turn.error_kind is not None:
        status += f" ({turn.error_kind})"
    first = [
        Span(f"turn {short_turn(turn.turn_id, turn.session_id, turn.turn_index)}", "bold"),
        Span(status, turn.status),
        *_known(length(turn, model), "bold"),
        *_known(" ".join(w for w in (turn.model, turn.effort, turn.service_tier) if w)),
    ]
    started = shown(read(turn.started_at), zone, millis=True)
    second = [
        *_known(started and f"started {started}"),
        *_known(turn.cli_version and f"Codex {turn.cli_version}"),
        Span(f"turn {turn.turn_index} of session {short_id(turn.session_id)}"),
        *_known(turn.cwd and folder(turn.cwd, home)),
    ]
    third = [
        *_known(tokens(turn)),
        *_known(responses(turn)),
        *_known(cost(turn)),
        *_known(context(turn)),
    ]
    fourth = [
        *_known(_after("first output", turn.ttft_ms)),
        *_known(_after("first message", turn.ttfm_ms)),
        *_known(turn.tool_calls and counted(turn.tool_calls, "tool call")),
        *_known(turn.approvals and counted(turn.approvals, "approval")),
        *_known(_after("stopped", turn.interrupt_ms)),
    ]
    return [
        *wrapped(first, width),
        *(line for pieces in (second, third, fourth) for line in wrapped(pieces, width, "dim")),
    ]


def length(turn: TurnDetail, model: Waterfall) -> str | None:
    if turn.duration_ms is not None:
        return duration(turn.duration_ms)
    if model.silent:
        return "never heard to end"
    return f"{duration(model.length_ms)} so far" if turn.status == "in_progress" else None


def tokens(turn: TurnDetail | RolledUp) -> str | None:
    if turn.total_tokens is None:
        return None
    cached, thought = turn.cached_input_tokens, turn.reasoning_output_tokens
    text = f"{number(turn.total_tokens)} tokens: {number(turn.input_tokens)} in"
    text += f" ({number(cached)} cached)" if cached else ""
    text += f", {number(turn.output_tokens)} out"
    return text + (f" ({number(thought)} reasoning)" if thought else "")


def responses(turn: TurnDetail | RolledUp) -> str | None:
    return counted(turn.responses, "response") if turn.responses else None


def cost(turn: TurnDetail) -> str | None:
    return None if turn.cost_usd is None else f"{dollars(turn.cost_usd)} API-equivalent"


def context(turn: TurnDetail) -> str | None:
    used, window = turn.context_tokens, turn.context_window
    if used is None:
        return None
    return f"context {number(used)}" + (
        f" of {number(window)} ({percent(used, window)})" if window else ""
    )


def _after(what: str, ms: int | None) -> str | None:
    return None if ms is None else f"{what} after {duration(ms)}"


def _known(text: str | int | None, style: str = "") -> Iterable[Span]:
    return [Span(plain(str(text)), style)] if text else []

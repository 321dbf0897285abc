"""What the parts, bars and marks of a turn are called and stand for: the same on a terminal and on a page."""

from codex_telemetry.cli.words import Span, counted, duration, number, plain
from codex_telemetry.core.parts import Parts
from codex_telemetry.reports.shapes import TurnDetail
from codex_telemetry.reports.waterfall import Bar, Mark

FILL = {
    "model": "▒",
    "tools": "█",
    "approval": "░",
    "hooks": "▓",
    "compaction": "▤",
    "retry": "!",
    "start_delay": "╌",
    "unexplained": "·",
    "prompt": "▸",
    "folded": "─",
}
MARK = {
    "tokens": ("▲", "tokens"),
    "retry": ("↻", "retry"),
    "error": ("✗", "failed"),
    "reroute": ("⇄", "tokens"),
    "steer": ("▸", "prompt"),
    "interrupt": ("■", "interrupted"),
}
"""A row of marks → what marks it, and its style."""

LABELS = {
    "command": "$",
    "file_change": "edit",
    "mcp_tool": "mcp",
    "dynamic_tool": "tool",
    "web_search": "web search",
    "subagent": "agent",
    "user_message": "prompt",
    "auto_review": "auto review",
    "mcp_server_startup": "start",
    "model_rerouted": "reroute",
}
"""What a bar or a row of marks is called, where its kind doesn't say it well."""


def part_words(part: str) -> str:
    return part.replace("_", " ")


def unseen(turn: TurnDetail) -> str:
    """The parts that its source can't tell."""
    return ", ".join(part_words(p) for p in Parts._fields if getattr(turn, f"{p}_ms") is None)


def bar_label(bar: Bar) -> str:
    if bar.kind == "folded":
        return f"… {counted(bar.items, 'item')}"
    word = LABELS.get(bar.kind, bar.kind.replace("_", " "))
    return plain(f"{word} {bar.name}") if bar.name else "command" if word == "$" else word


def took(bar: Bar) -> str:
    if bar.kind == "folded":
        return f"≤ {duration(bar.duration_ms)}" if bar.duration_ms is not None else ""
    if bar.kind == "user_message" or bar.duration_ms is None:
        return ""
    return duration(bar.duration_ms)


def side(bar: Bar, silent: bool) -> Span:
    """What is out of the ordinary."""
    if bar.status == "in_progress":
        return Span("no end" if silent else "running", bar.status)
    if bar.status != "completed":
        return Span(f"exit {bar.exit_code}" if bar.exit_code else bar.status, bar.status)
    if bar.exit_code:
        return Span(f"exit {bar.exit_code}", "failed")
    if bar.context is not None:
        return Span(f"{number(bar.context[0])} → {number(bar.context[1])}", "compaction")
    if bar.waited_ms:
        return Span(f"waited {duration(bar.waited_ms)}", "approval")
    return Span(f"+{bar.lines[0]} -{bar.lines[1]}" if bar.lines is not None else "", "dim")


def used(mark: Mark) -> str:
    told = mark.response
    cached = f" ({number(told.cached_input_tokens)} cached)" if told.cached_input_tokens else ""
    thought = told.reasoning_output_tokens
    reasoning = f" ({number(thought)} reasoning)" if thought else ""
    return f"in {number(told.input_tokens)}{cached}, out {number(told.output_tokens)}{reasoning}"

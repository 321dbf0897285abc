"""One item of a turn on the wire, brought to facts: what it is, not what it says."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.command_word import command_word
from codex_telemetry.core.facts import ItemFacts, Weight
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.state import live
from codex_telemetry.formats.app_server.values import name, snake, tag
from codex_telemetry.formats.base import Stamp

OUTPUT_CAP = 1 << 20
"""Codex reports at most 1 MiB of a command's output (seen from 0.63 on)."""

KINDS = {
    "userMessage": "user_message",
    "agentMessage": "message",
    "reasoning": "reasoning",
    "plan": "plan",
    "todoList": "plan",
    "commandExecution": "command",
    "fileChange": "file_change",
    "mcpToolCall": "mcp_tool",
    "dynamicToolCall": "dynamic_tool",
    "collabAgentToolCall": "subagent",
    "subAgentActivity": "other",
    "webSearch": "web_search",
    "imageView": "image",
    "imageGeneration": "image",
    "sleep": "other",
    # What a stop hook gives the model to go on with: injected context, no run (0.169).
    "hookPrompt": "other",
    "functionCallOutput": "other",
    "enteredReviewMode": "review",
    "exitedReviewMode": "review",
    "codeReview": "review",
    "contextCompaction": "compaction",
}
"""Item types of 0.63 to 0.169 → `items.kind`."""

STATUSES = frozenset({"completed", "failed", "declined"})
"""How an item may end. Before that it says `inProgress`, which no claim is needed for."""


class Change(Struct):
    diff: Raw = wire.NOTHING
    kind: Any = None


class Item(Struct):
    type: str
    id: str
    status: str | None = None
    command: Raw = wire.NOTHING
    aggregatedOutput: Raw = wire.NOTHING  # noqa: N815
    exitCode: wire.Int | None = None  # noqa: N815
    durationMs: wire.Int | None = None  # noqa: N815
    server: str | None = None
    tool: str | None = None
    action: Any = None
    changes: list[Change] | None = None
    startedAtMs: wire.Int | None = None  # noqa: N815
    completedAtMs: wire.Int | None = None  # noqa: N815
    receiverThreadIds: list[str] | None = None  # noqa: N815
    agentThreadId: str | None = None  # noqa: N815

    def children(self) -> list[str]:
        """The threads of subagents this item speaks of (collab items, `subAgentActivity`)."""
        own = [] if self.agentThreadId is None else [self.agentThreadId]
        return [*(self.receiverThreadIds or []), *own]


_item = msgspec.json.Decoder(Item)


def decode(raw: Raw) -> Item:
    """Raises `msgspec.MsgspecError` where it isn't an item."""
    return _item.decode(raw)


def facts(item: Item, at: Stamp) -> ItemFacts:
    """The facts of an item, its times aside. An unknown type is of kind `other`."""
    kind = KINDS.get(item.type, "other")
    told = ItemFacts(kind=kind)
    status = snake(item.status or "")
    if status in STATUSES:
        # 0.63 says of a declined command that it was, and then that it failed.
        told.status = live(status, at, Weight.EXACT if status == "declined" else Weight.LIVE)
    told.duration = live(item.durationMs, at)
    told.exit_code = live(item.exitCode, at)
    if kind == "command" and wire.given(item.command):
        told.name = live(command_word(text_of(item.command)), at)
    elif kind in ("mcp_tool", "dynamic_tool"):
        told.name = live(name(item.tool), at)
        told.server = live(name(item.server), at)
    elif kind == "subagent" and item.tool is not None:
        told.name = live(name(snake(item.tool)), at)
    elif kind == "web_search":
        action = tag(item.action)
        told.action = live(snake(action) if action else None, at)
    if output := text_of(item.aggregatedOutput):
        size = len(output.encode("utf-8", "surrogatepass"))
        told.output_bytes = live(size, at)
        told.output_capped = live(size >= OUTPUT_CAP, at)
    if item.changes is not None:
        added, removed = _lines(item.changes)
        told.lines_added, told.lines_removed = live(added, at), live(removed, at)
    return told


def text_of(raw: Raw) -> str:
    """A string of content, to be measured and forgotten; "" where it is none."""
    try:
        return msgspec.json.decode(raw, type=str)
    except wire.UNREADABLE:
        return ""


def _lines(changes: list[Change]) -> tuple[int, int]:
    """Lines added and removed: a new or deleted file is given whole, an update as a diff."""
    added = removed = 0
    for change in changes:
        diff = text_of(change.diff).splitlines()
        kind = tag(change.kind)
        if kind == "add":
            added += len(diff)
        elif kind == "delete":
            removed += len(diff)
        else:
            added += sum(line.startswith("+") and not line.startswith("+++") for line in diff)
            removed += sum(line.startswith("-") and not line.startswith("---") for line in diff)
    return added, removed

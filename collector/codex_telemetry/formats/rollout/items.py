"""Items as Codex itself logs them: whole ones from 0.155 on, the ends of some from 0.130."""

from typing import Any

import msgspec
from msgspec import Raw

from codex_telemetry.core.command_word import command_word
from codex_telemetry.core.facts import Clock, ItemFacts
from codex_telemetry.core.identity import is_safe_id
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.core.unheard import TIMED as TIMED_IN_LOG
from codex_telemetry.formats.app_server.items import KINDS, OUTPUT_CAP, STATUSES
from codex_telemetry.formats.app_server.values import name, snake, tag
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.rollout import agents, compactions, turns, wire
from codex_telemetry.formats.rollout.calls import hashed
from codex_telemetry.formats.rollout.messages import images
from codex_telemetry.formats.rollout.reading import Moment, Reading, better, note

ENDS = {
    "exec_command_end": "command",
    "patch_apply_end": "file_change",
    "web_search_end": "web_search",
    "view_image_tool_call": "image",
    "image_generation_end": "image",
    "dynamic_tool_call_response": "dynamic_tool",
    "collab_agent_spawn_end": "subagent",
    "collab_agent_interaction_end": "subagent",
    "collab_waiting_end": "subagent",
    "collab_close_end": "subagent",
    "collab_resume_end": "subagent",
}
"""Events that end an item → its kind; `mcp_tool_call_end` aside, which says more."""

EXTENSION = "Extension"
EXTENSIONS = {
    "clock.sleep": "sleep",
    "image_gen.generation": "imageGeneration",
    "web.search": "webSearch",
}
"""`kind` of an item of that type (0.145 to 0.169) → its type on the stream."""

TIMED = TIMED_IN_LOG.partition(".")[2]

_WRITTEN_KINDS = {each[:1].upper() + each[1:]: kind for each, kind in KINDS.items()}
"""The same by how items are called in a log: all but extensions."""

MADE_UP = "item-"
"""Migrated items are numbered: the stream knows them by other names, so they are counted only."""


CODEX_MS, LOG = int(Clock.CODEX_MS), int(Clock.LOG)
_text = msgspec.json.Decoder(str).decode


def item_completed(reading: Reading, told: wire.ItemCompleted, at: Moment) -> None:
    item, state = told.item, reading.state
    if told.thread_id not in (None, state.thread):
        return  # a reviewer's, mirrored here; its own file tells of it
    turn_id = reading.own(told.turn_id)
    if turn_id is None:
        return
    kind = _WRITTEN_KINDS.get(item.type) or KINDS.get(_type_on_the_stream(item))
    if kind is None:
        kind = "other"
        unknown = name(item.type) or "(unprintable)"
        if item.type == EXTENSION:
            unknown += f"/{name(item.kind) or '(unprintable)'}"
        reading.drift(f"item/{unknown}", "unknown item type")
    if item.type == "EnteredReviewMode":
        turns.entered_review(reading, wire.Nothing(), at)
    elif item.type == "ExitedReviewMode":
        turns.exited_review(reading, wire.Nothing(), at)
    if kind == "user_message":
        _pictures(reading, item)
    if item.id.startswith(MADE_UP) and item.id[len(MADE_UP) :].isdigit():
        _count(reading, kind)
        return
    if not is_safe_id(item.id):
        reading.drift("item_completed", "an item's id isn't one")
        return
    facts = reading.item(turn_id, item.id, kind)
    _tell(reading, facts, kind, item, at)
    began, ended = told.started_at_ms, told.completed_at_ms
    note(facts.starts, CODEX_MS, began)
    note(facts.ends, CODEX_MS, ended)
    if kind == "compaction" and began is not None:
        compactions.compacted(reading, facts, began, at)
    if began is not None and ended is not None:
        reading.count(TIMED, turn_id=turn_id)


def _type_on_the_stream(item: wire.Item) -> str:
    if item.type == EXTENSION:
        return EXTENSIONS.get(name(item.kind) or "", "")
    return item.type[:1].lower() + item.type[1:]


def mcp_ended(reading: Reading, told: wire.McpEnded, at: Moment) -> None:
    if told.result is not None and told.status is None:
        answer = told.result.Ok
        told.success = answer is not None and not answer.isError
    ended("mcp_tool", reading, told, at)


def ended(kind: str, reading: Reading, told: wire.Ended, at: Moment) -> None:
    """`patch_apply_end` and its like: what the call's output doesn't tell."""
    turn_id = reading.own(told.turn_id)
    if turn_id is None or reading.state.review is not None:
        return
    if not is_safe_id(told.call_id):
        reading.drift(f"event_msg/{kind}", "a call's id isn't one")
        return
    item = wire.Item(
        type="",
        id=told.call_id,
        status=told.status,
        command=told.command,
        aggregated_output=told.aggregated_output,
        exit_code=told.exit_code,
        duration=told.duration,
        server=told.invocation.server if told.invocation else None,
        tool=told.invocation.tool if told.invocation else None,
        action=told.action,
        changes=told.changes,
        receiver_thread_ids=[told.new_thread_id, told.receiver_thread_id],
    )
    facts = reading.item(turn_id, told.call_id, kind)
    success = None if told.success is None else "completed" if told.success else "failed"
    _tell(reading, facts, kind, item, at, success)
    note(facts.ends, LOG, at.ms)


def _tell(
    reading: Reading,
    facts: ItemFacts,
    kind: str,
    item: wire.Item,
    at: Moment,
    otherwise: str | None = None,
) -> None:
    """Add what an item says of itself to the claims about it; `otherwise`: how it ended, if it doesn't."""
    say = reading.say
    status = snake(tag(item.status) or "")
    facts.status = better(facts.status, say(status if status in STATUSES else otherwise, at))
    facts.exit_code = better(facts.exit_code, say(item.exit_code, at))
    if item.duration is not None:
        facts.duration = better(facts.duration, say(_milliseconds(item.duration), at))
    if kind == "command":
        command = item.command
        if isinstance(command, str) or _is_words(command):
            facts.name = better(facts.name, say(command_word(command), at))
            facts.command_hash = better(facts.command_hash, hashed(reading, command, at))
        size = _bytes(item.aggregated_output)
        if size:
            facts.output_bytes = better(facts.output_bytes, say(size, at))
            facts.output_capped = better(facts.output_capped, say(size >= OUTPUT_CAP, at))
    elif kind in ("mcp_tool", "dynamic_tool"):
        facts.name = better(facts.name, say(name(item.tool), at))
        facts.server = better(facts.server, say(name(item.server), at))
    elif kind == "subagent":
        tool = name(snake(item.tool)) if isinstance(item.tool, str) else None
        facts.name = better(facts.name, say(tool, at))
    elif kind == "web_search":
        action = tag(item.action)
        facts.action = better(facts.action, say(snake(action) if action else None, at))
    if item.receiver_thread_ids is not None or item.agent_thread_id is not None:
        spoken_to = agents.named(item.receiver_thread_ids, item.agent_thread_id)
        facts.threads |= spoken_to - {reading.state.thread}
    if item.changes is not None:
        added, removed = _lines(item.changes)
        facts.lines_added = better(facts.lines_added, say(added, at))
        facts.lines_removed = better(facts.lines_removed, say(removed, at))


def _count(reading: Reading, kind: str) -> None:
    what = {"user_message": "prompts", "message": "messages"}.get(kind)
    if what is not None:
        reading.count(what)
    elif kind in TOOLS and kind != "web_search":
        reading.count("tool_calls")


def _pictures(reading: Reading, item: wire.Item) -> None:
    parts = item.content or []
    local = [part.path or "" for part in parts if part.type in ("local_image", "localImage")]
    images(reading, sum(part.type == "image" for part in parts), local)


def _milliseconds(told: Any) -> int | None:
    """`{"secs": 0, "nanos": 27507}` as whole milliseconds, cut as the stream cuts them."""
    if not isinstance(told, dict):
        return None
    secs, nanos = told.get("secs", 0), told.get("nanos", 0)
    if not isinstance(secs, int) or not isinstance(nanos, int) or not 0 <= secs < 1 << 40:
        return None
    return secs * 1000 + max(0, nanos) // 1_000_000


def _is_words(command: Any) -> bool:
    return isinstance(command, list) and all(isinstance(word, str) for word in command)


def _bytes(raw: Raw) -> int:
    """UTF-8 bytes of a string of content, measured and forgotten. Most are never decoded: each escape
    but those of a character's number is one byte written as two."""
    written = bytes(raw)
    if written[:1] != b'"':
        return 0
    if b"\\u" not in written:
        # Of backslashes in a row each second one is escaped by the one before.
        return len(written) - 2 - written.count(b"\\") + written.count(b"\\\\")
    try:
        text = _text(written)
    except wire.UNREADABLE:
        return 0
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _lines(changes: dict[str, wire.Change]) -> tuple[int, int]:
    """Lines added and removed: a new or deleted file is given whole, an update as a diff."""
    added = removed = 0
    for change in changes.values():
        whole, diff = _split(change.content), _split(change.unified_diff)
        if change.type == "add":
            added += len(whole)
        elif change.type == "delete":
            removed += len(whole)
        else:
            added += sum(line.startswith("+") and not line.startswith("+++") for line in diff)
            removed += sum(line.startswith("-") and not line.startswith("---") for line in diff)
    return added, removed


def _split(raw: Raw) -> list[str]:
    try:
        return msgspec.json.decode(raw, type=str).splitlines() if given(raw) else []
    except wire.UNREADABLE:
        return []

"""Every line of a rollout file by its name: who reads it, and what of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.formats.app_server import ignored
from codex_telemetry.formats.rollout import (
    calls,
    context,
    items,
    messages,
    session,
    tokens,
    turns,
    wire,
)
from codex_telemetry.formats.rollout.reading import Moment, Reading

T = TypeVar("T")
Handler = Callable[[Reading, Any, Moment], None]


SAID_AGAIN = frozenset({"token_count", "turn_context"})
"""Every count is written twice up to 0.130, a turn's context with each of its responses."""

PASSING = frozenset(
    """
    message user_message function_call_output custom_tool_call_output compacted thread_name_updated
    """.split()
)
"""After these lines, what came before still matters: see `turns.prompt`."""


class Line(Struct, Generic[T], gc=False):
    payload: T


@dataclass(frozen=True, slots=True)
class Known:
    """A kind of line that tells something."""

    name: str
    handle: Handler
    line: Callable[[bytes], Any]
    """Decodes the whole line."""
    payload: Callable[[bytes | Raw], Any]
    """Decodes its payload alone: for lines whose head isn't where it should be."""
    said_again: bool
    passing: bool


def _known(*entries: tuple[str, Handler, Any]) -> dict[bytes, Known]:
    found = {}
    for name, handle, shape in entries:
        whole: Any = Line[shape]  # type: ignore[valid-type]
        found[name.encode()] = Known(
            name,
            handle,
            msgspec.json.Decoder(whole).decode,
            msgspec.json.Decoder(shape).decode,
            said_again=name in SAID_AGAIN,
            passing=name in PASSING,
        )
    return found


def _names(words: Iterable[str]) -> frozenset[bytes]:
    return frozenset(word.encode() for word in words)


TOP = _known(
    ("session_meta", session.session_meta, wire.SessionMeta),
    ("turn_context", context.turn_context, wire.TurnContext),
    ("compacted", messages.compacted, wire.Nothing),
    ("token_usage_record", tokens.usage_record, wire.UsageRecord),
)
"""By `type`."""

EVENTS = _known(
    ("task_started", turns.task_started, wire.TaskStarted),
    ("turn_started", turns.task_started, wire.TaskStarted),
    ("task_complete", turns.task_complete, wire.TaskEnded),
    ("turn_complete", turns.task_complete, wire.TaskEnded),
    ("turn_aborted", turns.turn_aborted, wire.TaskEnded),
    ("user_message", messages.user_message, wire.UserMessage),
    ("agent_message", messages.agent_message, wire.Nothing),
    ("token_count", tokens.token_count, wire.TokenCount),
    ("item_completed", items.item_completed, wire.ItemCompleted),
    ("thread_settings_applied", context.settings_applied, wire.SettingsApplied),
    ("entered_review_mode", turns.entered_review, wire.Nothing),
    ("exited_review_mode", turns.exited_review, wire.Nothing),
    ("thread_rolled_back", messages.rolled_back, wire.Nothing),
    ("undo_completed", messages.undone, wire.Nothing),
    ("thread_name_updated", messages.renamed, wire.Nothing),
    ("mcp_tool_call_end", items.mcp_ended, wire.McpEnded),
    *((name, partial(items.ended, kind), wire.Ended) for name, kind in items.ENDS.items()),
)
"""`event_msg` by the payload's type."""

ITEMS = _known(
    ("message", messages.message, wire.Message),
    ("reasoning", messages.reasoning, wire.Reasoning),
    ("function_call", calls.function_call, wire.Call),
    ("custom_tool_call", calls.custom_tool_call, wire.Call),
    ("local_shell_call", calls.local_shell_call, wire.Call),
    ("web_search_call", calls.web_search_call, wire.Call),
    ("function_call_output", calls.tool_output, wire.Output),
    ("custom_tool_call_output", calls.tool_output, wire.Output),
)
"""`response_item` by the payload's type; of 0.20 every line."""

IGNORED_TOP = _names(
    """
    world_state inter_agent_communication inter_agent_communication_metadata dynamic_tools_updated
    realtime_item retained_context security_risk_score
    """.split()
)
"""What the model was shown of the world, and notes between agents: content, or nothing of ours. Why
each name here and below is ignored: `schema/wire/rollout.toml`."""

IGNORED_EVENTS = _names(ignored.EVENTS - {name.decode() for name in EVENTS}) | _names(
    """
    agent_message_delta agent_reasoning agent_reasoning_delta auth_recovery_completed
    auth_recovery_started elicitation_abandoned environment_connected environment_disconnected error
    exec_command_begin guardian_assessment guardian_warning hook_completed hook_started
    image_generation_begin mcp_startup_complete mcp_startup_update mcp_tool_call_begin
    model_verification patch_apply_begin patch_apply_updated raw_response_completed
    realtime_conversation_list_voices_response realtime_conversation_sdp request_permissions
    safety_buffering stream_error sub_agent_activity thread_goal_updated thread_queue_changed
    turn_moderation_metadata web_search_begin
    """.split()
)
"""Reasoning is counted by its response item; a turn's end tells of its error."""

IGNORED_ITEMS = _names(
    """
    additional_tools agent_message compaction compaction_summary compaction_trigger
    configuration_update context_compaction ghost_snapshot image_generation_call other
    tool_search_call tool_search_output
    """.split()
)
"""`agent_message`: from one agent to another (0.155)."""


def _heads() -> Iterator[tuple[bytes, Known | None]]:
    for name in TOP.keys() | IGNORED_TOP:
        yield b'%s","payload":{' % name, TOP.get(name)
    for kind, read, ignored_ones in (
        (b"event_msg", EVENTS, IGNORED_EVENTS),
        (b"response_item", ITEMS, IGNORED_ITEMS),
    ):
        for name in read.keys() | ignored_ones:
            yield b'%s","payload":{"type":"%s"' % (kind, name), read.get(name)


HEADS = dict(_heads())
"""How the head of a line goes on behind its `type`, as Codex writes it → what it tells; None where
that isn't read."""

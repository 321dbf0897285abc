"""Prompts, answers, reasoning and compactions: that they were, how many and how long."""

import re

import msgspec
from msgspec import Raw

from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.rollout import turns, wire
from codex_telemetry.formats.rollout.reading import Moment, Reading

_CONTEXT = re.compile(
    rb'"\s*(?:<(?:environment_context|user_instructions|permissions|turn_aborted|user_action|'
    rb"subagent_notification|skill|collaboration_mode|INSTRUCTIONS|user_shell_command)"
    rb"|# AGENTS\.md)"
)
"""How context begins that Codex puts among the user's messages (0.42 to 0.169)."""
_text = msgspec.json.Decoder(str).decode
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})$")


def user_message(reading: Reading, told: wire.UserMessage, at: Moment) -> None:
    reading.state.events_seen = True
    if told.kind not in (None, "plain"):
        return  # 0.42 says of injected context that it is
    turn_id = turns.prompt(reading, at)
    if turn_id is not None:
        images(reading, len(told.images or ()), told.local_images or [])


def images(reading: Reading, others: int, paths: list[str]) -> None:
    """Of an image only its kind is kept: the extension of its file."""
    if others:
        reading.count("images", others)
    if paths:
        reading.count("local_images", len(paths))
    for path in paths:
        found = _EXTENSION.search(path)
        reading.count(f"image_ext.{found[1].lower() if found else '(none)'}")


def agent_message(reading: Reading, _told: wire.Nothing, at: Moment) -> None:
    if reading.state.review is None and reading.state.last_line != "compacted":
        reading.count("messages")
        reading.active(at)


def message(reading: Reading, told: wire.Message, at: Moment) -> None:
    """A message as the model's API has it: the prompts among them are told as events too."""
    if told.role == "assistant":
        answer(reading, at)
    elif told.role == "user" and not reading.state.events_seen:
        parts = told.content or []
        if not parts or all(_CONTEXT.match(part.text) for part in parts):
            return
        if at.ms is None:
            turns.untimed_prompt(reading)
        else:
            reading.state.prompt = at.ms


def answer(reading: Reading, at: Moment) -> None:
    model_spoke(reading)
    if not reading.state.events_seen:
        reading.count("messages")
    reading.guess("completed", at)
    reading.active(at)


def model_spoke(reading: Reading) -> None:
    """A file without events begins a turn with what the model says to a prompt."""
    state = reading.state
    if state.prompt is not None and not state.events_seen and state.current is None:
        reading.begin_logged(state.prompt, prompts=1)
        state.prompt = None


def reasoning(reading: Reading, told: wire.Reasoning, at: Moment) -> None:
    model_spoke(reading)
    reading.count("reasoning_items")
    chars = 0
    for parts in (told.summary, told.content):
        for part in parts or ():
            chars += length(part.text)
    if chars:
        reading.count("reasoning_chars", chars)
    reading.active(at)


def compacted(reading: Reading, _told: wire.Nothing, at: Moment) -> None:
    reading.state.last_line = "compacted"
    reading.count("compaction")
    reading.event("context_compacted", at)
    if reading.prompts() == 0:
        reading.guess("completed", at)  # 0.98: a turn of its own
    reading.active(at)


def renamed(_reading: Reading, _told: wire.Nothing, _at: Moment) -> None:
    """A thread's title: content alone."""


def rolled_back(reading: Reading, _told: wire.Nothing, at: Moment) -> None:
    reading.event("thread_rolled_back", at, turn=False)


def undone(reading: Reading, _told: wire.Nothing, at: Moment) -> None:
    reading.event("undo_completed", at)


def length(raw: Raw) -> int:
    """Characters of a string of content, measured and forgotten."""
    if not given(raw):
        return 0
    try:
        return len(_text(raw))
    except wire.UNREADABLE:
        return 0

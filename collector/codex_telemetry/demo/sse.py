"""A response of the model as the server-sent events that tell it, with the pauses between them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codex_telemetry.demo.dialects import Item

Step = tuple[str, Item] | float
"""An event and its fields, or seconds to wait before the next."""

LAST = "response.completed"

_WORDS = re.compile(r"\S+\s*")


def opening(head: Mapping[str, Any], first_token_s: float) -> Iterator[Step]:
    """Before the first token: the response exists, and the model thinks."""
    yield "response.created", {"response": dict(head)}
    yield "response.in_progress", {"response": dict(head)}
    yield first_token_s


def telling(items: Sequence[Item], word_s: float) -> Iterator[Step]:
    """The items, word by word."""
    for index, item in enumerate(items):
        yield from _one(item, index, word_s)
        yield "response.output_item.done", {"output_index": index, "item": item}


def closing(head: Mapping[str, Any], items: Sequence[Item], usage: Item) -> Iterator[Step]:
    """The response as a whole, with its usage."""
    calls = any(_is_call(item) for item in items)
    whole = {**head, "status": "completed", "output": list(items), "usage": usage}
    yield LAST, {"response": {**whole, "end_turn": not calls}}


def calls_a_tool(kind: str, fields: Item) -> bool:
    """Whether an event makes a call whole: Codex starts the tool at once, while the rest is told."""
    return kind == "response.output_item.done" and _is_call(fields["item"])


def _is_call(item: Item) -> bool:
    return str(item["type"]).endswith("_call")


def _one(item: Item, index: int, word_s: float) -> Iterator[Step]:
    match item["type"]:
        case "message":
            yield _added(index, {**item, "status": "in_progress", "content": []})
            part = item["content"][0]
            place = {"item_id": item["id"], "output_index": index, "content_index": 0}
            empty = {**part, "text": ""}
            yield "response.content_part.added", {**place, "part": empty}
            yield from _words("response.output_text", part["text"], place, word_s)
            yield "response.content_part.done", {**place, "part": part}
        case "reasoning":
            yield _added(index, {**item, "summary": []})
            part = item["summary"][0]
            place = {"item_id": item["id"], "output_index": index, "summary_index": 0}
            empty = {**part, "text": ""}
            yield "response.reasoning_summary_part.added", {**place, "part": empty}
            yield from _words("response.reasoning_summary_text", part["text"], place, word_s)
            yield "response.reasoning_summary_part.done", {**place, "part": part}
        case kind:
            field, event = (
                ("arguments", "response.function_call_arguments")
                if kind == "function_call"
                else ("input", "response.custom_tool_call_input")
            )
            yield _added(index, {**item, field: "", "status": "in_progress"})
            place = {"item_id": item["id"], "output_index": index}
            yield f"{event}.delta", {**place, "delta": item[field]}
            yield word_s
            yield f"{event}.done", {**place, field: item[field]}


def _added(index: int, item: Item) -> Step:
    return "response.output_item.added", {"output_index": index, "item": item}


def _words(event: str, text: str, place: Item, word_s: float) -> Iterator[Step]:
    for word in _WORDS.findall(text):
        yield f"{event}.delta", {**place, "delta": word}
        yield word_s
    yield f"{event}.done", {**place, "text": text}

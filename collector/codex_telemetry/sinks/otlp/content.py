"""What was said, in the spans of who said it: only where it was granted, and the export allows it too."""

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from codex_telemetry.sinks.otlp.span import Span, Value, span_id
from codex_telemetry.store import content
from codex_telemetry.store.queries import Row, Store
from codex_telemetry.store.whole_turns import WholeTurn

Open = Callable[[Row], bytes | None]
"""A sealed row in the clear; None if its key doesn't open it."""

ROLES: Final = {
    "prompt": ("gen_ai.input.messages", "user", "text"),
    "response": ("gen_ai.output.messages", "assistant", "text"),
    "reasoning": ("gen_ai.output.messages", "assistant", "reasoning"),
}
CALLS: Final = {"tool_args": "gen_ai.tool.call.arguments", "tool_output": "gen_ai.tool.call.result"}


class Opened:
    """Whoever has this was allowed to open content and send it."""

    def __init__(self, open_row: Open) -> None:
        self._open = open_row

    def __call__(self, db: Store, whole: WholeTurn, made: list[Span]) -> list[Span]:
        turn_id = whole.turn["turn_id"]
        messages: dict[str, list[Any]] = {}
        of_spans: dict[bytes, dict[str, Value]] = {}
        now = time.time_ns() // 1_000_000
        for row in content.of_turn_by_grants_that_stand(db, turn_id, now):
            kind = row["kind"]
            if kind not in ROLES and kind not in CALLS:
                continue
            opened = self._open(row)
            if opened is None:
                continue
            text = opened.decode("utf-8", "replace")
            if kind in CALLS:
                its = of_spans.setdefault(span_id(turn_id, "item", row["item_id"]), {})
                its[CALLS[kind]] = text
            else:
                attribute, role, part = ROLES[kind]
                said = {"role": role, "parts": [{"type": part, "content": text}]}
                messages.setdefault(attribute, []).append(said)
        its = of_spans.setdefault(span_id(turn_id), {})
        its.update({name: msgspec.json.encode(said).decode() for name, said in messages.items()})
        return [
            span._replace(attributes={**span.attributes, **of_spans.get(span.span_id, {})})
            for span in made
        ]

"""Where in which script a request is: read from the prompts and the outputs of tools it brings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codex_telemetry.demo.scripts import SCRIPTS

_DIRECTIVE = re.compile(r"\[\[script:([a-z0-9_]+)\]\]")
_CANARY = re.compile(r"CANARY-PROMPT-([A-Za-z0-9]+)")
_SESSION = re.compile(r"session ID (\d+)")
_CALL_ID = re.compile(r"call_([a-z0-9_]+)_(\d+)_\d+_[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which script a request is."""

    script: str
    n: str
    step: int

    def call_id(self, part: int) -> str:
        return f"call_{self.script}_{self.step}_{part}_{self.n}"


def place(body: Mapping[str, Any]) -> Place:
    """The newest prompt with a directive names the script; outputs of tools since tell the step."""
    script, n, step = "plain", "0", 0
    given = body.get("input") or ()
    for item in [given] if isinstance(given, str) else given:
        if isinstance(item, dict) and str(item.get("type", "")).endswith("_output"):
            answered = _CALL_ID.fullmatch(str(item.get("call_id", "")))
            if answered and answered[1] == script:
                step = max(step, int(answered[2]) + 1)
        elif picked := _DIRECTIVE.findall(text := _prompt(item)):
            numbers = _CANARY.findall(text)
            script, n, step = picked[-1], numbers[-1] if numbers else "0", 0
    return Place(script if script in SCRIPTS else "plain", n, step)


def in_background(body: Mapping[str, Any]) -> str:
    """The number of the command that was left in the background last, as Codex words it; else 0."""
    outputs = [
        str(item.get("output")) for item in body.get("input") or () if isinstance(item, dict)
    ]
    return ["0", *map(str, _SESSION.findall("\n".join(outputs)))][-1]


def _prompt(item: object) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, dict) or item.get("role") != "user":
        return ""
    content = item.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    return "\n".join(str(part.get("text") or "") for part in parts)

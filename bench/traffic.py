"""A conversation with Codex of any length and with lines of any size, out of the demo's recorded turn."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from codex_telemetry.demo.replay import RECORDED

FILLING = 'the quick "brown" fox\tjumps over the lazy dog,\n'
"""What lines are filled with: text that JSON escapes here and there, as it does code."""

ABOUT_APPROVALS = ("/requestApproval", "serverRequest/resolved")
"""Left out, so that the client has nothing to answer but what is asked for a round trip."""

_ITEM = re.compile(r'"(?:id|itemId)":"((?:exec-|rs_|msg_)[^"]+)"')


class Exchange(NamedTuple):
    """What the client says, and all that Codex says until it is the client's turn again."""

    asked: bytes
    answer: bytes


class _Recorded(NamedTuple):
    opening: list[tuple[bool, str]]
    """Until the thread is open; each with whether Codex says it."""
    prompt: str
    turn: list[str]
    """What Codex says from there until the turn is over."""
    turn_id: str
    items: list[str]


@cache
def _recorded() -> _Recorded:
    rows = [json.loads(row) for row in RECORDED.read_text().splitlines()]
    said = [(row["way"] == "heard", row["line"]) for row in rows]
    start = next(n for n, (_, line) in enumerate(said) if '"turn/start"' in line)
    turn = [
        line
        for heard, line in said[start + 1 :]
        if heard and not any(a in line for a in ABOUT_APPROVALS)
    ]
    turn_id = json.loads(turn[0])["result"]["turn"]["id"]
    items = sorted(set(_ITEM.findall("".join(turn))))
    return _Recorded(said[:start], said[start][1], turn, turn_id, items)


def turn_id(n: int) -> str:
    return f"{_recorded().turn_id[:-12]}{n:012x}"


def opening() -> list[Exchange]:
    """The client makes itself known and opens a thread."""
    exchanges: list[Exchange] = []
    for heard, line in _recorded().opening:
        text = line.encode() + b"\n"
        if not heard and exchanges and not exchanges[-1].answer:
            exchanges[-1] = Exchange(exchanges[-1].asked + text, b"")
        elif not heard:
            exchanges.append(Exchange(text, b""))
        else:
            exchanges[-1] = exchanges[-1]._replace(answer=exchanges[-1].answer + text)
    return exchanges


def prompt(n: int, size: int = 0) -> bytes:
    """The client's request for the `n`th turn."""
    return _line(json.loads(_of(_recorded().prompt, n)), size)


def turn(n: int, size: int = 0, deltas: int = 1) -> Iterator[bytes]:
    """What Codex says in it, line by line: each delta so many times, and deltas and outputs as lines
    of `size` bytes."""
    for line in _recorded().turn:
        said = _line(json.loads(_of(line, n)), size)
        yield from [said] * (deltas if '"delta"' in line else 1)


def round_trips(turns: int, size: int) -> Iterator[Exchange]:
    """Lines of `size` bytes to and fro. Smaller lines of Codex's go out with the next larger one."""
    for n in range(turns):
        asked, answer = prompt(n, size), b""
        for line in turn(n, size):
            answer += line
            if len(line) >= size:
                yield Exchange(asked, answer)
                asked, answer = _tool_result(size), b""


def write_script(path: Path, chunks: Iterable[tuple[bool, bytes]]) -> None:
    """For `stand_in.py`: what it says, each with whether it waits for a line of the client's first."""
    with path.open("w") as file:
        for waits, said in chunks:
            file.write(json.dumps([waits, said.decode()]) + "\n")


def _of(line: str, n: int) -> str:
    """The line as the `n`th turn has it: with ids of its own."""
    recorded = _recorded()
    line = line.replace(recorded.turn_id, turn_id(n))
    for item in recorded.items:
        line = line.replace(item, f"{item[:-6]}{n:06x}")
    message = json.loads(line)
    usage = message.get("params", {}).get("tokenUsage")
    if usage is not None:
        usage["total"]["totalTokens"] += 10_000 * n
    if message.get("method") == "turn/start" or "result" in message:
        message["id"] = 1_000 + n
    return json.dumps(message)


def _tool_result(size: int) -> bytes:
    """The client answers what Codex asked of a tool of its own."""
    content = {"type": "inputText", "text": ""}
    return _line({"id": 1, "result": {"contentItems": [content], "success": True}}, size)


def _line(message: Any, size: int) -> bytes:
    place, key = _filled(message)
    bare = json.dumps(message, separators=(",", ":"))
    if place is not None and len(bare) < size - 1:
        missing = size - 1 - len(bare)
        text = FILLING * (missing // len(FILLING) + 1)
        place[key] += text[: missing * len(FILLING) // len(json.dumps(FILLING)[1:-1])]
        bare = json.dumps(message, separators=(",", ":"))
        place[key] += "." * (size - 1 - len(bare))
        bare = json.dumps(message, separators=(",", ":"))
    return bare.encode() + b"\n"


def _filled(message: Any) -> tuple[Any, str]:
    """Where a message can be longer than it was recorded."""
    params = message.get("params") or {}
    if "delta" in params:
        return params, "delta"
    if (params.get("item") or {}).get("aggregatedOutput"):
        return params["item"], "aggregatedOutput"
    if "input" in params:
        return params["input"][0], "text"
    if "contentItems" in (message.get("result") or {}):
        return message["result"]["contentItems"][0], "text"
    return None, ""

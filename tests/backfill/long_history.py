"""A long history: many threads of many turns, as a real release writes them, with outputs as long as
real ones. The same every time."""

import json
from pathlib import Path
from typing import Any

TURNS = 48
OUTPUT = 12_000
"""Characters of a command's output."""
THREAD, TURN = "01a20724-25b9-7591-a792-2d6ff3383691", "01a20724-25db-75a2-b830-6a9c0d17030c"


def write(pattern: Path, home: Path, size: int) -> int:
    """Write at least so many bytes under a home: threads like that in the `pattern` (a rollout with
    one turn). How many threads."""
    thread = _thread([json.loads(line) for line in pattern.read_bytes().splitlines()])
    folder = home / "sessions" / "2026" / "11" / "23"
    folder.mkdir(parents=True)
    written = n = 0
    while written < size:
        text = thread.replace(b"2d6ff3383691", b"%012x" % n).replace(b"6a9c0d17030c", b"%012x" % n)
        name = f"rollout-2026-11-23T06-42-{n % 60:02}-{THREAD[:24]}{n:012x}.jsonl"
        written += (folder / name).write_bytes(text)
        n += 1
    return n


def _thread(lines: list[dict[str, Any]]) -> bytes:
    head, *turn = lines
    per_turn = max(_totals(turn))
    rows = [head]
    for n in range(TURNS):
        text = json.dumps(turn).replace(TURN, f"{TURN[:9]}{n:04x}{TURN[13:]}")
        for kind in ("call_", "msg_", "rs_", "exec-"):
            text = text.replace(f'"{kind}', f'"{kind}{n}_')
        told = json.loads(text)
        for row in told:
            _pad(row["payload"])
            _raise_totals(row["payload"], n * per_turn)
        rows += told
    return b"".join(json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in rows)


def _totals(turn: list[dict[str, Any]]) -> list[int]:
    infos = [row["payload"].get("info") for row in turn]
    return [info["total_token_usage"]["total_tokens"] for info in infos if info]


def _pad(payload: dict[str, Any]) -> None:
    if payload.get("type") == "function_call_output":
        payload["output"] += 'CANARY-OUT "line"\n' * (OUTPUT // 18)
    elif payload.get("type") == "reasoning":
        payload["encrypted_content"] = "gAAAA" * 800


def _raise_totals(payload: dict[str, Any], by: int) -> None:
    """A thread's running total goes on from turn to turn."""
    info = payload.get("info") or {}
    for usage in (info.get("total_token_usage"), payload.get("thread_token_usage")):
        if usage is not None:
            usage["total_tokens"] += by
            usage["input_tokens"] += by

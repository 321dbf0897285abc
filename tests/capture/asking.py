"""The commands about content, and what tests ask of their answers."""

import json
import time
from typing import Any

from commands import Answer, Command

WORK = "/home/canary/codex/run/0.169.0/b_shell/work"
"""Where the recorded turn ran: a folder that isn't on this machine."""


def done(answer: Answer) -> Answer:
    assert answer.code == 0, answer.err
    return answer


def refused(answer: Answer, *words: str, code: int = 1) -> None:
    """In one line that says what, and what to do."""
    assert answer.code == code, answer.err
    (line,) = [line for line in answer.err.splitlines() if line.startswith("codex-telemetry: ")]
    assert line.isprintable()
    assert "; " in line
    for word in words:
        assert word in line


def statuses(cli: Command) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(cli("capture", "status", "--json")).out)
    return found


def the_turn(cli: Command) -> str:
    (turn,) = json.loads(done(cli("turns", "--json")).out)
    return str(turn["turn_id"])


def soon() -> int:
    """When content is written that is written after a grant made now (ms)."""
    return int(time.time() * 1000) + 60_000

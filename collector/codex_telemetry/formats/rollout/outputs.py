"""What the frame around a tool's output tells: how it ended and how long it took.

Only the frame is looked at, in its JSON form: the output itself is never built.
"""

import re
from typing import NamedTuple

from msgspec import Raw

_HEAD = re.compile(
    rb'"(?:Chunk ID: \w+\\n)?(?:Exit code: (-?\d{1,9})\\n)?'
    rb"(?:Wall time:? (\d{1,9}(?:\.\d{1,9})?) seconds\\n)?"
    rb"(?:Process exited with code (-?\d{1,9})\\n)?"
)
"""0.63 to 0.169."""
_TAIL = re.compile(
    rb'\\"metadata\\":\{\\"exit_code\\":(-?\d{1,9}),\\"duration_seconds\\":(\d{1,9}(?:\.\d{1,9})?)\}'
    rb'\}"$'
)
"""0.20 to 0.58, patches up to 0.125."""
_ENDS = b'}}"'
_CUT_SHORT = re.compile(
    rb'"(?:(?P<aborted>(?:Wall time:? [\d.]+ seconds\\n)?aborted by user)'
    rb"|(?P<declined>patch rejected by user|exec command rejected by user"
    rb"|exec_command failed.{0,4000}rejected by user)"
    rb"|(?P<failed>apply_patch verification failed|exec_command failed|unsupported call"
    rb"|approval policy is))",
    re.DOTALL,
)
_RUNNING = b"Process running with session ID"
_RUNNING_WITHIN = 152


class Outcome(NamedTuple):
    """How a call ended; `ended` is False for one cut short, or going on in the background."""

    ended: bool
    status: str | None = None
    exit_code: int | None = None
    duration_ms: int | None = None
    """To a tenth of a second, or to a millisecond: an item's own counts more."""


def outcome(kind: str, output: Raw) -> Outcome:
    raw = memoryview(output)  # it may be megabytes: not a copy of it
    cut_short = _CUT_SHORT.match(raw)
    how = None if cut_short is None else cut_short.lastgroup
    if how == "aborted" or _RUNNING in bytes(raw[:_RUNNING_WITHIN]):
        return Outcome(ended=False)
    if how is not None:
        return Outcome(ended=True, status=how)
    if kind not in ("command", "file_change"):
        return Outcome(ended=True)
    code, seconds = _frame(raw)
    if code is None:
        return Outcome(ended=True)
    return Outcome(
        ended=True,
        status="failed" if code else "completed",
        exit_code=code if kind == "command" else None,
        duration_ms=None if seconds is None else round(seconds * 1000),
    )


def _frame(raw: memoryview) -> tuple[int | None, float | None]:
    ends = raw[-len(_ENDS) :] == _ENDS
    tail = _TAIL.search(raw, max(0, len(raw) - 160)) if ends else None
    if tail is not None:
        return int(tail[1]), float(tail[2])
    head = _HEAD.match(raw)
    if head is None:
        return None, None
    code = head[1] if head[1] is not None else head[3]
    return (
        None if code is None else int(code),
        None if head[2] is None else float(head[2]),
    )

"""What the frame around a tool's output tells: how it ended and how long it took.

Only the frame is looked at, in its JSON form: the output itself is never built.
"""

import re

from msgspec import Raw

from codex_telemetry.core.facts import Clock, ItemFacts, Said, Weight
from codex_telemetry.formats.rollout.reading import Moment

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
_REFUSED = re.compile(
    rb'"(?:patch rejected by user|exec command rejected by user'
    rb"|exec_command failed.{0,4000}rejected by user)",
    re.DOTALL,
)
_FAILED = re.compile(
    rb'"(?:apply_patch verification failed|exec_command failed|unsupported call|approval policy is)'
)
_ABORTED = re.compile(rb'"(?:Wall time:? [\d.]+ seconds\\n)?aborted by user')
_RUNNING = re.compile(rb'".{0,120}Process running with session ID', re.DOTALL)


def outcome(kind: str, output: Raw, at: Moment) -> ItemFacts:
    """How a call ended. One that was cut short, or goes on in the background, has no end here."""
    item = ItemFacts(kind=kind)
    raw = bytes(output)
    if _ABORTED.match(raw) or _RUNNING.match(raw):
        return item
    if at.ms is not None:
        item.ends = {int(Clock.LOG): at.ms}
    if _REFUSED.match(raw):
        item.status = _say("declined", at)
    elif _FAILED.match(raw):
        item.status = _say("failed", at)
    elif kind in ("command", "file_change"):
        code, seconds = _frame(raw)
        if code is not None:
            item.status = _say("failed" if code else "completed", at)
            item.exit_code = Said(code, Weight.HINT, at.ms or 0) if kind == "command" else None
            if seconds is not None:
                # To a tenth of a second, or to a millisecond: an item's own duration counts more.
                item.duration = Said(round(seconds * 1000), Weight.HINT, at.ms or 0)
    return item


def _frame(raw: bytes) -> tuple[int | None, float | None]:
    tail = _TAIL.search(raw, max(0, len(raw) - 160))
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


def _say(status: str, at: Moment) -> Said[str]:
    return Said(status, Weight.HINT, at.ms or 0)

"""What the name of a rollout file tells, before a byte of it is read."""

import re
from typing import NamedTuple

from codex_telemetry.core.identity import SessionId

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = re.compile(
    rf"rollout-(\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d)-({_UUID})(?:_({_UUID}))?\.jsonl(\.zst)?"
)


class RolloutName(NamedTuple):
    thread_id: SessionId
    local_time: str
    """When the file was made, by the machine's own zone: `2026-11-23T06-42-58`."""
    revert: str | None = None
    """Of a thread that was taken back (seen from 0.160): it goes on in a file of its own."""
    compressed: bool = False


def rollout_name(filename: str) -> RolloutName | None:
    """The parts of `rollout-<time>-<thread>[_<revert>].jsonl[.zst]`; None for any other name."""
    match = _NAME.fullmatch(filename)
    if match is None:
        return None
    return RolloutName(SessionId(match[2]), match[1], match[3], match[4] is not None)

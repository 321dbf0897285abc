"""What was tried how often, and how often it went wrong."""

from collections.abc import Iterable
from typing import NamedTuple


class Tried(NamedTuple):
    what: str
    times: int
    failed: int
    seen: str = ""
    """What else is worth knowing."""


def as_markdown(tried: Iterable[Tried]) -> str:
    rows = ["| what | tried | failed | |", "| --- | --- | --- | --- |"]
    rows += [f"| {one.what} | {one.times:,} | {one.failed:,} | {one.seen} |" for one in tried]
    return "\n".join(rows) + "\n"

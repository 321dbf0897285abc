"""What content the user granted, and, with the user's key, what was kept of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from codex_telemetry.reports.moments import written
from codex_telemetry.reports.shapes_capture import CapturedItem, CaptureGrant
from codex_telemetry.store import consent, content
from codex_telemetry.store.grants import kinds_of
from codex_telemetry.store.queries import Row, Store

Opener = Callable[[bytes], bytes | None]


def granted(db: Store, now: int, last: int | None = None) -> Iterator[CaptureGrant]:
    """Every grant, or the `last` so many; the latest last."""
    for row in consent.grants(db, last):
        yield CaptureGrant(
            grant_id=row["grant_id"],
            project=row["project"],
            kinds=list(kinds_of(row["kinds"])),
            created_at=written(row["created_at"]),
            expires_at=written(row["expires_at"]),
            ended_at=written(row["ended_at"]),
            state="off" if row["ended_at"] is not None else _state(row, now),
            items=row["items"],
            bytes=row["bytes"],
            key_in=row["kept_in"],
        )


def kept(db: Store, row: Row) -> list[Row]:
    """What was kept of a turn or of a session, in the order in which it was written, sealed."""
    if "turn_id" in row.keys():  # noqa: SIM118 - of a row it is the values that one iterates over
        return list(content.of_turn(db, row["turn_id"]))
    return list(content.of_session(db, row["session_id"]))


def opened(rows: list[Row], openers: Mapping[int, Opener]) -> Iterator[CapturedItem]:
    """`openers`: by key."""
    for row in rows:
        text = openers[row["key_id"]](row["sealed"])
        yield CapturedItem(
            turn_id=row["turn_id"],
            item_id=row["item_id"],
            kind=row["kind"],
            at=written(row["at"]),
            text=None if text is None else text.decode("utf-8", "replace"),
            cut_bytes=row["cut_bytes"],
            redactions=row["redactions"],
        )


def titles(rows: list[Row], openers: Mapping[int, Opener]) -> dict[str, str]:
    """Session id → title, of those that can be opened."""
    items = zip(rows, opened(rows, openers), strict=True)
    return {row["session_id"]: item.text for row, item in items if item.text is not None}


def _state(row: Row, now: int) -> Literal["on", "expired"]:
    return "expired" if row["expires_at"] is not None and row["expires_at"] <= now else "on"

"""The form in which items are stored: in columns of their own, which the documented ones are made of
by the schema (0016, 0020).
"""

import re
from typing import Any, Final

from codex_telemetry.core.parts import TOOLS
from codex_telemetry.core.rows import ItemRow
from codex_telemetry.store.stored_values import listed, named

KINDS: Final = (
    *("reasoning", "command", "file_change", "mcp_tool", "dynamic_tool", "web_search", "subagent"),
    *("compaction", "review", "message", "user_message", "plan", "image", "hook", "other"),
)
"""By their numbers, as the schema has them: more may only be appended there by a migration."""
STATUSES: Final = ("failed", "completed", "declined", "unfinished", "in_progress")

_kinds: Final = {kind: number for number, kind in enumerate(KINDS)}
_statuses: Final = {status: number for number, status in enumerate(STATUSES)}

# To the letter as in the index's migration: else SQLite doesn't use it.
ARE_TOOL_CALLS: Final = (
    f"kind_stored IN ({', '.join(str(n) for n, k in enumerate(KINDS) if k in TOOLS)})"
)
COMPACTION: Final = _kinds["compaction"]
REVIEW: Final = _kinds["review"]


# Said here once more: SQLite wouldn't take a column that is made of others out of an index.
KIND: Final = named("kind_stored", KINDS)
STATUS: Final = named("status_stored", STATUSES)

COLUMNS: Final = [
    *("turn_key", "nth", "id_stored", "kind_stored", "status_stored", "started_at", "ended_after"),
    *("duration_ms", "name", "exit_code", "output_bytes", "output_capped", "more", "server"),
]
"""In the order of `stored`: what most items say nothing in comes last."""

_BEGINNINGS: Final = {"call": b"\x01", "rs": b"\x02", "msg": b"\x03", "fc": b"\x04", "ws": b"\x05"}
_UUIDS: Final = {"": b"\x10", "exec-": b"\x11"}
_UUID: Final = re.compile(
    r"(|exec-)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
).fullmatch

_NOTHING: Final = (None,) * 9


def stored(turn_key: int, nth: int, item: ItemRow) -> list[Any]:
    """An item's row, the n-th of its turn."""
    started_at, ended_at = item.started_at, item.ended_at
    return [
        turn_key,
        nth,
        stored_id(item.item_id),
        stored_kind(item.kind),
        stored_status(item.status),
        started_at,
        ended_at if ended_at is None or started_at is None else ended_at - started_at,
        item.duration_ms,
        item.name,
        item.exit_code,
        item.output_bytes,
        item.output_capped,
        _more(item),
        item.server,
    ]


def _more(item: ItemRow) -> str | None:
    """What few items say anything of, each in the place that the schema has for it."""
    said: tuple[Any, ...] = (
        item.lines_added,
        item.lines_removed,
        item.approval_ms,
        item.decision,
        item.action,
        item.thread_ids,
        item.context_before,
        item.context_after,
        item.command_hash,
    )
    return None if said == _NOTHING else listed(said)


def stored_id(item_id: str) -> str | bytes:
    head, _, digits = item_id.partition("_")
    begins = _BEGINNINGS.get(head)
    if begins is not None:
        try:
            told = bytes.fromhex(digits)
        except ValueError:
            return item_id
        # It takes capitals and spaces too: there is no way back to these.
        return begins + told if told and told.hex() == digits else item_id
    found = _UUID(item_id)
    if found is None:
        return item_id
    return _UUIDS[found[1]] + bytes.fromhex(found[2].replace("-", ""))


def stored_kind(kind: str) -> int | str:
    return _kinds.get(kind, kind)


def stored_status(status: str) -> int | str:
    return _statuses.get(status, status)

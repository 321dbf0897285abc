"""The form in which items are stored: in columns of their own, which the documented ones are made of
by the schema (0016).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import astuple

from codex_telemetry.core.parts import TOOLS
from codex_telemetry.core.rows import ItemRow

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


def _named(column: str, words: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {number} THEN '{word}'" for number, word in enumerate(words))
    return f"CASE {column} {cases} ELSE {column} END"


# Said here once more: SQLite wouldn't take a column that is made of others out of an index.
KIND: Final = _named("kind_stored", KINDS)
STATUS: Final = _named("status_stored", STATUSES)

_APART: Final = {
    "item_id": "id_stored",
    "kind": "kind_stored",
    "status": "status_stored",
    "ended_at": "ended_after",
}
COLUMNS: Final = ["turn_key", *(_APART.get(c, c) for c in ItemRow.__struct_fields__)]
"""In the order of `stored`."""
_ID_AT, _KIND_AT, _STATUS_AT, _ENDED_AT = map(COLUMNS.index, _APART.values())

_BEGINNINGS: Final = {
    "call_": b"\x01",
    "rs_": b"\x02",
    "msg_": b"\x03",
    "fc_": b"\x04",
    "ws_": b"\x05",
}
_UUIDS: Final = {"": b"\x10", "exec-": b"\x11"}
_ID: Final = re.compile(
    r"(call_|rs_|msg_|fc_|ws_)([0-9a-f]+)"
    r"|(exec-)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
).fullmatch


def stored(turn_key: int, item: ItemRow) -> list[Any]:
    """An item's row."""
    row: list[Any] = [turn_key, *astuple(item)]
    row[_ID_AT] = stored_id(item.item_id)
    row[_KIND_AT] = stored_kind(item.kind)
    row[_STATUS_AT] = stored_status(item.status)
    if item.ended_at is not None and item.started_at is not None:
        row[_ENDED_AT] = item.ended_at - item.started_at
    return row


def stored_id(item_id: str) -> str | bytes:
    found = _ID(item_id)
    if found is None:
        return item_id
    begins, digits, of_exec, uuid = found.groups()
    if uuid is not None:
        return _UUIDS[of_exec or ""] + bytes.fromhex(uuid.replace("-", ""))
    return item_id if len(digits) % 2 else _BEGINNINGS[begins] + bytes.fromhex(digits)


def hexadecimal(key: str | bytes) -> str:
    """As SQLite's `hex` says it."""
    return (key.encode() if isinstance(key, str) else key).hex().upper()


def stored_kind(kind: str) -> int | str:
    return _kinds.get(kind, kind)


def stored_status(status: str) -> int | str:
    return _statuses.get(status, status)

"""The form in which turns are stored: in columns of their own, which the documented ones are made of
by the schema (0026).
"""

import re
from typing import Any, Final

from msgspec.structs import asdict

from codex_telemetry.core.rows import TurnRow
from codex_telemetry.store.stored_values import listed, stored_hex, stored_uuid
from codex_telemetry.store.turn_words import NUMBERS, WORDS

_MORE: Final = (
    *("error_kind", "interrupt_ms", "mcp_startup_ms", "sandbox_writable_roots", "traceparent"),
    *("image_extensions", "developer_instructions_length", "developer_instructions_hash"),
)
"""What few turns say anything of, each in the place that the schema has for it."""
_APART: Final = {
    **{column: f"{column}_stored" for column in WORDS},
    "session_id": "session_stored",
    "root_turn_id": "root_stored",
    "ended_at": "ended_besides",
    "total_tokens": "total_besides",
    "base_instructions_hash": "base_hash_stored",
    "user_instructions_hash": "user_hash_stored",
    "secret_ids": "secrets_stored",
}
COLUMNS: Final = [
    *(_APART.get(c, c) for c in TurnRow.__struct_fields__ if c not in _MORE),
    *("more", "session_key", "turn_index"),
]
"""In the order of `stored`."""

SHOWN: Final = ", ".join(("turn_key", *TurnRow.__struct_fields__, "turn_index", "changed"))
"""The columns (SQL) that lists are made of: to hand over what those are stored as, too, takes a sixth more."""

_ITS_OWN: Final = 0
_ONE_SECRET: Final = re.compile(r'\["((?:[0-9a-f]{2})+)"\]').fullmatch


def stored(turn: TurnRow, session_key: int, turn_index: int) -> list[Any]:
    """A turn's row."""
    said = asdict(turn)
    more = listed(tuple(said.pop(column) for column in _MORE))
    for column, numbers in NUMBERS.items():
        said[column] = numbers.get(said[column], said[column])
    said["session_id"] = stored_uuid(turn.session_id)
    if turn.root_turn_id == turn.turn_id:
        said["root_turn_id"] = _ITS_OWN
    if turn.ended_at is not None:
        said["ended_at"] -= (turn.started_at or 0) + (turn.duration_ms or 0)
    if turn.total_tokens is not None:
        said["total_tokens"] -= (turn.input_tokens or 0) + (turn.output_tokens or 0)
    for column in ("base_instructions_hash", "user_instructions_hash"):
        said[column] = stored_hex(said[column])
    if one := _ONE_SECRET(turn.secret_ids or ""):
        said["secret_ids"] = bytes.fromhex(one[1])
    return [*said.values(), more, session_key, turn_index]

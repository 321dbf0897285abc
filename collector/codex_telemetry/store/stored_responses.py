"""The form in which responses are stored: in columns of their own, which the documented ones are made of
by the schema (0018).
"""

import re
from typing import Any, Final

from msgspec.structs import astuple

from codex_telemetry.core.rows import ResponseRow

_APART: Final = {"response_id": "response_stored", "total_tokens": "total_besides"}
COLUMNS: Final = ["turn_key", *(_APART.get(c, c) for c in ResponseRow.__struct_fields__)]
"""In the order of `stored`."""
_ID_AT, _TOTAL_AT = map(COLUMNS.index, _APART.values())

_ID: Final = re.compile(r"resp_((?:[0-9a-f]{2})*)").fullmatch


def stored(turn_key: int, response: ResponseRow) -> list[Any]:
    """A response's row."""
    row: list[Any] = [turn_key, *astuple(response)]
    if response.response_id is not None:
        row[_ID_AT] = stored_id(response.response_id)
    if response.total_tokens is not None:
        row[_TOTAL_AT] -= (response.input_tokens or 0) + (response.output_tokens or 0)
    return row


def stored_id(response_id: str) -> str | bytes:
    found = _ID(response_id)
    return response_id if found is None else bytes.fromhex(found[1])

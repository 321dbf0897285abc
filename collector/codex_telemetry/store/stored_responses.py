"""The form in which responses are stored: in columns of their own, which the documented ones are made of
by the schema (0018).
"""

import re
from typing import Any, Final

from msgspec.structs import astuple

from codex_telemetry.core.rows import ResponseRow

COLUMNS: Final = [
    {"response_id": "response_stored", "total_tokens": "total_besides"}.get(column, column)
    for column in ResponseRow.__struct_fields__
]
"""In the order of `stored`."""

_ID: Final = re.compile(r"resp_((?:[0-9a-f]{2})*)").fullmatch
_RESPONSE_ID: Final = COLUMNS.index("response_stored")
_TOTAL: Final = COLUMNS.index("total_besides")


def stored(response: ResponseRow) -> tuple[Any, ...]:
    """A response's row."""
    row: list[Any] = list(astuple(response))
    if response.response_id is not None:
        row[_RESPONSE_ID] = stored_id(response.response_id)
    if response.total_tokens is not None:
        row[_TOTAL] -= (response.input_tokens or 0) + (response.output_tokens or 0)
    return tuple(row)


def stored_id(response_id: str) -> str | bytes:
    found = _ID(response_id)
    return response_id if found is None else bytes.fromhex(found[1])

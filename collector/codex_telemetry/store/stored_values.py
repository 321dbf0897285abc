"""How a value is stored in less room: a word by its number, an id by its bytes, what few rows say as a list.
The documented columns are made of those by the schema.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from codex_telemetry.core.identity import is_uuid

_HIGHEST: Final = (1 << 63) - 1
_HEXADECIMAL: Final = re.compile("(?:[0-9a-f]{2})+").fullmatch


def named(column: str, words: Sequence[str]) -> str:
    """The word (SQL) whose number is in a column; what is no number is the word itself."""
    cases = " ".join(f"WHEN {number} THEN '{word}'" for number, word in enumerate(words))
    return f"CASE {column} {cases} ELSE {column} END"


def listed(said: tuple[Any, ...]) -> str | None:
    """As a JSON array, without the nulls at its end; None where there is nothing else."""
    while said and said[-1] is None:
        said = said[:-1]
    if not said:
        return None
    if any(isinstance(value, int) and abs(value) > _HIGHEST for value in said):
        raise OverflowError  # as SQLite has it, of a column's own
    return msgspec.json.encode(said).decode()


def stored_uuid(told: str | None) -> str | bytes | None:
    if told is None or not is_uuid(told):
        return told
    return bytes.fromhex(told.replace("-", ""))


def stored_hex(told: str | None) -> str | bytes | None:
    if told is None or not _HEXADECIMAL(told):
        return told
    return bytes.fromhex(told)

"""The form in which responses are stored: in columns of their own, which the documented ones are made of
by the schema (0018, 0025).
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import astuple

from codex_telemetry.core.rows import ResponseRow

MODELS: Final = (
    *("gpt-5.5", "gpt-5.2-codex", "gpt-5.1-codex", "gpt-5-codex", "gpt-5", "gpt-6-astra"),
    *("gpt-6.1-sol", "gpt-5.5-mini", "gpt-6.1-terra", "gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol"),
    *("gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.4", "gpt-5.4-mini", "gpt-5.3-codex"),
    *("gpt-5.3-codex-spark", "gpt-5.2", "gpt-5.1", "gpt-5.1-codex-max", "gpt-5.1-codex-mini"),
    *("gpt-5-codex-mini", "gpt-5-mini", "codex-mini-latest", "o3", "o4-mini", "codex-auto-review"),
    *("gpt-oss-20b", "gpt-oss-120b"),
)
"""By their numbers, as the schema has them: more may only be appended there by a migration."""
_models: Final[dict[str | None, int]] = {model: number for number, model in enumerate(MODELS)}

COLUMNS: Final = [
    *("turn_key", "running_total_tokens", "response_stored", "model_stored", "at"),
    *("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens"),
    *("reasoning_output_tokens", "total_besides", "leads_to", "cost_stored"),
]
"""In the order of `stored`."""
_LEADS_TO: Final = COLUMNS.index("leads_to")

LED_BITS: Final = 18
"""So many bits of a moment (ms) say when it was within its stretch of 4 minutes; the others, within which. The
schema has it too (0025)."""

_BILLION: Final = 1e9
_DEAREST: Final = 1e9
"""Of more dollars the billionths may be more than SQLite has integers for."""
_of_bytes: Final = re.compile(r"resp_((?:[0-9a-f]{2})*)").fullmatch


def stored(turn_key: int, responses: Iterable[ResponseRow]) -> list[list[Any]]:
    """The rows of a turn's responses, which are told in order of the running total. Of those that came one
    after the other in the same stretch the first leads to the last: it alone is in the index by time."""
    rows: list[list[Any]] = []
    leader: list[Any] = []
    led = None
    for response in responses:
        key, response_id, model, at, given, cached, written, out, reasoned, total, cost_usd = (
            astuple(response)
        )
        row = [
            *(turn_key, key, None if response_id is None else stored_id(response_id)),
            *(_models.get(model, model), at, given, cached, written, out, reasoned),
            None if total is None else total - (given or 0) - (out or 0),
            None,
            None if cost_usd is None else stored_cost(cost_usd),
        ]
        stretch = None if at is None else at >> LED_BITS
        if stretch != led:
            leader, led = row, stretch
        if stretch is not None:
            leader[_LEADS_TO] = key
        rows.append(row)
    return rows


def stored_id(response_id: str) -> str | bytes:
    found = _of_bytes(response_id)
    return response_id if found is None else bytes.fromhex(found[1])


def stored_cost(cost_usd: float) -> int | float:
    """So many billionths of a dollar, if it is exactly that many."""
    if cost_usd < _DEAREST:
        billionths = round(cost_usd * _BILLION)
        if billionths / _BILLION == cost_usd:
            return billionths
    return cost_usd

"""What all turns together took and used, as series with few attributes' values."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from codex_telemetry.core.limits import window_name
from codex_telemetry.core.parts import Parts
from codex_telemetry.sinks.otlp import names
from codex_telemetry.sinks.otlp.names import Metric
from codex_telemetry.sinks.otlp.points import Number, Series
from codex_telemetry.sinks.otlp.span import Value
from codex_telemetry.sinks.otlp.spans import Shown
from codex_telemetry.store import limit_queries, metered
from codex_telemetry.store.queries import Store, Where

MOST_MODELS: Final = 20
MOST_TOOLS: Final = 50
MOST_LIMITS: Final = 50
OTHER: Final = "other"
"""What is told apart no further."""

TURN_BOUNDS_S: Final = (
    0.1,
    0.2,
    0.4,
    0.8,
    1.6,
    3.2,
    6.4,
    12.8,
    25.6,
    51.2,
    102.4,
    204.8,
    409.6,
    1800.0,
)
CALL_BOUNDS_S: Final = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
"""The conventions', where they say any; turns of Codex may take longer."""

STATUS: Final = f"{names.OWN}turn.status"
KIND: Final = f"{names.OWN}item.kind"
PART: Final = f"{names.OWN}part"
LIMIT: Final = f"{names.OWN}limit.id"
WINDOW: Final = f"{names.OWN}limit.window"

_AGENT: Final[dict[str, Value]] = {names.OPERATION: names.INVOKE, names.AGENT_NAME: names.AGENT}
_CHAT: Final[dict[str, Value]] = {names.OPERATION: names.CHAT}


def totals(db: Store, turns: Where, usage: Where, shown: Shown, now_ms: int) -> Iterator[Series]:
    """`turns`, `usage`: which of them are meant."""
    rows = [dict(row) for row in metered.turns(db, _ms(TURN_BOUNDS_S), turns)]
    models = _most((row["model"], row["turns"]) for row in rows)
    yield from _merged(_turns(rows, models))
    yield from _merged(_parts([dict(row) for row in metered.parts(db, turns)], models))
    calls = [dict(row) for row in metered.named_calls(db, _ms(CALL_BOUNDS_S), turns)]
    yield from _merged(_calls(calls, shown))
    waits = dict(metered.approvals(db, _ms(CALL_BOUNDS_S), turns))
    yield _histogram(names.APPROVAL_WAIT, {}, waits, "duration", CALL_BOUNDS_S)
    yield from _merged(_usage([dict(row) for row in metered.tokens(db, usage)], models))
    yield from _limits(db, now_ms)


def _turns(rows: Sequence[dict[str, Any]], models: set[str]) -> Iterator[Series]:
    for row in rows:
        if row["status"] == "in_progress":
            continue
        told = {**_AGENT, **_model(row["model"], models), STATUS: row["status"]}
        if row["status"] == "failed":
            told[names.ERROR_TYPE] = names.OTHER_ERROR
        yield _histogram(names.TURN_DURATION, told, row, "duration", TURN_BOUNDS_S)
        yield _histogram(names.TTFT, told, row, "ttft", TURN_BOUNDS_S)


def _parts(rows: Sequence[dict[str, Any]], models: set[str]) -> Iterator[Series]:
    for row in rows:
        for part in Parts._fields:
            if (ms := row[f"{part}_ms"]) is not None:
                told = {**_model(row["model"], models), PART: part}
                yield Series(names.PART_TIME, "sum", told, (ms / 1000,))


def _calls(rows: Sequence[dict[str, Any]], shown: Shown) -> Iterator[Series]:
    tools = _most(((_tool(row, shown), row["calls"]) for row in rows), MOST_TOOLS)
    for row in rows:
        name = _tool(row, shown)
        told: dict[str, Value] = {
            names.OPERATION: names.EXECUTE,
            names.AGENT_NAME: names.AGENT,
            names.TOOL_NAME: name if name in tools else OTHER,
            KIND: row["kind"],
        }
        if row["status"] == "failed":
            told[names.ERROR_TYPE] = names.OTHER_ERROR
        yield _histogram(names.TOOL_DURATION, told, row, "duration", CALL_BOUNDS_S)


def _tool(row: Mapping[str, Any], shown: Shown) -> str:
    name: str | None = row["name"]
    if row["kind"] == "command":
        name = shown.labels.of("command", name)
    kind: str = row["kind"]
    return name or kind


def _usage(rows: Sequence[dict[str, Any]], models: set[str]) -> Iterator[Series]:
    for row in rows:
        told = {**_CHAT, **_model(row["model"], models)}
        for kind, metric in names.TOKENS.items():
            if row[kind] is not None:
                yield Series(metric, "sum", told, (int(row[kind]),))
        yield Series(names.RESPONSES, "sum", told, (int(row["responses"]),))
        if row["cost_usd"] is not None:
            yield Series(names.COST, "sum", told, (float(row["cost_usd"]),))


def _limits(db: Store, now_ms: int) -> Iterator[Series]:
    for key in limit_queries.limits(db)[:MOST_LIMITS]:
        row = limit_queries.newest(db, key)
        told: dict[str, Value] = {
            LIMIT: key.limit_id,
            WINDOW: window_name(key.window_minutes) or "",
        }
        resets = row["resets_at"]
        if resets is not None and resets <= now_ms:
            continue  # that window is over, and of the next nothing is known
        if row["used_percent"] is not None:
            yield Series(names.LIMIT_USED, "gauge", told, (row["used_percent"] / 100,))
        if resets is not None:
            yield Series(names.LIMIT_RESETS, "gauge", told, ((resets - now_ms) / 1000,))


def _histogram(
    metric: Metric, told: Mapping[str, Value], row: Mapping[str, Any], name: str, bounds: Sequence[float]
) -> Series:  # fmt: skip
    up_to = [row[f"{name}_le_{n}"] or 0 for n in range(len(bounds))]
    buckets = [n - before for n, before in zip(up_to, [0, *up_to], strict=False)]
    buckets.append(row[f"{name}_count"] - up_to[-1])
    seconds = float(row[f"{name}_sum"] or 0) / 1000
    return Series(metric, "histogram", told, (seconds, *buckets), tuple(bounds))


def _merged(series: Iterable[Series]) -> Iterator[Series]:
    """Those with the same attributes as one."""
    found: dict[str, Series] = {}
    for one in series:
        before = found.get(one.key)
        if before is not None:
            numbers: list[Number] = [
                a + b for a, b in zip(before.numbers, one.numbers, strict=True)
            ]
            one = one._replace(numbers=tuple(numbers))  # noqa: PLW2901
        found[one.key] = one
    yield from found.values()


def _most(counted: Iterable[tuple[str | None, int]], most: int = MOST_MODELS) -> set[str]:
    counts: Counter[str] = Counter()
    for name, n in counted:
        if name is not None:
            counts[name] += n
    return {name for name, _ in counts.most_common(most)}


def _model(model: str | None, models: set[str]) -> dict[str, Value]:
    if model is None:
        return {}
    return {names.MODEL: model if model in models else OTHER}


def _ms(bounds_s: Sequence[float]) -> list[int]:
    return [round(seconds * 1000) for seconds in bounds_s]

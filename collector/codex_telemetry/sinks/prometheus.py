"""What Prometheus scrapes: totals since the database began, histograms, and how full the limits are.

Names and units are as Prometheus wants them (seconds, `_total`). Labels have few values: kinds,
statuses, and the models with the most turns; no id, folder or name of a tool is among them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from codex_telemetry.core.limits import window_name
from codex_telemetry.store import health, limit_queries, metered
from codex_telemetry.store.queries import Store

PREFIX = "codex_telemetry_"
MOST_MODELS = 20
"""Told apart; the others are one."""
OTHER_MODELS = "other"
MOST_LIMITS = 50

TURN_BOUNDS_S = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
CALL_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

EVENTS = ("error", "retry", "context_compacted", "model_rerouted", "turn_aborted")
TOKENS = ("input", "cached_input", "cache_write_input", "output", "reasoning_output")


def exposition(db: Store) -> bytes:
    """All of it in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Stored(db))
    return generate_latest(registry)


class _Stored(Collector):
    """What the store holds, read when it is scraped."""

    def __init__(self, db: Store) -> None:
        self._db = db

    def collect(self) -> Iterator[Metric]:
        turns = [dict(row) for row in metered.turns(self._db, _ms(TURN_BOUNDS_S))]
        models = _Models(turns)
        yield from _turns(turns, models)
        yield from _tool_calls(
            [dict(row) for row in metered.tool_calls(self._db, _ms(CALL_BOUNDS_S))]
        )
        yield _waits(dict(metered.approvals(self._db, _ms(CALL_BOUNDS_S))))
        yield from _usage([dict(row) for row in metered.tokens(self._db)], models)
        yield _events(metered.events(self._db, EVENTS))
        yield from _limits(self._db)
        yield from _health(self._db)


class _Models:
    """The models that have a name of their own in labels."""

    def __init__(self, turns: Sequence[dict[str, Any]]) -> None:
        counts: Counter[str] = Counter()
        for row in turns:
            counts[row["model"] or ""] += row["turns"]
        self._named = {model for model, _ in counts.most_common(MOST_MODELS)}

    def label(self, model: str | None) -> str:
        """Empty, which is to Prometheus as if it weren't there, where it isn't known."""
        name = model or ""
        return name if name in self._named else OTHER_MODELS


def _turns(rows: Sequence[dict[str, Any]], models: _Models) -> Iterator[Metric]:
    count = CounterMetricFamily(
        PREFIX + "turns", "Turns, by how they ended; in_progress also if they never did.",
        labels=("model", "status"),
    )  # fmt: skip
    for model, its in _by(rows, lambda row: models.label(row["model"])).items():
        for status, told in _by(its, lambda row: row["status"]).items():
            count.add_metric((model, status), _sum(told, "turns"))
    yield count
    for name, what in (("duration", "How long turns took."), ("ttft", "Time to the first output.")):
        family = HistogramMetricFamily(f"{PREFIX}turn_{name}_seconds", what, labels=("model",))
        for model, told in _by(rows, lambda row: models.label(row["model"])).items():
            _add(family, (model,), told, name, TURN_BOUNDS_S)
        yield family


def _tool_calls(rows: Sequence[dict[str, Any]]) -> Iterator[Metric]:
    count = CounterMetricFamily(
        PREFIX + "tool_calls", "Calls of tools, by how they ended.", labels=("kind", "status")
    )
    for row in rows:
        count.add_metric((row["kind"], row["status"]), row["calls"])
    yield count
    family = HistogramMetricFamily(
        PREFIX + "tool_duration_seconds",
        "How long calls ran that weren't declined.",
        labels=("kind",),
    )
    for kind, told in _by(rows, lambda row: row["kind"]).items():
        _add(family, (kind,), told, "duration", CALL_BOUNDS_S)
    yield family


def _waits(row: dict[str, Any]) -> Metric:
    family = HistogramMetricFamily(
        PREFIX + "approval_wait_seconds", "How long it took until a permission was given or refused.",
        labels=(),
    )  # fmt: skip
    _add(family, (), [row], "duration", CALL_BOUNDS_S)
    return family


def _usage(rows: Sequence[dict[str, Any]], models: _Models) -> Iterator[Metric]:
    tokens = CounterMetricFamily(
        PREFIX + "tokens",
        "Tokens of responses. Cached and cache-write input are part of the input, reasoning of the output.",
        labels=("model", "type"),
    )
    responses = CounterMetricFamily(
        PREFIX + "responses", "Responses of a model.", labels=("model",)
    )
    cost = CounterMetricFamily(
        PREFIX + "cost_usd",
        "What the API would charge for what has a known price: never a bill.",
        labels=("model",),
    )
    unpriced = CounterMetricFamily(
        PREFIX + "unpriced_tokens", "Tokens that have no known price.", labels=("model",)
    )
    for model, told in _by(rows, lambda row: models.label(row["model"])).items():
        for kind in TOKENS:
            if any(row[kind] is not None for row in told):
                tokens.add_metric((model, kind), _sum(told, kind))
        responses.add_metric((model,), _sum(told, "responses"))
        unpriced.add_metric((model,), _sum(told, "unpriced"))
        if any(row["cost_usd"] is not None for row in told):
            cost.add_metric((model,), _sum(told, "cost_usd"))
    yield from (tokens, responses, cost, unpriced)


def _events(counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + "events", "What happened, by kind.", labels=("kind",))
    for kind, n in counts.items():
        family.add_metric((kind,), n)
    return family


def _limits(db: Store) -> Iterator[Metric]:
    labels = ("limit_id", "window")
    used = GaugeMetricFamily(
        PREFIX + "limit_used_ratio", "How full a rate limit was.", labels=labels
    )
    resets = GaugeMetricFamily(
        PREFIX + "limit_resets_timestamp_seconds", "When its window ends.", labels=labels
    )
    observed = GaugeMetricFamily(
        PREFIX + "limit_observed_timestamp_seconds", "When that was told.", labels=labels
    )
    for key in limit_queries.limits(db)[:MOST_LIMITS]:
        row = limit_queries.newest(db, key)
        named = (key.limit_id, window_name(key.window_minutes) or "")
        for family, value in (
            (used, row["used_percent"] and row["used_percent"] / 100),
            (resets, row["resets_at"] and row["resets_at"] / 1000),
            (observed, row["observed_at"] and row["observed_at"] / 1000),
        ):
            if value is not None:
                family.add_metric(named, value)
    yield from (used, resets, observed)


def _health(db: Store) -> Iterator[Metric]:
    losses = metered.losses(db)
    yield CounterMetricFamily(
        PREFIX + "drift", "Names and shapes that weren't understood.", value=losses["drift"]
    )
    yield CounterMetricFamily(
        PREFIX + "gaps", "Stretches of a stream that weren't heard.", value=losses["gaps"]
    )
    yield CounterMetricFamily(
        PREFIX + "dropped_bytes", "What is known of their size.", value=losses["dropped_bytes"]
    )
    yield GaugeMetricFamily(
        PREFIX + "database_bytes", "The database's file.", value=health.size(db)
    )


def _by(
    rows: Sequence[dict[str, Any]], label: Callable[[dict[str, Any]], str]
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(label(row), []).append(row)
    return found


def _add(
    family: HistogramMetricFamily,
    labels: Sequence[str],
    rows: Sequence[dict[str, Any]],
    name: str,
    bounds_s: Sequence[float],
) -> None:
    buckets = [(str(bound), _sum(rows, f"{name}_le_{n}")) for n, bound in enumerate(bounds_s)]
    buckets.append(("+Inf", _sum(rows, f"{name}_count")))
    family.add_metric(labels, buckets, sum_value=_sum(rows, f"{name}_sum") / 1000)


def _sum(rows: Sequence[dict[str, Any]], column: str) -> float:
    return sum(row[column] or 0 for row in rows)


def _ms(bounds_s: Sequence[float]) -> list[int]:
    return [round(bound * 1000) for bound in bounds_s]

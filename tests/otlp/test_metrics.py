"""Metrics are the totals of what is stored: cumulative or by what was added, and they never fall."""

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
)

import large
from codex_telemetry.sinks.otlp import names, points
from codex_telemetry.sinks.otlp.points import Series
from commands import Command
from otlp.conftest import Sent
from otlp_receiver import Receiver, attributes
from saved import batch, prune, query, save, thread, turn

BORN_MS = 1_795_416_000_000


def sums(receiver: Receiver, name: str, n: int = -1) -> float:
    metric = receiver.points(n)[name]
    if metric.WhichOneof("data") == "histogram":
        return float(sum(point.count for point in metric.histogram.data_points))
    data = metric.sum.data_points
    return float(sum(point.as_int or point.as_double for point in data))


def exported(cli: Command) -> None:
    answer = cli("export", "otlp", "--json")
    assert (answer.code, answer.err) == (0, "")


def test_totals_are_those_of_what_is_stored(cli: Command, database: Path, http: Receiver) -> None:
    large.write(database, 600)
    exported(cli)
    ((turns, ttft, tools, waits),) = query(
        database,
        """SELECT (SELECT count(duration_ms) FROM turns WHERE status <> 'in_progress'),
        (SELECT count(ttft_ms) FROM turns WHERE status <> 'in_progress'),
        (SELECT count(duration_ms) FROM items WHERE status <> 'declined'
            AND kind IN ('command','file_change','mcp_tool','dynamic_tool','web_search','subagent')),
        (SELECT count(e.duration_ms) FROM events e JOIN turns USING (turn_id) WHERE kind = 'approval')""",
    )
    assert sums(http, "gen_ai.invoke_agent.duration") == turns > 0
    assert sums(http, "codex_telemetry.turn.time_to_first_token") == ttft > 0
    assert sums(http, "gen_ai.execute_tool.duration") == tools > 0
    assert sums(http, "codex_telemetry.approval.wait") == waits
    tokens = json.loads(cli("tokens", "--json").out)
    for kind, name in (
        ("input_tokens", "input_tokens"),
        ("cached_input_tokens", "cache_read.input_tokens"),
        ("output_tokens", "output_tokens"),
        ("reasoning_output_tokens", "reasoning.output_tokens"),
    ):
        total = sum(day[kind] or 0 for day in tokens)
        assert sums(http, f"gen_ai.client.inference.usage.{name}") == total > 0
    ((model_ms,),) = query(database, "SELECT sum(model_ms) FROM turns")
    parts = http.points()["codex_telemetry.turn.part.time"].sum.data_points
    told = sum(p.as_double for p in parts if attributes(p)["codex_telemetry.part"] == "model")
    assert told == pytest.approx(model_ms / 1000)


def test_every_metric_of_recordings_is_well_formed(sent: Sent) -> None:
    known = {metric.name: metric for metric in names.METRICS}
    found = sent.receiver.points()
    assert set(found) >= {"gen_ai.invoke_agent.duration", "codex_telemetry.turn.part.time"}
    for name, metric in found.items():
        assert metric.unit == known[name].unit
        data: Any = getattr(metric, metric.WhichOneof("data"))
        series = [json.dumps(attributes(point), sort_keys=True) for point in data.data_points]
        assert len(series) == len(set(series))
        for point in data.data_points:
            assert point.time_unix_nano > point.start_time_unix_nano
            if metric.WhichOneof("data") == "histogram":
                assert point.count == sum(point.bucket_counts)
                assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
                assert data.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE


def test_cumulative_totals_grow_and_keep_their_beginning(
    cli: Command, database: Path, receiver: Receiver
) -> None:
    save(database, batch("a", turn(1, thread(1))))
    exported(cli)
    save(database, batch("b", turn(2, thread(1))))
    exported(cli)
    name = "gen_ai.invoke_agent.duration"
    assert [sums(receiver, name, n) for n in (0, 1)] == [1, 2]
    starts = {
        receiver.points(n)[name].histogram.data_points[0].start_time_unix_nano for n in (0, 1)
    }
    assert len(starts) == 1


def test_what_was_added_since_is_sent_where_that_is_preferred(
    cli: Command, database: Path, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    name = "gen_ai.client.inference.usage.input_tokens"
    save(database, batch("a", turn(1, thread(1), total=100)))
    exported(cli)
    save(database, batch("b", turn(2, thread(1), total=350)))
    exported(cli)
    assert [sums(http, name, n) for n in (0, 1)] == [90, 340]
    assert http.points()[name].sum.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
    first, second = (http.points(n)[name].sum.data_points[0] for n in (0, 1))
    assert second.start_time_unix_nano == first.time_unix_nano
    exported(cli)
    assert name not in http.points()


def test_what_is_pruned_stays_counted(cli: Command, database: Path, http: Receiver) -> None:
    name = "gen_ai.invoke_agent.duration"
    save(database, batch("a", *(turn(n, thread(1)) for n in range(4))))
    exported(cli)
    prune(database, BORN_MS + 15_000)
    assert query(database, "SELECT count(*) FROM turns") == [(2,)]
    exported(cli)
    save(database, batch("b", turn(7, thread(1))))
    exported(cli)
    assert [sums(http, name, n) for n in range(3)] == [4, 4, 5]


def test_a_series_that_falls_in_one_bucket_stays_a_whole_histogram() -> None:
    def series(*buckets: int) -> list[Series]:
        return [Series(names.TTFT, "histogram", {}, (1.0, *buckets), (1.0,))]

    memory = points.begin(0)
    _, memory = points.next_points(memory, series(3, 1), 1, delta=False)
    (made,), _ = points.next_points(memory, series(2, 2), 2, delta=False)
    assert made.numbers == (1.0, 3, 2)


def test_without_metrics_none_are_sent(
    cli: Command, week: Path, http: Receiver, home: Path
) -> None:
    (home / "config.toml").write_text("[otlp]\nmetrics = false\n")
    exported(cli)
    assert http.spans
    assert http.metrics == []

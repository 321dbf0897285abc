"""Spans and metrics as the protocol's own messages, by the official definitions."""

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

from codex_telemetry import __version__
from codex_telemetry.sinks.otlp import names
from codex_telemetry.sinks.otlp.points import Series
from codex_telemetry.sinks.otlp.span import Span, Value

_INTERNAL, _CLIENT = trace.Span.SPAN_KIND_INTERNAL, trace.Span.SPAN_KIND_CLIENT
_KNOWN = trace.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_CUMULATIVE = metrics.AGGREGATION_TEMPORALITY_CUMULATIVE
_DELTA = metrics.AGGREGATION_TEMPORALITY_DELTA


def resource(instance: str) -> Resource:
    """Whose data it is: what `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say comes first. Of this
    machine nothing is told: neither its name nor its user's."""
    from opentelemetry.sdk.resources import OTELResourceDetector  # noqa: PLC0415 - heavy

    own = {
        "service.name": "codex-telemetry",
        "service.version": __version__,
        "service.instance.id": instance,
    }
    said = OTELResourceDetector().detect().attributes
    return Resource(attributes=_attributes({**own, **{k: str(v) for k, v in said.items()}}))


def traces(of: Resource, spans: Iterable[Span]) -> ExportTraceServiceRequest:
    scoped = trace.ScopeSpans(scope=_scope(), spans=map(_span, spans), schema_url=names.SCHEMA_URL)
    return ExportTraceServiceRequest(
        resource_spans=[trace.ResourceSpans(resource=of, scope_spans=[scoped])]
    )


def totals(of: Resource, series: Sequence[Series], *, delta: bool) -> ExportMetricsServiceRequest:
    by_name: dict[str, list[Series]] = {}
    for one in series:
        by_name.setdefault(one.metric.name, []).append(one)
    scoped = metrics.ScopeMetrics(
        scope=_scope(),
        metrics=[_metric(its, delta=delta) for its in by_name.values()],
        schema_url=names.SCHEMA_URL,
    )
    return ExportMetricsServiceRequest(
        resource_metrics=[metrics.ResourceMetrics(resource=of, scope_metrics=[scoped])]
    )


def _scope() -> InstrumentationScope:
    return InstrumentationScope(name=names.SCOPE, version=__version__)


def _span(made: Span) -> trace.Span:
    return trace.Span(
        trace_id=made.trace_id,
        span_id=made.span_id,
        parent_span_id=made.parent_id,
        flags=_KNOWN,
        name=made.name,
        kind=_CLIENT if made.is_call else _INTERNAL,
        start_time_unix_nano=made.start_ns,
        end_time_unix_nano=made.end_ns,
        attributes=_attributes(made.attributes),
        status=trace.Status(code=trace.Status.STATUS_CODE_ERROR) if made.error else None,
        links=[
            trace.Span.Link(
                trace_id=link.trace_id,
                span_id=link.span_id,
                attributes=_attributes({f"{names.OWN}link": link.relation}),
            )
            for link in made.links
        ],
        events=[
            trace.Span.Event(
                name=moment.name,
                time_unix_nano=moment.at_ns,
                attributes=_attributes(moment.attributes),
            )
            for moment in made.moments
        ],
    )


def _metric(series: Sequence[Series], *, delta: bool) -> metrics.Metric:
    metric = series[0].metric
    made = metrics.Metric(name=metric.name, unit=metric.unit, description=metric.meaning)
    how = _DELTA if delta else _CUMULATIVE
    if series[0].form == "gauge":
        made.gauge.data_points.extend(map(_number, series))
    elif series[0].form == "sum":
        made.sum.is_monotonic = True
        made.sum.aggregation_temporality = how
        made.sum.data_points.extend(map(_number, series))
    else:
        made.histogram.aggregation_temporality = how
        made.histogram.data_points.extend(map(_spread, series))
    return made


def _number(one: Series) -> metrics.NumberDataPoint:
    made = metrics.NumberDataPoint(
        attributes=_attributes(one.attributes),
        start_time_unix_nano=one.since_ns,
        time_unix_nano=one.at_ns,
    )
    value = one.numbers[0]
    if isinstance(value, int):
        made.as_int = value
    else:
        made.as_double = value
    return made


def _spread(one: Series) -> metrics.HistogramDataPoint:
    total, *buckets = one.numbers
    counts = [int(n) for n in buckets]
    return metrics.HistogramDataPoint(
        attributes=_attributes(one.attributes),
        start_time_unix_nano=one.since_ns,
        time_unix_nano=one.at_ns,
        count=sum(counts),
        sum=float(total),
        bucket_counts=counts,
        explicit_bounds=one.bounds,
    )


def _attributes(told: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_any(value)) for name, value in told.items()]


def _any(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
    return AnyValue(string_value=value)

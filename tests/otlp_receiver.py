"""A receiver of OpenTelemetry's protocol, over real HTTP and real gRPC, by the official definitions."""

import gzip
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Says(NamedTuple):
    """What it answers to one request instead of taking it."""

    code: int = 200
    retry_after: str | None = None
    after_s: float = 0.0
    rejected: int = 0


class Receiver:
    def __init__(self) -> None:
        self.url = ""
        self.says: deque[Says] = deque()
        """To the next requests for traces, one each."""
        self.always: Says | None = None
        self.never: set[str] = set()
        """Turns of which it refuses every request."""
        self.at_most: int | None = None
        """Spans in a request: more are too large for it."""
        self.requests: list[bytes] = []
        """Of traces that were taken, as they were on the wire, decompressed."""
        self.on_the_wire = 0
        self.tried: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.traces: list[trace_pb2.ExportTraceServiceRequest] = []
        self.metrics: list[metrics_pb2.ExportMetricsServiceRequest] = []
        self.lock = threading.Lock()

    @property
    def spans(self) -> list[Span]:
        """All that were taken, those sent twice twice."""
        return [
            span
            for request in self.traces
            for of in request.resource_spans
            for scoped in of.scope_spans
            for span in scoped.spans
        ]

    @property
    def distinct(self) -> dict[bytes, Span]:
        return {span.trace_id + span.span_id: span for span in self.spans}

    def points(self, n: int = -1) -> dict[str, Any]:
        """The metrics of one request by name."""
        return {
            metric.name: metric
            for of in self.metrics[n].resource_metrics
            for scoped in of.scope_metrics
            for metric in scoped.metrics
        }

    def everything(self) -> bytes:
        return b"".join(self.requests) + b"".join(m.SerializeToString() for m in self.metrics)

    def answer_to(self, request: trace_pb2.ExportTraceServiceRequest) -> Says:
        with self.lock:
            self.tried.append(time.monotonic())
            if self.says:
                return self.says.popleft()
        if self.always is not None:
            return self.always
        spans = [s for of in request.resource_spans for sc in of.scope_spans for s in sc.spans]
        if self.at_most is not None and len(spans) > self.at_most:
            return Says(413)
        if any(attributes(span).get("codex_telemetry.turn.id") in self.never for span in spans):
            return Says(400)
        return Says()

    def take(self, request: trace_pb2.ExportTraceServiceRequest) -> None:
        with self.lock:
            self.traces.append(request)
            self.requests.append(request.SerializeToString())


def attributes(of: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in of.attributes}


def _value(pair: KeyValue) -> Any:
    value: AnyValue = pair.value
    return getattr(value, value.WhichOneof("value") or "string_value")


@contextmanager
def over_http() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                receiver.on_the_wire += len(body)
                receiver.headers.append({k.lower(): v for k, v in self.headers.items()})
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["Content-Type"] == "application/x-protobuf"
            try:
                self._answered(body)
            except (DecodeError, BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _answered(self, body: bytes) -> None:
            if self.path == "/v1/metrics":
                receiver.metrics.append(metrics_pb2.ExportMetricsServiceRequest.FromString(body))
                self._say(200, b"")
                return
            assert self.path == "/v1/traces"
            request = trace_pb2.ExportTraceServiceRequest.FromString(body)
            says = receiver.answer_to(request)
            time.sleep(says.after_s)
            answer = trace_pb2.ExportTraceServiceResponse()
            if says.code == 200 and body:
                receiver.take(request)
                answer.partial_success.rejected_spans = says.rejected
            self._say(says.code, answer.SerializeToString(), says.retry_after)

        def _say(self, code: int, body: bytes, retry_after: str | None = None) -> None:
            self.send_response(code)
            if code // 100 == 3:
                self.send_header("Location", "/elsewhere")
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


@contextmanager
def over_grpc() -> Iterator[Receiver]:
    receiver = Receiver()

    class Traces(trace_grpc.TraceServiceServicer):  # type: ignore[misc, unused-ignore]
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
            receiver.headers.append(dict(context.invocation_metadata()))
            says = receiver.answer_to(request)
            time.sleep(says.after_s)
            if says.code != 200:
                if says.retry_after is not None:
                    told = RetryInfo()
                    told.retry_delay.FromMilliseconds(int(float(says.retry_after) * 1000))
                    detail = AnyMessage()
                    detail.Pack(told)
                    status = Status(code=_CODES[says.code].value[0], details=[detail])
                    context.set_trailing_metadata(
                        (("grpc-status-details-bin", status.SerializeToString()),)
                    )
                context.abort(_CODES[says.code], "no")
            answer = trace_pb2.ExportTraceServiceResponse()
            if request.resource_spans:
                receiver.take(request)
                answer.partial_success.rejected_spans = says.rejected
            return answer

    class Metrics(metrics_grpc.MetricsServiceServicer):  # type: ignore[misc, unused-ignore]
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
            receiver.metrics.append(request)
            return metrics_pb2.ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(4))
    add: Any = trace_grpc.add_TraceServiceServicer_to_server
    add(Traces(), server)
    add = metrics_grpc.add_MetricsServiceServicer_to_server
    add(Metrics(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    receiver.url = f"http://127.0.0.1:{port}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(0).wait()

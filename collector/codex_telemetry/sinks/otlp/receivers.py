"""What a receiver says to a request: taken, in part, not now, or never. Over HTTP, and over gRPC.

The exporters of opentelemetry-sdk tell only whether it worked, so that nobody could say what was
refused, wait as long as was asked, or leave out what will never be taken.
"""

import gzip
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from codex_telemetry import __version__
from codex_telemetry.errors import UserError
from codex_telemetry.sinks.otlp.target import Endpoint, Signal
from codex_telemetry.sinks.retry import LaterError, RefusedError, asked_to_wait

AGENT: Final = f"codex-telemetry/{__version__}"
LONGEST_ANSWER: Final = 1 << 20
LATER: Final = frozenset({408, 429, 502, 503, 504})
SETTLED: Final = frozenset({401, 403, 404, 405, 407})
_WORDS: Final = {
    400: "it refuses the request", 401: "it wants other credentials", 403: "it forbids that",
    404: "there is nothing at that address", 405: "it takes nothing at that address",
    407: "a proxy wants credentials", 413: "the request is too large for it",
    429: "it takes no more for now", 502: "a proxy can't reach it", 503: "it is not available",
    504: "a proxy waited too long for it",
}  # fmt: skip
_METHODS: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}


class Receiver(Protocol):
    wire_bytes: int | None
    """How much was sent in all, compressed; None where it isn't seen."""

    def send(self, body: bytes) -> int:
        """A request that is encoded already; how much of it was refused. Raises `LaterError`,
        `RefusedError`."""

    def close(self) -> None: ...


def receiver(signal: Signal, at: Endpoint) -> Receiver:
    """Raises `UserError` for certificates that can't be used."""
    return Grpc(signal, at) if at.protocol == "grpc" else Http(signal, at)


class Http:
    def __init__(self, signal: Signal, at: Endpoint) -> None:
        self._signal, self._at = signal, at
        self.wire_bytes: int | None = 0
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if at.url.startswith("https"):
            handlers.append(urllib.request.HTTPSHandler(context=_tls(at)))
        self._opener = urllib.request.build_opener(*handlers)

    def send(self, body: bytes) -> int:
        headers = {
            "Content-Type": "application/x-protobuf",
            "User-Agent": AGENT,
            **dict(self._at.headers),
        }
        if self._at.gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 6, mtime=0)
        self.wire_bytes = (self.wire_bytes or 0) + len(body)
        request = urllib.request.Request(self._at.url, body, headers)  # noqa: S310 - http(s) was looked at
        try:
            with self._opener.open(request, timeout=self._at.timeout_s) as answer:
                return _rejected(self._signal, _read(answer, time.monotonic() + self._at.timeout_s))
        except urllib.error.HTTPError as error:
            with error:
                raise _said(error.code, error.headers.get("Retry-After")) from None
        except (OSError, http.client.HTTPException) as error:
            raise _unreached(error) from None

    def close(self) -> None:
        self._opener.close()


class Grpc:
    def __init__(self, signal: Signal, at: Endpoint) -> None:
        import grpc  # noqa: PLC0415 - heavy, and not for HTTP

        self._grpc, self._signal, self._at = grpc, signal, at
        self.wire_bytes: int | None = None
        where = at.url.partition("://")[2].rstrip("/")
        options = [("grpc.primary_user_agent", AGENT), ("grpc.enable_retries", 0)]
        if at.insecure or at.url.startswith("http://"):
            self._channel = grpc.insecure_channel(where, options)
        else:
            self._channel = grpc.secure_channel(where, _grpc_tls(grpc, at), options)
        self._call: Callable[..., bytes] = self._channel.unary_unary(_METHODS[signal])

    def send(self, body: bytes) -> int:
        grpc = self._grpc
        how = grpc.Compression.Gzip if self._at.gzip else grpc.Compression.NoCompression
        try:
            answer = self._call(
                body, timeout=self._at.timeout_s, metadata=self._at.headers, compression=how
            )
        except grpc.RpcError as error:
            raise _grpc_said(grpc, error) from None
        return _rejected(self._signal, answer)

    def close(self) -> None:
        self._channel.close()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is sent is meant for one address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _tls(at: Endpoint) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=at.certificate)
        if at.client_certificate is not None:
            context.load_cert_chain(at.client_certificate, at.client_key)
    except (OSError, ValueError):
        raise _no_certificate() from None
    return context


def _grpc_tls(grpc: Any, at: Endpoint) -> Any:
    def read(path: str | None) -> bytes | None:
        if path is None:
            return None
        with open(path, "rb") as file:  # noqa: PTH123 - a variable names it
            return file.read()

    try:
        return grpc.ssl_channel_credentials(
            read(at.certificate), read(at.client_key), read(at.client_certificate)
        )
    except (OSError, ValueError):
        raise _no_certificate() from None


def _no_certificate() -> UserError:
    return UserError(
        "the certificates for OTLP can't be read",
        hint="see OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_KEY and _CLIENT_CERTIFICATE",
    )


def _read(answer: Any, deadline: float) -> bytes:
    """What it answers, however slowly: up to a size and a moment."""
    found = b""
    while len(found) < LONGEST_ANSWER and (more := answer.read1(65_536)):
        found += more
        if time.monotonic() > deadline:
            raise TimeoutError
    return found


def _rejected(signal: Signal, body: bytes) -> int:
    if signal == "traces":
        return int(_parsed(ExportTraceServiceResponse(), body).partial_success.rejected_spans)
    return int(_parsed(ExportMetricsServiceResponse(), body).partial_success.rejected_data_points)


def _parsed(into: Any, body: bytes) -> Any:
    # What it says beside that it took it may be anything: a proxy's own words, or JSON.
    message: Message = into
    try:
        message.ParseFromString(body)
    except DecodeError:
        return type(into)()
    return message


def _said(code: int, retry_after: str | None) -> LaterError | RefusedError:
    why = f"{_WORDS.get(code, 'it answers with an error')} (HTTP {code})"
    if code in LATER:
        return LaterError(why, asked_to_wait(retry_after, time.time()))
    if code in SETTLED or 300 <= code < 400:
        return LaterError(why, is_settled=True)
    return RefusedError(why, is_too_large=code == 413)


def _unreached(error: Exception) -> LaterError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return LaterError("its certificate isn't trusted", is_settled=True)
    if isinstance(reason, TimeoutError):
        return LaterError("it doesn't answer in time")
    return LaterError("it can't be reached")


def _grpc_said(grpc: Any, error: Any) -> LaterError | RefusedError:
    code, codes = error.code(), grpc.StatusCode
    name = f"gRPC {code.name}" if code is not None else "gRPC"
    wait_s = _retry_info(error)
    if code is codes.RESOURCE_EXHAUSTED and wait_s is None:
        # Without a time to come back it is also what it says to a request over its size.
        return RefusedError(f"the request is too large for it ({name})", is_too_large=True)
    if code is codes.UNAVAILABLE:
        return LaterError(f"it can't be reached, or isn't available ({name})", wait_s)
    if code in (
        codes.CANCELLED, codes.DEADLINE_EXCEEDED, codes.RESOURCE_EXHAUSTED, codes.ABORTED,
        codes.OUT_OF_RANGE, codes.DATA_LOSS,
    ):  # fmt: skip
        return LaterError(f"it takes no more for now ({name})", wait_s)
    if code in (
        codes.UNAUTHENTICATED, codes.PERMISSION_DENIED, codes.UNIMPLEMENTED, codes.NOT_FOUND
    ):  # fmt: skip
        return LaterError(f"it wants other credentials, or isn't there ({name})", is_settled=True)
    return RefusedError(f"it refuses the request ({name})")


def _retry_info(error: Any) -> float | None:
    from google.rpc.error_details_pb2 import RetryInfo  # noqa: PLC0415 - only where something failed
    from google.rpc.status_pb2 import Status  # noqa: PLC0415

    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            status, info = Status(), RetryInfo()
            try:
                status.ParseFromString(value)
            except DecodeError:
                return None
            for detail in status.details:
                if detail.Unpack(info):
                    return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return None

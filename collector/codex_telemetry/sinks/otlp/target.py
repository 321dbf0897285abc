"""Where to send, and how: the standard variables of OpenTelemetry, else the config's section `[otlp]`.

What they mean is the specification's: an endpoint for all signals gets a path for each, one for a single
signal is taken as it is; of headers of one signal none of the others' are meant.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from codex_telemetry.errors import UsageError
from codex_telemetry.sections import Otlp

Signal = Literal["traces", "metrics"]
Protocol = Literal["http/protobuf", "grpc"]
Temporality = Literal["cumulative", "delta", "lowmemory"]

PREFIX: Final = "OTEL_EXPORTER_OTLP_"
DISABLED: Final = "OTEL_SDK_DISABLED"
TEMPORALITY: Final = f"{PREFIX}METRICS_TEMPORALITY_PREFERENCE"
INTERVAL: Final = "OTEL_METRIC_EXPORT_INTERVAL"
DEFAULTS: Final = {"http/protobuf": "http://localhost:4318", "grpc": "http://localhost:4317"}
TIMEOUT_S: Final = 10.0
INTERVAL_S: Final = 60.0
_HEADER: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class Endpoint(NamedTuple):
    """Of one signal."""

    url: str
    protocol: Protocol
    headers: tuple[tuple[str, str], ...]
    """Secrets: never shown, never logged."""
    gzip: bool
    timeout_s: float
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    insecure: bool
    """gRPC without TLS."""

    def public(self) -> str:
        """What may be shown of it: a path may hold a key, so of an unusual one only a digest is."""
        parts = urlsplit(self.url)
        told = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        rest = parts.path + ("?" + parts.query if parts.query else "")
        if rest in ("", "/", "/v1/traces", "/v1/metrics"):
            return told
        return f"{told} ({hashlib.sha256(rest.encode()).hexdigest()[:8]})"


class Target(NamedTuple):
    traces: Endpoint
    metrics: Endpoint
    temporality: Temporality
    interval_s: float


def target(environ: Mapping[str, str], settings: Otlp) -> Target:
    """Raises `UsageError` for what can't be meant; never with a value that may be secret."""
    temporality = _said(environ, TEMPORALITY, "cumulative").lower()
    if temporality not in ("cumulative", "delta", "lowmemory"):
        raise _wrong(TEMPORALITY, "one of cumulative, delta, lowmemory")
    return Target(
        _endpoint("traces", environ, settings),
        _endpoint("metrics", environ, settings),
        temporality,  # type: ignore[arg-type] # looked at above
        _ms(environ, (INTERVAL,), INTERVAL_S),
    )


def is_disabled(environ: Mapping[str, str]) -> bool:
    return environ.get(DISABLED, "").strip().lower() == "true"


def is_named(environ: Mapping[str, str], settings: Otlp) -> bool:
    """Whether anybody said where to send: without that only a user who asks for it means localhost."""
    names = [
        name for signal in ("TRACES_", "METRICS_", "") for name in (f"{PREFIX}{signal}ENDPOINT",)
    ]
    return settings.endpoint is not None or any(environ.get(name, "").strip() for name in names)


def _endpoint(signal: Signal, environ: Mapping[str, str], settings: Otlp) -> Endpoint:
    own = f"{PREFIX}{signal.upper()}_"
    protocol = _first(environ, own, "PROTOCOL") or settings.protocol
    if protocol not in ("http/protobuf", "grpc"):
        raise _wrong(f"{PREFIX}PROTOCOL", "http/protobuf or grpc")
    compression = _first(environ, own, "COMPRESSION") or "gzip"
    if compression not in ("gzip", "none"):
        raise _wrong(f"{PREFIX}COMPRESSION", "gzip or none")
    headers = _first(environ, own, "HEADERS")
    return Endpoint(
        url=_url(signal, environ, own, settings, protocol),
        protocol=protocol,  # type: ignore[arg-type] # looked at above
        headers=tuple(_header(*pair) for pair in _pairs(settings, headers)),
        gzip=compression == "gzip",
        timeout_s=_ms(environ, (f"{own}TIMEOUT", f"{PREFIX}TIMEOUT"), TIMEOUT_S),
        certificate=_first(environ, own, "CERTIFICATE"),
        client_key=_first(environ, own, "CLIENT_KEY"),
        client_certificate=_first(environ, own, "CLIENT_CERTIFICATE"),
        insecure=(_first(environ, own, "INSECURE") or "").lower() == "true",
    )


def _url(
    signal: Signal, environ: Mapping[str, str], own: str, settings: Otlp, protocol: str
) -> str:
    named = environ.get(f"{own}ENDPOINT", "").strip()
    if named:
        return _checked(f"{own}ENDPOINT", named, protocol)
    shared = environ.get(f"{PREFIX}ENDPOINT", "").strip()
    said_by = f"{PREFIX}ENDPOINT" if shared else "otlp.endpoint"
    base = _checked(said_by, shared or settings.endpoint or DEFAULTS[protocol], protocol)
    return base if protocol == "grpc" else f"{base.rstrip('/')}/v1/{signal}"


def _checked(name: str, url: str, protocol: str) -> str:
    # gRPC's endpoints are also written without a scheme.
    full = url if "://" in url or protocol != "grpc" else f"http://{url}"
    try:
        parts = urlsplit(full)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise _wrong(name, "an address such as http://localhost:4318")
    if "@" in parts.netloc:
        raise UsageError(f"{name}: names and passwords don't belong there", hint="use headers")
    return full


def _pairs(settings: Otlp, said: str | None) -> Iterator[tuple[str, str]]:
    if said is None:
        yield from settings.headers.items()
        return
    for pair in filter(None, (part.strip() for part in said.split(","))):
        name, _, value = pair.partition("=")
        yield unquote(name.strip()), unquote(value.strip())


def _header(name: str, value: str) -> tuple[str, str]:
    """gRPC takes names in small letters alone; to HTTP it is all one."""
    if not _HEADER.fullmatch(name) or not (value.isascii() and value.isprintable()):
        raise _wrong("each header", "a name and a value, such as authorization=Bearer%20…")
    return name.lower(), value


def _ms(environ: Mapping[str, str], names: tuple[str, ...], default_s: float) -> float:
    for name in names:
        if text := environ.get(name, "").strip():
            if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
                raise _wrong(name, "a number of milliseconds")
            return int(text) / 1000
    return default_s


def _first(environ: Mapping[str, str], own: str, name: str) -> str | None:
    """Of the signal alone, else of all; an empty variable is as good as none."""
    return environ.get(own + name, "").strip() or environ.get(PREFIX + name, "").strip() or None


def _said(environ: Mapping[str, str], name: str, default: str) -> str:
    return environ.get(name, "").strip() or default


def _wrong(name: str, wanted: str) -> UsageError:
    return UsageError(f"{name} must be {wanted}", hint="docs/OTEL.md has an example")

"""A home of its own, receivers over HTTP and over gRPC, and recordings in a database."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli import conftest as shared
from codex_telemetry.sinks import retry
from commands import run
from otlp_receiver import Receiver, over_grpc, over_http
from privacy.everything import everything
from recordings import Recordings

RELEASES = ("0.98.0", "0.169.0")

cli, database, home, week = shared.cli, shared.database, shared.home, shared.week


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine's, and no patience that a test would have to have."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(retry, "FIRST_S", 0.01)


def sends_to(receiver: Receiver, protocol: str, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    return receiver


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with over_http() as receiver:
        yield sends_to(receiver, "http/protobuf", monkeypatch)


@pytest.fixture(params=["http/protobuf", "grpc"])
def receiver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with over_grpc() if request.param == "grpc" else over_http() as found:
        yield sends_to(found, request.param, monkeypatch)


class Sent(NamedTuple):
    database: Path
    receiver: Receiver
    said: dict[str, Any]


@pytest.fixture(scope="session")
def many_turns(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of several releases, heard and logged."""
    home = tmp_path_factory.mktemp("otlp") / "home"
    return everything(recordings, home, like=[f"{release}/*" for release in RELEASES])


@pytest.fixture(scope="session", params=["http/protobuf", "grpc"])
def sent(request: pytest.FixtureRequest, many_turns: Path) -> Sent:
    """What a receiver has of them."""
    with over_grpc() if request.param == "grpc" else over_http() as receiver:
        where = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": request.param,
            "CODEX_TELEMETRY_HOME": str(many_turns.parent),
        }
        answer = run("export", "otlp", "--json", env=where)
    assert (answer.code, answer.err) == (0, "")
    return Sent(many_turns, receiver, json.loads(answer.out))

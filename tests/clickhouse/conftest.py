"""A ClickHouse of today for all tests of this folder, and a database of its own in it for each."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import month
import scenes
from cli.conftest import a_quarter, cli, database, home, week
from clickhouse import ENGINE
from codex_telemetry.sinks.clickhouse import Sink
from codex_telemetry.sinks.clickhouse_rows import Sender
from codex_telemetry.store.clickhouse.address import Address
from codex_telemetry.store.clickhouse.connection import Connection, connect

__all__ = ["cli", "database", "home", "week"]

_numbers = count()


class There:
    """One database of the engine."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.url = f"clickhouse://me:s3cret-CANARY@127.0.0.1:{port}/team{next(_numbers)}"
        self.address = Address(
            "127.0.0.1", port, self.url.rpartition("/")[2], "me", "s3cret-CANARY", secure=False
        )

    def trouble(self, what: str | None) -> None:
        """A code of its errors; `hangup`, `hangup-after`, `slow`; behind it, in what statements alone."""
        file = self._folder / "trouble"
        if what is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(what)

    def asked(self) -> list[str]:
        """Bytes and first words of each request so far."""
        file = self._folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        there = self.connect()
        with closing(there):
            return [tuple(row) for row in there.rows(sql)[1]]

    def command(self, sql: str) -> None:
        with closing(self.connect()) as there:
            there.command(sql)

    def connect(self) -> Connection:
        return connect(self.address)


@pytest.fixture(scope="session")
def engine() -> Iterator[tuple[Path, int]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, str(ENGINE), folder], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        yield Path(folder), int(process.stdout.readline())
        process.kill()


@pytest.fixture(scope="session")
def sent(engine: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, There]:
    """All scenes in one database, and what was sent of it: names as they are stored."""
    path = a_quarter(tmp_path_factory.mktemp("sent") / "telemetry.db")
    scenes.write(path, *scenes.week())
    month.write(path)
    made = There(*engine)
    sink = Sink(path, made.address, Sender("machine", "user", None))
    sink.send(lambda seconds: False)
    sink.close()
    return path, made


@pytest.fixture
def there(engine: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[There]:
    monkeypatch.delenv("CODEX_TELEMETRY_STORE", raising=False)
    monkeypatch.delenv("CODEX_TELEMETRY_CLICKHOUSE_PASSWORD", raising=False)
    made = There(*engine)
    yield made
    made.trouble(None)

"""Speak to a ClickHouse: whatever goes wrong comes down to a few words of our own."""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from codex_telemetry.errors import UserError
from codex_telemetry.store.clickhouse.address import Address

CONNECT_S: Final = 10
ANSWER_S: Final = 300
"""A report over a year of many machines may take so long."""

Settings = Mapping[str, Any]
Parameters = Mapping[str, Any]

_SAYS: Final = {
    60: "a table isn't there",
    81: "there is no such database",
    159: "it took longer than the server lets it",
    164: "the user may only read",
    192: "it refuses the user or the password",
    193: "it refuses the user or the password",
    194: "it refuses the user or the password",
    241: "it hasn't enough memory for that",
    242: "the table is read-only there now",
    252: "it has too many parts to merge now",
    497: "the user has no right to do that",
    516: "it refuses the user or the password",
}
"""By the code of its error; what it says itself may quote rows."""


class FailedError(Exception):
    """It wasn't done; `why` in a few words of our own."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class Column(NamedTuple):
    name: str
    type: str


class Connection:
    """To one database of it. Raises `FailedError` wherever it says no, or nothing."""

    def __init__(self, client: Any, address: Address) -> None:
        self._client = client
        self.address = address

    def use(self, database: str | None) -> None:
        self._client.database = database

    def command(self, sql: str, parameters: Parameters | None = None) -> Any:
        with _in_our_words():
            return self._client.command(sql, parameters=parameters)

    def rows(
        self, sql: str, parameters: Parameters | None = None
    ) -> tuple[tuple[str, ...], Iterator[Sequence[Any]]]:
        """The names of the columns, and rows as they come."""
        with _in_our_words():
            stream = self._client.query_rows_stream(sql, parameters=parameters)
            names = tuple(stream.source.column_names)

        def each() -> Iterator[Sequence[Any]]:
            with _in_our_words(), stream:
                yield from stream

        return names, each()

    def insert(
        self, table: str, columns: Sequence[Column], values: Sequence[Sequence[Any]], settings: Settings
    ) -> None:  # fmt: skip
        """Values by columns, as many in each."""
        with _in_our_words():
            self._client.insert(
                table,
                values,
                column_names=[column.name for column in columns],
                column_type_names=[column.type for column in columns],
                column_oriented=True,
                settings=dict(settings),
            )

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close()


def connect(address: Address, *, answer_s: float = ANSWER_S) -> Connection:
    """Raises `UserError` where what it takes isn't installed, `FailedError`."""
    try:
        import clickhouse_connect  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        raise UserError(
            "ClickHouse takes clickhouse-connect, which isn't installed",
            hint="pip install 'codex-telemetry[clickhouse]'",
        ) from None
    # It logs what it was answered, which may quote what was sent.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL + 1)
    with _in_our_words():
        client: Any = clickhouse_connect.get_client(
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            secure=address.secure,
            connect_timeout=CONNECT_S,
            send_receive_timeout=answer_s,
            # What is sent twice at once would be two sessions' business: each request is its own.
            autogenerate_session_id=False,
        )
    made = Connection(client, address)
    made.use(address.database)
    return made


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        raise told from None


def _told(error: Exception) -> FailedError | None:
    """None: a mistake of ours."""
    origin = type(error).__module__.partition(".")[0]
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return FailedError(_SAYS.get(code, f"it says no (its error {code})"), code)
    if origin == "clickhouse_connect" and type(error).__name__ in ("OperationalError", "Error"):
        return FailedError("it can't be reached")
    if origin == "clickhouse_connect":
        return FailedError(f"it doesn't answer as a ClickHouse does ({type(error).__name__})")
    if origin == "urllib3" or isinstance(error, OSError):
        return FailedError("it hung up, or took too long to answer")
    return None

"""Which ClickHouse is meant: `clickhouse://user:password@host:port/database`."""

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from codex_telemetry.errors import UsageError

SCHEMES = {"clickhouse": False, "clickhouses": True}
"""Over HTTP, and over HTTPS."""

PASSWORD = "CODEX_TELEMETRY_CLICKHOUSE_PASSWORD"  # noqa: S105 - the name of a variable
DATABASE = "codex_telemetry"

_HINT = "clickhouse://user:password@host:8123/database, or clickhouses:// for TLS"


class Address(NamedTuple):
    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool

    @property
    def shown(self) -> str:
        """Without user and password."""
        scheme = "clickhouses" if self.secure else "clickhouse"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/{self.database}"


def address(where: str, text: str, environ: Mapping[str, str] | None = None) -> Address:
    """What was said `where`; a password that isn't in it is that of the environment.

    Raises `UsageError`, which never repeats what was said: there may be a password in it.
    """
    environ = os.environ if environ is None else environ
    try:
        told = urlsplit(text.strip())
        port = told.port
    except ValueError:
        raise UsageError(f"{where} is no address of a ClickHouse", hint=_HINT) from None
    database = unquote(told.path.strip("/")) or DATABASE
    if told.scheme not in SCHEMES or not told.hostname or "/" in database or told.query:
        raise UsageError(f"{where} is no address of a ClickHouse", hint=_HINT)
    secure = SCHEMES[told.scheme]
    return Address(
        told.hostname,
        port or (8443 if secure else 8123),
        database,
        unquote(told.username or "default"),
        unquote(told.password) if told.password is not None else environ.get(PASSWORD, ""),
        secure,
    )

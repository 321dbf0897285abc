"""Whose rows go to which ClickHouse, by the config; and the sending of what is new, for as long as logs are
followed."""

import os
import pwd
from pathlib import Path

from codex_telemetry import log, secret
from codex_telemetry.core.veil import Hashes
from codex_telemetry.errors import UserError
from codex_telemetry.sections import ClickHouse
from codex_telemetry.sinks.beside import beside
from codex_telemetry.sinks.clickhouse import Sink
from codex_telemetry.sinks.clickhouse_rows import Sender
from codex_telemetry.sinks.retry import LaterError, Pause
from codex_telemetry.store.clickhouse.address import Address, address

NAMED = "[clickhouse] url in the config file"


def sink(database: Path, settings: ClickHouse, target: Address) -> Sink:
    """Raises `UserError` where names can't be hashed."""
    return Sink(database, target, sender(database, settings), cluster=settings.cluster)


def sender(database: Path, settings: ClickHouse) -> Sender:
    """What isn't called anything by the config is called by a keyed hash: with a secret that a team
    shares, a person is the same on each of their machines."""
    try:
        hashed = secret.load(secret.secret_path(database)).hash
    except OSError as error:
        raise UserError(
            f"cannot hash names for ClickHouse: {error.strerror or 'there is no secret'}",
            hint="codex-telemetry privacy status says where the secret is",
        ) from None
    return Sender(
        settings.machine or hashed(f"machine {os.uname().nodename}"),
        settings.user or hashed(f"user {_login()}"),
        None if settings.names == "stored" else Hashes(hashed),
    )


async def send_on(database: Path, settings: ClickHouse) -> None:
    """Send what is new every now and then, until cancelled. Never raises: what isn't sent waits."""
    await beside("clickhouse", lambda pause: _send_on(database, settings, pause))


def _send_on(database: Path, settings: ClickHouse, pause: Pause) -> None:
    try:
        to = sink(database, settings, address(NAMED, settings.url or ""))
        follow(to, settings.every_seconds, pause)
    except UserError as error:
        log.event(log.SINK_FAILED, error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the watch
        log.crash(error)


def follow(to: Sink, every_s: float, pause: Pause) -> None:
    """Send what is new until told to end. Raises `UserError`."""
    try:
        while True:
            to.send(pause)
            if not pause(every_s):
                return
    except LaterError:
        return  # it was told to end while it waited
    finally:
        to.close()


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())

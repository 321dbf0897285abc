"""The demo up to its rows: one turn of a Codex behind the real `run`, in a temporary home."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codex_telemetry.demo.client import Client, RefusedError, SilentError
from codex_telemetry.demo.home import Home, inhabitants, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from codex_telemetry.demo.replay import recorded_version
from codex_telemetry.demo.scene import Enacted, Narrate, NoAppServerError, enact
from codex_telemetry.errors import UserError
from codex_telemetry.store import queries

PYTHON = (sys.executable, "-P", "-m")
PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Played:
    """What is there to be drawn, as long as the demo lasts."""

    database: Path
    turn_id: str
    """As the database has it."""
    codex_version: str | None
    replayed: bool


@contextmanager
def run(codex: Path | None, *, command_seconds: float = 1.0, narrate: Narrate) -> Iterator[Played]:
    """Play the scene on `codex`, or on a recording if there is none that can.

    The database and all else is gone when the context ends.
    """
    with (
        ModelStub(command_seconds=command_seconds) as stub,
        temporary_home(stub.origin) as home,
    ):
        yield _play(codex, home, narrate)


def _play(codex: Path | None, home: Home, narrate: Narrate) -> Played:
    why = "no Codex found: "
    if codex is not None:
        narrate("starting Codex behind codex-telemetry, in a temporary home")
        try:
            return _behind_run([str(codex), "app-server"], home, narrate, replayed=False)
        except NoAppServerError:
            why = f"{codex} doesn't answer as an app-server: "
    narrate(f"{why}replaying a recorded run of Codex {recorded_version()} at its own pace")
    replay = [*PYTHON, "codex_telemetry.demo.replay"]
    try:
        return _behind_run(replay, home, narrate, replayed=True)
    except NoAppServerError as error:
        raise UserError(f"the demo could not start: {error}") from error


def _behind_run(command: Sequence[str], home: Home, narrate: Narrate, replayed: bool) -> Played:
    tap = [*PYTHON, "codex_telemetry", "run", "--db", str(home.database), "--"]
    with Client([*tap, *command], env=home.env, cwd=home.work) as client:
        try:
            enacted = enact(client, home.work, narrate)
        except (SilentError, RefusedError) as error:
            raise UserError(f"Codex stopped in the middle of the demo: {error}") from error
        client.close()
    return Played(home.database, _row(home, enacted), enacted.codex_version, replayed)


def _row(home: Home, enacted: Enacted) -> str:
    """The id of the turn's row, once the collector has written all it heard."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not inhabitants(home.root) and (turn_id := _finished(home.database, enacted.thread)):
            return turn_id
        time.sleep(0.05)
    raise UserError(f"the turn was not in the database within {PATIENCE:g} s")


def _finished(database: Path, thread: str) -> str | None:
    if not database.exists():
        return None
    with queries.reading(database) as store:
        rows = [row for row in queries.turns_of(store, thread) if row["status"] != "in_progress"]
        return str(rows[0]["turn_id"]) if rows else None

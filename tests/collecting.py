"""Be the pump to a collector: what was recorded, as frames on its stdin."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.frames import CLIENT, END, SERVER, START, frame
from recordings import Frame, Recordings

KINDS = {"c2s": CLIENT, "s2c": SERVER}

PATIENCE = 30.0
"""Seconds after which something that should have happened is taken for hanging."""

WITH = """
import json, sys
from codex_telemetry import config, hearing, pipeline
from codex_telemetry.store import keeper, ours
told = json.loads(sys.argv[2])
ours.BUSY_MS = told["busy_ms"]
keeper.MOST_UNSAVED = told["most_unsaved"]
hearing.MOST_HEARD = min(hearing.MOST_HEARD, told["most_unsaved"])
if told["largest_file"]:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (told["largest_file"],) * 2)
pipeline.collect(config.paths(sys.argv[1]), "info", patience_s=told["patience_s"])
"""


def started(launch: str = "launch") -> bytes:
    """The first frame."""
    return frame(
        START, 0, 0, json.dumps({"launch": launch, "program": "codex", "new_thread": True}).encode()
    )


def ended() -> bytes:
    return frame(END, 0, 1 << 62, b'{"exit_code":0}')


def heard(frames: Iterable[Frame]) -> bytes:
    """The frames of recorded lines."""
    return b"".join(
        frame(
            KINDS[one.direction],
            int(one.wall_s * 1e9),
            int(one.mono_s * 1e9),
            one.line + b"\n",
        )
        for one in frames
        if one.direction in KINDS
    )


def item(n: int) -> bytes:
    """Something that is remembered until it is saved."""
    told = {
        "threadId": f"thread-{n // 10}",
        "turnId": f"turn-{n // 10}",
        "item": {
            "type": "commandExecution",
            "id": f"item-{n}",
            "command": "ls",
            "status": "completed",
        },
    }
    return json.dumps({"method": "item/completed", "params": told}).encode() + b"\n"


class Story(NamedTuple):
    """A recorded session of one turn, cut where the turn ends."""

    before: bytes
    end: bytes
    thread: str


def a_plain_turn(recordings: Recordings, version: str = "0.169.0") -> Story:
    frames = [f for f in recordings.one(f"{version}/a_plain").frames() if f.direction in KINDS]
    at = next(n for n, f in enumerate(frames) if b'"turn/completed"' in f.line)
    thread = json.loads(frames[at].line)["params"]["threadId"]
    return Story(heard(frames[:at]), heard(frames[at:]), thread)


class Place(NamedTuple):
    """Where a collector may write: folders of a test's own."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "data" / "telemetry.db"

    @property
    def env(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "CODEX_"))}
        return kept | {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "temp"),
            "CODEX_TELEMETRY_HOME": str(self.folder / "own"),
        }

    @property
    def spooled(self) -> list[Path]:
        """The spool files, wherever they are."""
        return sorted(self.folder.rglob("*-*.spool"))

    @property
    def log(self) -> bytes:
        """What the collectors that lose patience sooner have logged."""
        file = self.folder / "own" / "telemetry.log"
        return file.read_bytes() if file.exists() else b""

    def leave_no_room(self) -> None:
        """Neither the database nor any folder for spool files can be made."""
        self.database.mkdir(parents=True)
        for blocked in (self.database.with_name("telemetry.db.spool"), "home", "temp"):
            (self.folder / blocked).touch()

    def collector(
        self,
        *,
        patience_s: float | None = None,
        busy_ms: int = 100,
        most_unsaved: int = 20_000,
        largest_file: int | None = None,
        through: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """As `run` starts it; or, where anything is said about it, one that loses patience sooner."""
        command = [
            sys.executable,
            "-P",
            "-m",
            "codex_telemetry",
            "collect",
            f"--db={self.database}",
        ]
        if patience_s is not None:
            command = self.impatient(
                patience_s=patience_s,
                busy_ms=busy_ms,
                most_unsaved=most_unsaved,
                largest_file=largest_file,
            )
        return subprocess.Popen(
            [*through, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env,
        )

    def impatient(
        self,
        *,
        patience_s: float,
        busy_ms: int = 100,
        most_unsaved: int = 20_000,
        largest_file: int | None = None,
    ) -> list[str]:
        """The command of a collector that loses patience sooner."""
        told = {
            "patience_s": patience_s,
            "busy_ms": busy_ms,
            "most_unsaved": most_unsaved,
            "largest_file": largest_file,
        }
        return [sys.executable, "-c", WITH, str(self.database), json.dumps(told)]


def finish(collector: subprocess.Popen[bytes], said: bytes = b"") -> None:
    """Tell it the rest and hang up; it ends by itself and says nothing."""
    out, err = collector.communicate(said, timeout=PATIENCE)
    assert (collector.returncode, out, err) == (0, b"", b"")

"""Which files of a home are logs, and whether one isn't what it was. What it takes to read them isn't
imported."""

import os
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.rollout import RolloutName, rollout_name
from codex_telemetry.inputs import files
from codex_telemetry.inputs.files import RolloutFile, text_of
from codex_telemetry.store import cursors
from codex_telemetry.store.cursors import AsFound, Cursor


class LogFile(NamedTuple):
    file: RolloutFile
    name: RolloutName
    newest: bool
    """Of its thread's files: a thread that was taken back goes on in another. It says where the
    thread's log is."""
    origin: str

    def differs(self, before: Cursor | AsFound) -> bool:
        """Whether it may not be what it was when it was last read."""
        now = self.file
        if now.size != before.size or now.mtime_ns != before.mtime_ns:
            return True
        return now.relative != before.path


class Looked(NamedTuple):
    """A home as it was found."""

    logs: list[LogFile]
    """The oldest first."""
    unreadable: int


def look(home: Path) -> Looked:
    """All rollouts of a home. Raises `OSError` if it can't be looked at."""
    found = files.find(home)
    named = [
        (file, name)
        for file in found.files
        if (name := rollout_name(os.path.basename(file.path)))  # noqa: PTH119 - thousands of files
    ]
    newest: dict[SessionId, str] = {name.thread_id: file.stem for file, name in named}
    whose = text_of(home)
    logs = [
        LogFile(
            file,
            name,
            newest[name.thread_id] == file.stem,
            cursors.origin_name(whose, file.stem),
        )
        for file, name in named
    ]
    return Looked(logs, found.unreadable)

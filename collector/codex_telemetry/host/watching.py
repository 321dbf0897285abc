"""What a service of ours runs: the command line, and the few variables it needs."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_telemetry import config

NAME = "codex-telemetry"
PURPOSE = "codex-telemetry: read what Codex logs, as it is written"

CPU_PERCENT = 50
"""Of one processor."""
MEMORY = 1 << 30
"""Bytes. Reading gigabytes of history took a fraction of it: who needs more is broken."""
NICE = 10
PATIENCE_S = 30
"""Before it is started again, and before one that doesn't end is killed."""

KEPT = (config.HOME, "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""Variables that decide where our files are; who starts services has none of a shell's."""

Commands = tuple[tuple[str, ...], ...]
"""To be run one after the other, by us or by hand."""


class Watch(NamedTuple):
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def program(self) -> Path:
        return Path(self.command[0])

    @property
    def database(self) -> Path | None:
        found = self._values("--db")
        return Path(found[0]) if found else None

    @property
    def homes(self) -> list[Path]:
        return [Path(home) for home in self._values("--codex-home")]

    def _values(self, option: str) -> list[str]:
        return [self.command[n + 1] for n, word in enumerate(self.command[:-1]) if word == option]


def watch(database: Path, config_file: Path | None, homes: Sequence[Path], level: str) -> Watch:
    """To follow these homes with this very installation. All paths are absolute."""
    words = [sys.executable, "-P", "-m", "codex_telemetry", "backfill", "--watch"]
    words += ["--db", str(database), "--log-level", level]
    words += ["--config", str(config_file)] if config_file is not None else []
    for home in homes:
        words += ["--codex-home", str(home)]
    kept = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
    return Watch(tuple(words), kept)

"""What the docs show: commands really run, on the databases of `scenes`, on 80 columns without colour, at
a moment that stands still. `make docs` has cog write it into README.md and docs/.
"""

import atexit
import inspect
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import at_work
import scenes
from codex_telemetry.cli.app import (
    COMMANDS,
    CONTENT_COMMANDS,
    EXPORT_COMMANDS,
    PRIVACY_COMMANDS,
    SECRET_COMMANDS,
    SERVICE_COMMANDS,
    SHIM_COMMANDS,
    function,
)
from codex_telemetry.cli.period import Zone
from codex_telemetry.reports import now as report
from codex_telemetry.store import queries
from codex_telemetry.store.meanings import tables
from codex_telemetry.store.queries import Filters
from codex_telemetry.tui.board import View, board
from commands import on_a_terminal

FOLDER = "/home/me/.local/share/codex-telemetry"
"""Where the docs say that the files are."""

BUSY = f"{scenes.uuid7(scenes.T0)}:0"
TURN = f"{scenes.uuid7(scenes.T0)[:13]}:0"
"""The busy turn as people would type it."""


class Example(NamedTuple):
    typed: str
    """As people type it, after `codex-telemetry`."""
    really: tuple[str, ...] = ()
    """What is run, where that is more or other words."""


# To document a command: a line here, then `make docs`.
EXAMPLES = {
    "run": Example("run -- codex --version"),
    "backfill": Example("backfill"),
    "top": Example("top --help"),
    "turns": Example("turns"),
    "turn": Example(f"turn {TURN}", ("turn", BUSY)),
    "sessions": Example("sessions"),
    "session": Example(f"session {TURN[:-2]}", ("session", BUSY[:-2])),
    "stats": Example("stats"),
    "tools": Example("tools"),
    "events": Example("events"),
    "limits": Example("limits"),
    "snapshots": Example("snapshots"),
    "tokens": Example("tokens"),
    "prices": Example("prices"),
    "config": Example("config"),
    "metrics": Example("metrics --help"),
    "serve": Example("serve --help"),
    "sql": Example('sql "SELECT model, count(*) AS turns FROM turns GROUP BY model"'),
    "doctor": Example("doctor"),
    "path": Example("path"),
    "schema": Example("schema"),
    "prune": Example("prune --help"),
    "vacuum": Example("vacuum --help"),
    "backup": Example("backup --help"),
    "restore": Example("restore --help"),
    "merge": Example("merge --help"),
    "completion": Example("completion bash"),
    "demo": Example("demo --help"),
}

ZONED = {
    *("turns", "turn", "sessions", "session", "stats", "tools", "events", "tokens"),
    *("limits", "doctor", "snapshots"),
}
"""Commands that show times; the docs are in one zone, whoever makes them."""


def command(name: str, *, prompt: bool = True) -> str:
    """What a command's example prints, as a block."""
    head = f"$ codex-telemetry {EXAMPLES[name].typed}\n" if prompt else ""
    return f"```text\n{head}{_printed(name)}```\n"


def commands() -> str:
    """Every command: what it is for, and its example."""
    parts = []
    for name, place in COMMANDS.items():
        summary, _, rest = (inspect.getdoc(function(place)) or "").partition("\n")
        told = [line for line in rest.replace("\b", "").splitlines() if "Example:" not in line]
        said = "\n".join(told).strip().replace("\n", "\\\n")
        parts += [f"## `{name}`\n", f"{summary}\n", f"{said}\n" if said else "", command(name)]
    return "\n".join(part for part in parts if part)


def content() -> str:
    """The commands about content: what each is for, and how it is typed."""
    return _group("capture", CONTENT_COMMANDS)


def names() -> str:
    """The same of those about names."""
    secrets = {f"secret {name}": place for name, place in SECRET_COMMANDS.items()}
    return _group("privacy", {**PRIVACY_COMMANDS, **secrets})


def shims() -> str:
    """The same of those about shims."""
    return _group("shim", SHIM_COMMANDS)


def services() -> str:
    """The same of those about the service."""
    return _group("service", SERVICE_COMMANDS)


def exports() -> str:
    """The same of exports by day."""
    return _group("export", EXPORT_COMMANDS)


def _group(group: str, places: Mapping[str, str]) -> str:
    parts = []
    for name, place in places.items():
        summary, _, rest = (inspect.getdoc(function(place)) or "").partition("\n")
        said = rest.replace("\b", "").partition("Example: ")
        more = " ".join(said[0].split())
        parts += [f"### `{group} {name}`\n", f"{summary} {more}".rstrip() + "\n"]
        parts += [f"```sh\n{said[2].strip()}\n```\n"]
    return "\n".join(parts)


def live() -> str:
    """The live view, as it is on 80 columns and 24 lines."""
    with tempfile.TemporaryDirectory() as scratch:
        with queries.reading(at_work.fill(Path(scratch) / "telemetry.db")) as db:
            now = report.now(db, Filters(), at_work.NOW)
        view = View(Zone("Europe/Berlin"), chosen=at_work.RUNNING, period="last 24 h")
        lines = board(now, view, at_work.NOW, 80, 23).lines
    drawn = "\n".join("".join(span.text for span in line).rstrip() for line in lines)
    return f"```text\n{drawn}\n```\n"


def schema() -> str:
    """Every table and its columns."""
    lines = []
    for table in tables():
        lines += [f"## `{table.name}`", "", table.meaning or "", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        for column in table.columns:
            name = f"**`{column.name}`**" if column.key else f"`{column.name}`"
            lines.append(
                f"| {name} | {column.type} | {(column.meaning or '').replace('|', ', ')} |"
            )
        lines.append("")
    return "\n".join(lines)


def _printed(name: str) -> str:
    example = EXAMPLES[name]
    words = [*(example.really or shlex.split(example.typed))]
    if name in ZONED:
        words += ["--tz", "Europe/Berlin"]
    now = scenes.LIMITED_AT if name == "limits" else scenes.T0 + 5 * scenes.DAY
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        here = Path(shutil.copytree(_made(), Path(scratch) / "me"))
        told = on_a_terminal(*words, env=_environment(here), now=None if name == "run" else now)
        assert told.code == 0, told
        return _anywhere(told.out + told.err, here)


def _environment(here: Path) -> dict[str, str]:
    unset = dict.fromkeys((f"CODEX_TELEMETRY_{name}" for name in ("DB", "CONFIG", "LOG")), "")
    return {
        **unset,
        "CODEX_HOME": str(here / ".codex"),
        "CODEX_TELEMETRY_CODEX": str(here / "bin/codex"),
        "CODEX_TELEMETRY_HOME": str(here / "data"),
        "HOME": "/home/me",
        "NO_COLOR": "1",
        "PATH": f"{here}/bin:{os.environ['PATH']}",
        "TMPDIR": str(here / "temp"),
        "XDG_STATE_HOME": str(here / "state"),
    }


def _anywhere(out: str, here: Path) -> str:
    """Without what is of this run alone."""
    for ours, theirs in (
        ("data", FOLDER),
        (".codex", "/home/me/.codex"),
        ("bin/codex", "/home/me/.local/bin/codex"),
        ("temp", "/tmp"),
        ("state", "/home/me/.local/state"),
    ):
        out = out.replace(str(here / ours), theirs)
    out = re.sub(r"(codex-telemetry)-\d+/", r"\1-1000/", out)
    out = re.sub(r"\b[0-9a-f]{8}$", "5fd243d9", out, flags=re.MULTILINE)
    return re.sub(r"(?<=seconds)( +[\d.]+)", lambda found: f"{'0.31':>{len(found[0])}}", out)


@cache
def _made() -> Path:
    """A folder with a week's database, a codex that says its release, and a home of Codex."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    for name in ("data", "bin", ".codex"):
        (folder / name).mkdir(mode=0o700)
    scenes.write(
        folder / "data/telemetry.db", *scenes.week(), *scenes.limits(), *scenes.snapshots()
    )
    codex = folder / "bin/codex"
    codex.write_text("#!/bin/sh\necho codex-cli 0.169.0\n")
    codex.chmod(0o755)
    return folder

"""What is installed on this machine, as `status` and `doctor` tell of it: files are looked at, nothing
is started."""

import os
from collections.abc import Sequence
from pathlib import Path

from codex_telemetry import watch_lock
from codex_telemetry.config import Paths, codex_homes
from codex_telemetry.host import service, shim_file, shims
from codex_telemetry.reports.shapes_host import FollowedHome, Service, Shim


def installed_shims(folder: Path | None = None) -> list[Shim]:
    return [_shim(path, shim) for path, shim in shims.installed(folder)]


def installed_service(paths: Paths) -> Service:
    found = service.installed()
    if found is None or found.watch is None:
        homes = _followed(paths.database, codex_homes())
        return Service(
            manager=service.MANAGER,
            path=str(service.path()),
            state="not_installed" if found is None else "foreign",
            enabled=False,
            python=None,
            database=None,
            homes=homes,
        )
    database = found.watch.database or paths.database
    homes = _followed(database, found.watch.homes)
    running = bool(homes) and all(home.watched for home in homes)
    return Service(
        manager=service.MANAGER,
        path=str(found.path),
        state="broken" if not found.works else "running" if running else "stopped",
        enabled=found.enabled,
        python=str(found.watch.program),
        database=str(database),
        homes=homes,
    )


def _shim(path: Path, shim: shim_file.Shim) -> Shim:
    codex = shim_file.would_start(shim, os.environ.get("PATH", ""))
    recording = shim_file.would_record(shim)
    return Shim(
        path=str(path),
        state="no_codex" if codex is None else "ok" if recording else "bare",
        codex=str(codex) if codex is not None else None,
        fixed=bool(shim.fixed),
        python=shim.python,
    )


def _followed(database: Path, homes: Sequence[Path]) -> list[FollowedHome]:
    found = [(home, watch_lock.watcher(database, home)) for home in homes]
    return [
        FollowedHome(str(home), watcher is not None, watcher.pid if watcher is not None else None)
        for home, watcher in found
    ]

"""What `doctor` says of the files around the database, and of the Codex on this machine."""

import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.keys import key_file, keys_folder
from codex_telemetry.reports.shapes_host import Service, Shim
from codex_telemetry.reports.shapes_upkeep import Check
from codex_telemetry.secret import SIZE, secret_path

BESIDE = ("-wal", "-shm", ".lock")


class Home(NamedTuple):
    """A home of Codex, by the names of what is in it: nothing was read."""

    path: Path
    rollouts: int | None
    """None: the home can't be looked into; where it isn't there, see `exists`."""
    unreadable: int = 0
    exists: bool = True


class Surroundings(NamedTuple):
    program: Path | None
    """The codex that would be run."""
    release: Callable[[], str | None]
    """What it says it is, once: it is waited for."""
    misnamed: str | None
    """Why there is none, where the environment names one."""
    homes: Sequence[Home]
    waiting: Sequence[Path]
    """Spool files."""
    shims: Sequence[Shim]
    service: Service


def codex(around: Surroundings) -> Check:
    if around.misnamed is not None:
        return Check("codex", "warn", around.misnamed, "name another, or unset the variable")
    if around.program is None:
        return Check("codex", "warn", "there is no codex on the PATH", "run it by its full path")
    release = around.release()
    if release is None:
        return Check(
            "codex",
            "warn",
            f"{around.program} doesn't say which release it is",
            f"try: {around.program} --version",
        )
    return Check("codex", "ok", f"{release} at {around.program}", None)


def shims(around: Surroundings) -> Check:
    if not around.shims:
        return Check("shims", "ok", "none is installed", None)
    wrong = [shim for shim in around.shims if shim.state != "ok"]
    for shim in wrong:
        if shim.state == "no_codex":
            said = f"{shim.path} finds no Codex that it could start"
            return Check("shims", "warn", said, "codex-telemetry shim install --codex PATH")
        said = f"{shim.path} starts Codex alone: {shim.python} isn't what it was"
        return Check("shims", "warn", said, "codex-telemetry shim install")
    return Check("shims", "ok", ", ".join(shim.path for shim in around.shims), None)


def service(around: Surroundings) -> Check:
    found = around.service
    match found.state:
        case "not_installed":
            return Check("service", "ok", "none is installed", None)
        case "running":
            return Check("service", "ok", f"it follows what Codex logs ({found.path})", None)
        case "foreign":
            return Check("service", "warn", f"{found.path} is not ours", "move it away")
        case "broken":
            return Check(
                "service",
                "warn",
                f"what it runs is gone: {found.python}",
                "codex-telemetry service install --force",
            )
    return Check(
        "service",
        "warn",
        f"it is installed, and not running ({found.path})",
        "codex-telemetry service status says more",
    )


def homes(around: Surroundings) -> Check:
    said, wrong, hints = [], 0, []
    for home in around.homes:
        if not home.exists:
            said.append(f"{home.path} isn't there")
            hints.append("start Codex once, or set CODEX_HOME")
        elif home.rollouts is None:
            said.append(f"{home.path} can't be looked into")
            hints.append(f"check its permissions: ls -ld {home.path}")
        else:
            noun = "rollout" if home.rollouts == 1 else "rollouts"
            said.append(f"{home.path} has {home.rollouts:,} {noun}")
            if home.unreadable:
                said.append(f"{home.unreadable:,} things in it can't be read")
                hints.append(f"check what is under {home.path}/sessions")
        wrong += not home.exists or home.rollouts is None or home.unreadable > 0
    return Check("homes", "warn" if wrong else "ok", ", ".join(said), hints[0] if hints else None)


def permissions(database: Path) -> Check:
    """Of the database, of what SQLite keeps beside it, and of their folder."""
    files = [database, *(database.with_name(database.name + end) for end in BESIDE)]
    for path, mode in _open_to_others((*files, database.parent)):
        shared = path == database.parent
        return Check(
            "permissions",
            # A folder may be shared on purpose, and named with --db.
            "warn" if shared else "fail",
            f"{path} is open to others (mode {mode:04o})",
            f"chmod {0o700 if shared else 0o600:o} {path}",
        )
    return Check("permissions", "ok", "only its owner can read it", None)


def keys(database: Path) -> Check:
    """The secret of keyed hashes."""
    path = secret_path(database)
    try:
        found = path.stat()
    except FileNotFoundError:
        return Check("keys", "ok", "none made yet: the first backfill makes one", None)
    except OSError:
        found = None
    for _, mode in _open_to_others([path]):
        return Check(
            "keys", "fail", f"{path} is open to others (mode {mode:04o})", f"chmod 600 {path}"
        )
    if found is None or not stat.S_ISREG(found.st_mode) or found.st_size < SIZE:
        return Check(
            "keys",
            "fail",
            f"{path} is no secret of ours",
            "move it away: a new one is made, and names are hashed anew",
        )
    return Check("keys", "ok", "the secret of keyed hashes is its owner's alone", None)


def content_keys(database: Path, publics: Sequence[bytes]) -> Check:
    """The files of private keys; those in a keyring aren't asked for: it might ask in turn."""
    name, files = "content keys", [key_file(database, public) for public in publics]
    lost = [file for file in files if not file.exists()]
    if lost:
        return Check(
            name,
            "fail",
            f"private keys are missing in {keys_folder(database)} ({len(lost)}): what was captured "
            "with them can't be opened",
            "put them back from a copy; else codex-telemetry capture purge FOLDER, and enable it",
        )
    for path, mode in _open_to_others([*files, keys_folder(database)]):
        allowed = "700" if path == keys_folder(database) else "600"
        return Check(
            name, "fail", f"{path} is open to others (mode {mode:04o})", f"chmod {allowed} {path}"
        )
    if not files:
        return Check(name, "ok", "no private key of captured content is in a file", None)
    return Check(name, "ok", "each private key in a file is there, and its owner's alone", None)


def spool(around: Surroundings) -> Check:
    if not around.waiting:
        return Check("spool", "ok", "nothing waits to be taken in", None)
    folders = sorted({str(path.parent) for path in around.waiting})
    return Check(
        "spool",
        "warn",
        f"{len(around.waiting)} recordings wait in {', '.join(folders)}",
        "codex-telemetry backfill takes them in, or says why it can't",
    )


def _open_to_others(paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & 0o077:
            yield path, mode

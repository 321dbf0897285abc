"""Where things are: database, config, log, spool, and the homes of Codex. It makes no folder."""

import contextlib
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from codex_telemetry.errors import UsageError, UserError

APP = "codex-telemetry"
HOME = "CODEX_TELEMETRY_HOME"
DB = "CODEX_TELEMETRY_DB"
CONFIG = "CODEX_TELEMETRY_CONFIG"
LOG = "CODEX_TELEMETRY_LOG"

SaidBy = Literal["option", "environment", "default"]

LOG_LEVELS = ("off", "debug", "info", "warning", "error")


class Paths(NamedTuple):
    database: Path
    config: Path
    log: Path
    spool: tuple[Path, ...]
    """Folders for what couldn't be written, the first that works is used. Each to be made 0700."""


def paths(
    db: str | None = None, config: str | None = None, environ: Mapping[str, str] | None = None
) -> Paths:
    """All paths, absolute. `db` and `config` are options and come first, then the environment.

    The platform's own variables (`XDG_DATA_HOME`, …) are always those of the process.
    Raises `UsageError` for what can't be a path, `UserError` where no home folder is known.
    """
    environ = os.environ if environ is None else environ
    home = _named(environ, HOME)
    database = (
        option_path("--db", db)
        or _named(environ, DB)
        or (home or _platform("data", DB)) / "telemetry.db"
    )
    return Paths(
        database=database,
        config=option_path("--config", config)
        or _named(environ, CONFIG)
        or (home or _platform("config", CONFIG)) / "config.toml",
        log=(home or _platform("log", HOME)) / "telemetry.log",
        spool=_spools(database, environ),
    )


def complaints(found: Paths) -> Path:
    """Where a service says what went wrong, if its manager has no journal."""
    return found.log.with_name("service.log")


def codex_homes(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The homes of Codex: `CODEX_HOME`, a list separated by commas, else `~/.codex`."""
    environ = os.environ if environ is None else environ
    listed = [part.strip() for part in environ.get("CODEX_HOME", "").split(",")]
    homes = [_absolute("CODEX_HOME", part) for part in listed if part]
    return tuple(dict.fromkeys(homes)) or (_absolute("CODEX_HOME", "~/.codex"),)


def log_level(option: str | None = None, environ: Mapping[str, str] | None = None) -> str | None:
    """One of `LOG_LEVELS`; None when nothing is to be logged, which is the default."""
    environ = os.environ if environ is None else environ
    if option is not None:
        name, wanted = "--log-level", option
    else:
        name, wanted = LOG, environ.get(LOG, "")
    level = wanted.strip().lower() or ("" if option is not None else "off")
    if level not in LOG_LEVELS:
        raise UsageError(f"{name} names no log level", hint=f"one of: {', '.join(LOG_LEVELS)}")
    return None if level == "off" else level


def said_by(option: str | None, *names: str, environ: Mapping[str, str] | None = None) -> SaidBy:
    """Who decides: the option if there is one, else the first of these variables that is set."""
    environ = os.environ if environ is None else environ
    if option is not None:
        return "option"
    return "environment" if any(environ.get(name) for name in names) else "default"


def _spools(database: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    # Fallbacks are shared by all databases of a user: each has its own folder there, so that what
    # was meant for one is never taken into another.
    own = f"{zlib.crc32(os.fsencode(os.path.realpath(database))):08x}"
    folders = [database.parent / f"{database.name}.spool"]
    with contextlib.suppress(UserError):  # no home folder
        folders.append(_platform("state", HOME) / "spool" / own)
    temp = environ.get("TMPDIR") or "/tmp"  # noqa: S108 - the folder in it is private
    with contextlib.suppress(UserError):
        folders.append(_absolute("TMPDIR", temp) / f"{APP}-{os.getuid()}" / own)
    return tuple(folders)


def option_path(name: str, value: str | None) -> Path | None:
    """The file that an option names, if it does."""
    if value is None:
        return None
    if not value:
        raise UsageError(f"{name} is empty", hint="name a file")
    return _absolute(name, value)


def _named(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    return _absolute(name, value) if value else None


def _absolute(name: str, text: str) -> Path:
    if "\0" in text:
        raise UsageError(f"{name} is not a path", hint="it holds a NUL byte")
    expanded = os.path.expanduser(text)  # noqa: PTH111 - pathlib's raises where no home is known
    if text.startswith("~") and expanded == text:
        raise UserError(f"{name}: no home folder is known", hint="name it in full")
    try:
        return Path(os.path.abspath(expanded))  # noqa: PTH100 - without following links
    except FileNotFoundError:
        raise UserError(
            f"{name}: the current folder is gone", hint="name it in full, or change folder"
        ) from None


def _platform(which: str, variable: str) -> Path:
    import platformdirs  # noqa: PLC0415 - only where the environment doesn't decide

    ask: dict[str, Callable[[str, Literal[False]], Path]] = {
        "data": platformdirs.user_data_path,
        "config": platformdirs.user_config_path,
        "log": platformdirs.user_log_path,
        "state": platformdirs.user_state_path,
    }
    try:
        folder = ask[which](APP, False)
    except RuntimeError:  # no HOME, and no such user
        folder = Path()
    if not folder.is_absolute():
        raise UserError("no home folder is known", hint=f"set HOME or {variable}")
    return folder

"""The log: off unless asked for, to a file (0600), never to stdout: that is the protocol's.

Events have constant names, and values that come from us: never one from a session.
"""

import contextlib
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

COLLECTOR_STARTED = "collector started"
COLLECTOR_STOPPED = "collector stopped"
SAVE_FAILED = "save failed"
SPOOLED = "spooled"
LOST = "lost"
ROLLOUTS_READ = "rollouts read"
ROLLOUTS_FOLLOWED = "rollouts followed"
PRUNED = "pruned"
SINK_STARTED = "sink started"
SINK_FAILED = "sink failed"
COMMAND_FAILED = "command failed"

LARGEST = 8 << 20
"""Bytes; a file that has grown past this is put aside as `<name>.1`, and another begun."""

_loggers: list[Any] = []
_files: list[TextIO] = []
_again: list[Callable[[], None]] = []
"""How the file that is logged to was opened."""


def configure(level: str | None, path: Path) -> None:
    """Log events of `level` (debug, info, warning, error) and above to a file; None: nothing.

    A log that can't be opened is done without: it is never a reason to fail.
    """
    _loggers.clear()
    _again.clear()
    while _files:
        _files.pop().close()
    if level is None:
        return
    import structlog  # noqa: PLC0415 - only who logs pays for it

    with contextlib.suppress(OSError):
        _files.append(_opened(path))
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.WriteLoggerFactory(_files[-1]),
        )
        _loggers.append(structlog.get_logger(pid=os.getpid()))
        _again.append(lambda: configure(level, path))


def event(name: str, *, error: str | None = None) -> None:
    """Log one of the events above; `error` is the name of an exception's type."""
    level = "warning" if error is not None or name == LOST else "info"
    _say(level, name, {} if error is None else {"error": error})


def crash(error: BaseException) -> None:
    """Log a mistake of ours by the calls that led to it. Not by its message, which may quote what it
    failed on."""
    _say("error", COMMAND_FAILED, {"error": type(error).__name__, "calls": _calls(error)})


def raised_at(error: BaseException) -> str:
    """`file:line function`, for the one line that people get to see."""
    return (_calls(error) or ["an unknown place"])[-1]


def _calls(error: BaseException) -> list[str]:
    calls = traceback.extract_tb(error.__traceback__)
    return [f"{Path(c.filename).name}:{c.lineno} {c.name}" for c in calls]


def _say(level: str, name: str, facts: dict[str, Any]) -> None:
    # Who watches for weeks never opens it anew otherwise. Another process may have done so already.
    if any(file.tell() > LARGEST for file in _files):
        _again[0]()
    for logger in _loggers:
        with contextlib.suppress(OSError):  # a full disk
            getattr(logger, level)(name, **facts)


def begin_stderr_anew(path: Path) -> None:
    """Put the file that stderr goes to aside if it has grown, and it is that one: launchd, which opens
    it, never does."""
    with contextlib.suppress(OSError):
        if os.path.samestat(os.fstat(2), path.stat()) and path.stat().st_size > LARGEST:
            with _opened(path) as file:
                os.dup2(file.fileno(), 2)


def _opened(path: Path) -> TextIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size > LARGEST:
        path.replace(path.with_name(f"{path.name}.1"))
    # Not through a link, and a FIFO that nobody reads is an error instead of a wait.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8")

"""The log: off unless asked for, to a file (0600), never to stdout: that is the protocol's.

Events have constant names, and values that come from us: never one from a session.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

COLLECTOR_STARTED = "collector started"
COLLECTOR_STOPPED = "collector stopped"
SAVE_FAILED = "save failed"
SPOOLED = "spooled"
LOST = "lost"

_loggers: list[Any] = []


def configure(level: str | None, path: Path) -> None:
    """Log events of `level` (debug, info, warning, error) and above to a file; None: nothing.

    A log that can't be opened is done without: it is never a reason to fail.
    """
    _loggers.clear()
    if level is None:
        return
    import structlog  # noqa: PLC0415 - only who logs pays for it

    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "w")
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.WriteLoggerFactory(file),
        )
        _loggers.append(structlog.get_logger(pid=os.getpid()))


def event(name: str, *, error: str | None = None) -> None:
    """Log one of the events above; `error` is the name of an exception's type."""
    for logger in _loggers:
        level = "warning" if error is not None or name == LOST else "info"
        getattr(logger, level)(name, **({} if error is None else {"error": error}))

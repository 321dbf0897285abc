"""The watch as an agent of the user's launchd. Written by the manual; nobody has tried it on macOS."""

import os
import plistlib
import shutil
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from codex_telemetry.host import placed
from codex_telemetry.host.watching import MEMORY, NAME, NICE, PATIENCE_S, Commands, Watch

LABEL = f"{NAME}.watch"


def path() -> Path:
    return placed.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def written(watch: Watch, complaints: Path) -> bytes:
    """`complaints`: where what it says on stderr goes; launchd never begins that file anew."""
    agent: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": list(watch.command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": PATIENCE_S,
        "ExitTimeOut": PATIENCE_S,
        # launchd has no share of the processor to give: this is the class that yields to all others.
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": NICE,
        "HardResourceLimits": {"ResidentSetSize": MEMORY},
        "Umask": 0o077,
        "StandardOutPath": "/dev/null",
        "StandardErrorPath": str(complaints),
    }
    if watch.environment:
        agent["EnvironmentVariables"] = dict(watch.environment)
    return plistlib.dumps(agent)


def read(body: bytes) -> Watch | None:
    """What an agent of ours runs; None where it isn't ours."""
    try:
        agent = plistlib.loads(body)
        if agent["Label"] != LABEL:
            return None
        return Watch(
            tuple(map(str, agent["ProgramArguments"])), dict(agent.get("EnvironmentVariables", {}))
        )
    except (ExpatError, KeyError, TypeError, ValueError, AttributeError):
        return None


def start() -> Commands:
    return (("launchctl", "bootstrap", _domain(), str(path())),)


def restart() -> Commands:
    return (*stop(), *start())


def stop() -> Commands:
    return (("launchctl", "bootout", f"{_domain()}/{LABEL}"),)


def is_enabled() -> bool:
    """All that lies in that folder is started at login."""
    return path().exists()


def forget() -> Commands:
    """Nothing but the file itself."""
    return ()


def can_be_told() -> bool:
    return shutil.which("launchctl") is not None


def _domain() -> str:
    return f"gui/{os.getuid()}"

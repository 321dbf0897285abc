"""The watch as a unit of the user's systemd."""

import os
import re
import shutil
from pathlib import Path

from codex_telemetry.host import placed
from codex_telemetry.host.watching import (
    CPU_PERCENT,
    MEMORY,
    NAME,
    NICE,
    PATIENCE_S,
    PURPOSE,
    Commands,
    Watch,
)

UNIT = f"{NAME}.service"
MARK = "# codex-telemetry service: written by `codex-telemetry service install`\n"

# What needs a mount namespace (ProtectSystem=, PrivateTmp=, …) is left out: a user's manager may not
# make one where unprivileged user namespaces are forbidden, and the unit then fails with 226/NAMESPACE.
_UNIT = """\
{mark}
[Unit]
Description={purpose}
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=exec
ExecStart={command}
{environment}Restart=on-failure
RestartSec={patience}
# Wrongly called, or a database that is newer: the next try would end the same way.
RestartPreventExitStatus=2 3
TimeoutStopSec={patience}
StandardOutput=null
StandardError=journal
UMask=0077

CPUQuota={cpu}%
MemoryHigh={memory_high}M
MemoryMax={memory}M
TasksMax=64
Nice={nice}
CPUSchedulingPolicy=batch
IOSchedulingClass=idle

NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=default.target
"""

_RELOAD = ("systemctl", "--user", "daemon-reload")
START: Commands = (_RELOAD, ("systemctl", "--user", "enable", "--now", UNIT))
RESTART: Commands = (*START, ("systemctl", "--user", "restart", UNIT))
STOP: Commands = (("systemctl", "--user", "stop", UNIT),)


def path() -> Path:
    named = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(named) if named.startswith("/") else placed.home() / ".config"
    return base / "systemd" / "user" / UNIT


def start() -> Commands:
    return START


def restart() -> Commands:
    return RESTART


def stop() -> Commands:
    return STOP


def written(watch: Watch, _: Path) -> bytes:
    """The unit; what it says on stderr is the journal's, which keeps itself small."""
    text = _UNIT.format(
        mark=MARK,
        purpose=PURPOSE,
        command=" ".join(_quoted(word, "$") for word in watch.command),
        environment="".join(
            f"Environment={_quoted(f'{name}={value}')}\n"
            for name, value in watch.environment.items()
        ),
        patience=PATIENCE_S,
        cpu=CPU_PERCENT,
        memory_high=MEMORY // 2 >> 20,
        memory=MEMORY >> 20,
        nice=NICE,
    )
    return os.fsencode(text)


def read(body: bytes) -> Watch | None:
    """What a unit of ours runs; None where it isn't ours."""
    text = os.fsdecode(body)
    if not text.startswith(MARK):
        return None
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    words = tuple(_words(command[1], "$")) if command is not None else ()
    lines = re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
    told = [word for line in lines for word in _words(line)]
    return Watch(words or ("",), dict(word.partition("=")[::2] for word in told))


def is_enabled() -> bool:
    return os.path.lexists(_link())


def forget() -> Commands:
    """What `enable` has made goes too; here, so that it does where nobody can be told."""
    if is_enabled():
        placed.remove(_link())
    return (_RELOAD,)


def _link() -> Path:
    return path().parent / "default.target.wants" / UNIT


def can_be_told() -> bool:
    """Whether a manager of this user runs that can be spoken to."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return (
        runtime.startswith("/")
        and (Path(runtime) / "systemd" / "private").exists()
        and shutil.which("systemctl") is not None
    )


def _quoted(word: str, doubled: str = "") -> str:
    """As systemd.service(5) has it: `%` begins a specifier, and `$` a variable in a command."""
    for character in f"%{doubled}":
        word = word.replace(character, character * 2)
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'


def _words(line: str, doubled: str = "") -> list[str]:
    """What `_quoted` has written."""
    back = {"n": "\n", "t": "\t", "r": "\r"}
    found = []
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
        word = re.sub(r"\\(.)", lambda escaped: back.get(escaped[1], escaped[1]), quoted)
        for character in f"%{doubled}":
            word = word.replace(character * 2, character)
        found.append(word)
    return found

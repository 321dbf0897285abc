"""A shim and a program in Codex's place that writes down how it was started."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import codex_telemetry
from codex_telemetry.host import shim_file

PATIENCE_S = 30.0

SHELLS = {
    name: command
    for name, command in {
        "as it is": (),
        "dash": ("dash",),
        "bash": ("bash", "--posix"),
        "busybox": ("busybox", "sh"),
    }.items()
    if not command or shutil.which(command[0])
}

CODEX = """\
import json, os, signal, sys
with open("/proc/self/environ", "rb") as file:
    environment = file.read()
with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
    parent = file.read()
seen = {
    "pid": os.getpid(),
    "argv": [os.fsencode(word).hex() for word in sys.argv[1:]],
    "environment": environment.hex(),
    "parent": parent.decode(errors="replace").split("\\0"),
}
with open(%r, "a") as file:
    file.write(json.dumps(seen) + "\\n")
if sys.argv[1:] == ["wait"]:
    os.write(1, b"up\\n")
    signal.pause()
while data := os.read(0, 65536):
    os.write(1, data)
os._exit(7)
"""


def stand_in(path: Path) -> Path:
    """A Codex that notes each start beside itself, says what it hears, and leaves with 7."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = CODEX % str(path.with_name("seen"))
    path.write_text(f"#!{sys.executable} -IS\n{body}")
    path.chmod(0o755)
    return path


def starts(codex: Path) -> list[dict[str, Any]]:
    """How it was started, each time."""
    seen = codex.with_name("seen")
    return [json.loads(line) for line in seen.read_text().splitlines()] if seen.exists() else []


def under_run(start: dict[str, Any]) -> bool:
    return any(word.endswith("shimmed.py") for word in start["parent"])


@dataclass
class Setup:
    """An installation of its own, so that it can be broken, and a shim that starts it."""

    folder: Path
    fixed: Path | None = None
    known: Path | None = None
    path: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.package = self.folder / "lib" / "codex_telemetry"
        self.package.mkdir(parents=True)
        ours = Path(codex_telemetry.__file__).parent
        for module in ours.glob("*.py"):
            shutil.copy(module, self.package)
        self.python = self.folder / "venv" / "bin" / "python"
        self.python.parent.mkdir(parents=True)
        self.python.symlink_to(sys.executable)

    def shim(self, place: Path | None = None) -> Path:
        place = place or self.folder / "codex-telemetry-codex"
        text = shim_file.written(self.fixed, self.known, [])
        ours = Path(codex_telemetry.__file__).parent
        for before, after in (
            (sys.executable, self.python),
            (str(ours / "shimmed.py"), self.package / "shimmed.py"),
        ):
            assert before.encode() in text
            text = text.replace(before.encode(), str(after).encode())
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text)
        place.chmod(0o755)
        return place

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": ":".join(map(str, [*self.path, "/usr/bin", "/bin"])),
            "HOME": str(self.folder),
            "CODEX_TELEMETRY_HOME": str(self.folder / "telemetry"),
        }

    def run(
        self,
        *words: str | bytes,
        shell: Sequence[str] = (),
        said: bytes = b"",
        shim: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [*shell, shim or self.shim(), *words],
            env=self.environment | dict(more or {}),
            input=said,
            capture_output=True,
            timeout=PATIENCE_S,
            cwd=self.folder,
            check=False,
        )

    def waiting(self, *, shell: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """One that has started and goes on until it is ended."""
        process = subprocess.Popen(
            [*shell, self.shim(), "wait"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.folder,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process


def ended(process: "subprocess.Popen[bytes]", number: signal.Signals) -> int:
    os.kill(process.pid, number)
    with process:
        return process.wait(PATIENCE_S)

"""Other programs that read Codex's history, fetched by npm into `.cache/peers`; None where they can't be.

ccusage (20.0.24, a program in Rust of which npm fetches the one for this machine) sums tokens up by day.
tokscale (1.4.3, Rust under Bun) does by model. It asks for prices over the network and gives up without
them, so it is given a list of its own form, in a home folder of its own.
"""

import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "peers"
CCUSAGE = "20.0.24"
TOKSCALE = "1.4.3"
BUN = "1.4.5"
MACHINES = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}
PRICES = {"gpt-5.5": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}}


class Peer(NamedTuple):
    name: str
    words: Sequence[str | Path]
    env: dict[str, str]

    def reading(self, home: Path) -> dict[str, str]:
        """Its environment, to read this home of Codex."""
        return {**os.environ, **self.env, "CODEX_HOME": str(home)}


def ccusage() -> Peer | None:
    machine = f"{platform.system().lower()}-{MACHINES.get(platform.machine(), '')}"
    folder = _fetched(f"ccusage-{CCUSAGE}", f"@ccusage/ccusage-{machine}@{CCUSAGE}")
    program = folder and folder / "@ccusage" / f"ccusage-{machine}" / "bin" / "ccusage"
    if program is None or not program.exists():
        return None
    program.chmod(0o755)
    words: list[str | Path] = [program, "codex", "daily", "--json", "--offline"]
    return _that_runs(Peer(f"ccusage {CCUSAGE}", words, {}))


def tokscale() -> Peer | None:
    folder = _fetched(f"tokscale-{TOKSCALE}", f"tokscale@{TOKSCALE}", f"bun@{BUN}")
    if folder is None:
        return None
    home = CACHE / "tokscale-home"
    lists = home / ".cache" / "tokscale"
    lists.mkdir(parents=True, exist_ok=True)
    for source in ("litellm", "openrouter"):
        text = json.dumps({"timestamp": int(time.time()), "data": PRICES})
        (lists / f"pricing-{source}.json").write_text(text)
    path = f"{folder / '.bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    words: list[str | Path] = [
        folder / ".bin" / "tokscale",
        "models",
        "--codex",
        "--json",
        "--no-spinner",
    ]
    return _that_runs(Peer(f"tokscale {TOKSCALE}", words, {"HOME": str(home), "PATH": path}))


def _fetched(name: str, *packages: str) -> Path | None:
    folder = CACHE / name
    npm = shutil.which("npm")
    if not (folder / "node_modules").exists():
        if npm is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
        words = [npm, "install", *options, *packages]
        if subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode:
            shutil.rmtree(folder)
            return None
    return folder / "node_modules"


def _that_runs(peer: Peer) -> Peer | None:
    """It may have been made for another system."""
    empty = CACHE / "empty-home"
    (empty / "sessions").mkdir(parents=True, exist_ok=True)
    try:
        tried = subprocess.run(
            peer.words, env=peer.reading(empty), capture_output=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return peer if tried.returncode == 0 else None

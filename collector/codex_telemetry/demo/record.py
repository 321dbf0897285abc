"""Make `recorded.jsonl`, which the demo replays where there is no Codex, from a real one.

    python -m codex_telemetry.demo.record [CODEX]

A maintainer runs it for a new release. It plays the very scene of the demo without the wrapper and
keeps what both sides said and when, with everything of the machine it ran on taken out.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codex_telemetry.demo.client import Client, Line
from codex_telemetry.demo.home import Home, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from codex_telemetry.demo.scene import enact
from codex_telemetry.host.find import find_codex

RECORDED = Path(__file__).with_name("recorded.jsonl")

_OF_THE_MACHINE = {
    "serverName": "demo",
    "installationId": "00000000-0000-4000-8000-000000000000",
}


def record(codex: Path) -> list[Line]:
    """The lines of the scene, and the folders named in them made neutral."""
    with (
        ModelStub() as stub,
        temporary_home(stub.origin) as home,
        Client([str(codex), "app-server"], env=home.env, cwd=home.work) as client,
    ):
        enact(client, home.work)
        client.close()
        return [
            Line(line.way, line.wall_ns, line.mono_ns, _neutral(line, home), None)
            for line in client.lines
        ]


def _neutral(line: Line, home: Home) -> bytes:
    text = json.dumps(_cleaned(json.loads(line.text)), separators=(",", ":"))
    return text.replace(str(home.root), "/demo").encode()


def _cleaned(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            return {name: _cleaned(inner, name) for name, inner in value.items()}
        case list():
            return [_cleaned(inner) for inner in value]
        case str() if key == "path" and value.endswith(".jsonl"):
            return None  # A replay writes no rollout.
        case str():
            return _OF_THE_MACHINE.get(key, value)
    return value


def rows(lines: list[Line]) -> Iterator[str]:
    """One JSON object a line: who said it, when in Unix milliseconds, and what."""
    for line in lines:
        row = {"way": line.way, "at_ms": line.wall_ns // 1_000_000, "line": line.text.decode()}
        yield json.dumps(row, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    codex = Path(sys.argv[1]) if len(sys.argv) > 1 else find_codex()
    if codex is None:
        sys.exit("no codex on the PATH")
    RECORDED.write_text("".join(rows(record(codex))))
    sys.stderr.write(f"{RECORDED}: {RECORDED.stat().st_size} bytes\n")

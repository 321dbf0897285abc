"""One session that goes on and on: no turn is lost, and neither process grows."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import traffic
from codex_telemetry.store import db
from soak.tried import Tried
from wrapped import STAND_IN, Talk, Way, collector_of

PACE_S = 0.005
"""Four times as fast as Codex talks: minutes stand for a quarter of an hour."""
DELTAS = 4
GROWTH_MB = 4
"""What is more than this, from the second quarter of the time to the last, grows."""


def for_as_long_as(seconds: float, folder: Path) -> Iterator[Tried]:
    lines_a_turn = len(list(traffic.turn(0, deltas=DELTAS)))
    turns = max(1, int(seconds / PACE_S / lines_a_turn))
    script = folder / "script"
    traffic.write_script(script, _script(turns))
    talk = Talk(Way.RUN, [*STAND_IN, str(script), str(PACE_S)], folder / "home")
    for exchange in traffic.opening():
        talk.say(exchange.asked)
        talk.hear(len(exchange.answer))
    lines, messages = talk.lines(), 0
    held: list[tuple[float, float]] = []
    for n in range(turns):
        talk.say(traffic.prompt(n))
        for line in lines:
            messages += 1
            if b'"turn/completed"' in line:
                break
        collector = collector_of(talk.process.pid)
        held.append((_megabytes(talk.process.pid), _megabytes(collector) if collector else 0.0))
        print(f"\r{messages:,} messages", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    talk.end()
    while collector is not None and Path(f"/proc/{collector}").exists():
        time.sleep(0.1)
    yield Tried("turns of one session, each a row", turns, turns - _completed(talk.database))
    for name, megabytes in zip(("pump", "collector"), zip(*held, strict=True), strict=True):
        before = max(megabytes[turns // 4 : turns // 2 + 1])
        after = max(megabytes[turns * 3 // 4 :])
        seen = f"{before:.1f} MB in the second quarter of the time, {after:.1f} in the last"
        yield Tried(
            f"memory of the {name} over {messages:,} messages, flat",
            1,
            after > before + GROWTH_MB,
            seen,
        )


def _script(turns: int) -> Iterator[tuple[bool, bytes]]:
    yield from ((True, exchange.answer) for exchange in traffic.opening())
    for n in range(turns):
        for at, line in enumerate(traffic.turn(n, deltas=DELTAS)):
            yield at == 0, line


def _megabytes(pid: int) -> float:
    """What it holds of the memory."""
    told = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(told[1]) / 1000 if told else 0.0


def _completed(database: Path) -> int:
    with closing(db.open_reader(database)) as reader:
        (found,) = reader.execute(
            "SELECT count(*) FROM turns WHERE status = 'completed'"
        ).fetchone()
        (sound,) = reader.execute("PRAGMA integrity_check").fetchone()
        (gaps,) = reader.execute("SELECT count(*) FROM gaps").fetchone()
    return int(found) if (sound, gaps) == ("ok", 0) else 0

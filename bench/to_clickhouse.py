"""How much a turn is on its way to a ClickHouse and in it, how quick that is, and what reports there take.

`python bench/to_clickhouse.py [TURNS]`: a made-up database is sent to today's engine (chdb) behind HTTP.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import big_database
from codex_telemetry.sections import ClickHouse
from codex_telemetry.sinks.clickhouse import Sink
from codex_telemetry.sinks.clickhouse_rows import Sender
from codex_telemetry.store.clickhouse.address import address
from codex_telemetry.store.clickhouse.connection import connect
from codex_telemetry.to_clickhouse import sender

ENGINE = Path(__file__).parents[1] / "tests" / "clickhouse" / "engine.py"


def measure(turns: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "telemetry.db"
        big_database.write(database, turns)
        with subprocess.Popen(
            [sys.executable, str(ENGINE), folder], stdout=subprocess.PIPE, text=True
        ) as engine:
            assert engine.stdout is not None
            url = f"clickhouse://127.0.0.1:{engine.stdout.readline().strip()}/bench"
            told = _send(database, url, turns, Path(folder) / "asked")
            told |= _reports(url)
            engine.kill()
    return told


def _send(database: Path, url: str, turns: int, asked: Path) -> dict[str, object]:
    own: Sender = sender(database, ClickHouse())
    sink = Sink(database, address("bench", url), own)
    began, used = time.monotonic(), _cpu_s()
    sink.send(_never)
    took, cpu = time.monotonic() - began, _cpu_s() - used
    sink.close()
    wire = sum(int(line.split()[0]) for line in asked.read_text().splitlines() if "INSERT" in line)
    with closing(connect(address("bench", url))) as there:
        for table in ("turns", "sessions", "limits"):
            there.command(f"OPTIMIZE TABLE {table} FINAL")
        sql = "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench' GROUP BY table"
        disk = {row[0]: int(row[1]) for row in there.rows(sql)[1]}
    return {
        "turns": turns,
        "bytes_a_turn_sent": round(wire / turns),
        "bytes_a_turn_on_disk": round(sum(disk.values()) / turns),
        "bytes_on_disk": disk,
        "turns_a_second": round(turns / took),
        "sender_cpu_s_per_1000_turns": round(1000 * cpu / turns, 3),
    }


def _reports(url: str) -> dict[str, object]:
    took = {}
    for words in (
        ["stats"],
        ["stats", "--by", "day"],
        ["tools"],
        ["tokens"],
        ["turns", "--last", "20"],
    ):
        began = time.monotonic()
        program = [sys.executable, "-m", "codex_telemetry", *words, "--store", url, "--json"]
        subprocess.run(program, stdout=subprocess.DEVNULL, check=True, env=os.environ)
        took[" ".join(words)] = round(time.monotonic() - began, 2)
    return {"seconds_of_reports": took}


def _never(seconds: float) -> bool:
    return seconds < 0


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000), indent=2))

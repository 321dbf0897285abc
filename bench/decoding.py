"""The least that a history takes in Python: each line is handed out, and what is read of it decoded; nothing
is kept. Two processes share the files, as a backfill's do.

`python bench/decoding.py HOME`
"""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from codex_telemetry.backfill.log_files import LogFile, look
from codex_telemetry.formats.rollout import table, wire
from codex_telemetry.inputs.opened import opened

HEAD = re.compile(
    rb'\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"(\w+","payload":\{(?:"type":"\w+")?)'
)


def decode(home: Path) -> None:
    logs = sorted(look(home).logs, key=lambda log: -log.file.size)
    halves = logs[0::4] + logs[3::4], logs[1::4] + logs[2::4]
    helper = os.fork()
    _decode(halves[helper == 0])
    if helper == 0:
        os._exit(0)
    os.waitpid(helper, 0)


def _decode(logs: Iterable[LogFile]) -> None:
    for log in logs:
        with opened(log.file) as rollout, Path(log.file.path).open("rb") as plain:
            for line in rollout.lines() if log.file.compressed else plain:
                if line is None or (head := HEAD.match(line)) is None:
                    continue
                known = table.HEADS.get(head[1])
                if known is not None:
                    try:
                        known.line(line)
                    except wire.UNREADABLE:
                        continue


if __name__ == "__main__":
    decode(Path(sys.argv[1]))

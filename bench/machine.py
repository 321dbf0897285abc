"""On what, when and by which command something was measured."""

import os
import platform
import sqlite3
import time
from pathlib import Path


def machine(how: str) -> str:
    return (
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())} by `{how}`: {_processor()}, "
        f"{os.cpu_count()} processors, {platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        described = []
    named = (line.partition(":")[2].strip() for line in described if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())

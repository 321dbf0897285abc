"""The tables, the sending and the reports, on today's engine."""

from pathlib import Path

ENGINE = Path(__file__).with_name("engine.py")

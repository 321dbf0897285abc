"""What the package says is read by another process, and is the same whoever reads it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from codex_telemetry import pricing
from codex_telemetry.pricing import apart, package
from codex_telemetry.settings import DEFAULT

IMPORTED = """
import sys
from codex_telemetry.pricing import apart
assert apart.read(0)[0]
print([name for name in ("genai_prices", "pydantic") if name in sys.modules])
"""


def test_another_process_reads_the_same() -> None:
    assert apart.read(7) == package.read(7)


def test_who_asks_imports_nothing_of_the_package() -> None:
    asked = subprocess.run(
        [sys.executable, "-P", "-c", IMPORTED], capture_output=True, text=True, check=True
    )
    assert asked.stdout == "[]\n"


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false", "/bin/echo"])
def test_where_no_other_can_be_had_this_one_reads(
    monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    assert apart.read(7) == package.read(7)


def test_who_asks_while_they_are_read_waits_and_they_are_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, begun, go_on = apart.read, Event(), Event()
    asked: list[int] = []

    def slowly(first_number: int) -> apart.Read:
        asked.append(first_number)
        begun.set()
        assert go_on.wait(30)
        return read(first_number)

    monkeypatch.setattr(apart, "read", slowly)
    wanted = pricing.wanted(DEFAULT)
    with ThreadPoolExecutor() as threads:
        one = threads.submit(wanted.read)
        assert begun.wait(30)
        other = threads.submit(wanted.read)
        go_on.set()
        assert one.result() == other.result() == package.read(0)
    assert asked == [0]

"""What the package says is read by another process, and is the same whoever reads it."""

import subprocess
import sys

import pytest

from codex_telemetry.pricing import apart, package

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

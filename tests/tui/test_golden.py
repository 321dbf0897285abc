"""What the view looks like, to the character. `GOLDEN=write` writes it anew."""

from pathlib import Path

import pytest

from at_work import RUNNING
from cli.test_golden import compare
from tui.conftest import Watching

SIZES = {"80": (80, 24), "120": (120, 40)}


@pytest.mark.parametrize("name", SIZES)
async def test_the_board(full: Path, watching: Watching, name: str) -> None:
    async with watching(SIZES[name]) as at:
        compare(f"top_{name}", await at.shows("completed") + "\n")


@pytest.mark.parametrize("name", SIZES)
async def test_a_turn_that_runs(full: Path, watching: Watching, name: str) -> None:
    async with watching(SIZES[name]) as at:
        await at.shows(RUNNING[:13])
        await at.press("down", "enter")
        compare(f"top_turn_{name}", await at.shows("so far") + "\n")


async def test_the_help(full: Path, watching: Watching) -> None:
    async with watching() as at:
        await at.press("question_mark")
        compare("top_help_80", await at.shows("quit") + "\n")


async def test_the_board_in_ascii(full: Path, watching: Watching) -> None:
    async with watching(unicode=False) as at:
        text = await at.shows("completed")
        assert text.isascii()
        compare("top_80_ascii", text + "\n")


async def test_before_there_is_a_database(watching: Watching) -> None:
    async with watching() as at:
        text = " ".join((await at.shows("there is no database yet")).split())
        assert "; fill it: codex-telemetry backfill, or" in text

"""Promises about the repository itself that no linter makes."""

import ast
import re
from pathlib import Path

import pytest

from checkout import CHECKOUT, files

PACKAGE = CHECKOUT / "collector" / "codex_telemetry"
MODULES = sorted(PACKAGE.rglob("*.py"))
PRINTS = "cli/show.py"
PROTOCOL = {"pump.py", "demo/replay.py"}
"""Write to stdout what Codex wrote, and nothing of their own."""
ANSWERS = {"pricing/apart.py"}
"""Is a process of its own, which answers the one that started it."""
WAYS = {
    "sys.stdout",
    "sys.__stdout__",
    "typer.echo",
    "click.echo",
    "rich.print",
    "rich.get_console",
}


def parts(*pieces: str) -> bytes:
    """A forbidden word that this file itself doesn't hold."""
    return "".join(pieces).encode()


@pytest.mark.parametrize(
    "forbidden",
    [
        parts("registry.", "npmjs"),
        parts("pypi.", "org"),
        parts("files.", "pythonhosted"),
        parts("--index", "-url"),
        parts("/wo", "rk/"),
        parts("../sha", "red"),
        parts("/tmp/", "cx"),
        parts("/ro", "ot/."),
    ],
    ids=lambda word: word.decode(),
)
def test_no_file_names_a_registry_or_a_folder_of_one_machine(forbidden: bytes) -> None:
    assert files()
    # After a letter it is the end of a longer path, such as that of a recording's own folder.
    word = re.compile(rb"(?<![A-Za-z0-9}])" + re.escape(forbidden))
    assert [str(path) for path in files() if word.search(path.read_bytes())] == []


def test_no_generated_file_is_files() -> None:
    generated = {"__pycache__", "node_modules", ".venv", ".cache", "dist", "build"}
    assert [str(path) for path in files() if generated & set(path.parts)] == []


def test_nothing_is_so_large_that_it_can_only_have_lain_about() -> None:
    assert [str(path) for path in files() if path.stat().st_size > 1_000_000] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_fits_in_a_head(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 320


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_show_writes_to_stdout(module: Path) -> None:
    """In `run` stdout is the protocol's: ruff finds `print`, this finds the other ways."""
    name = module.relative_to(PACKAGE).as_posix()
    if name == PRINTS or name in PROTOCOL | ANSWERS:
        return
    found = [
        f"{name}:{node.lineno}"
        for node in ast.walk(ast.parse(module.read_text()))
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and f"{node.value.id}.{node.attr}" in WAYS
        )
    ]
    assert found == []

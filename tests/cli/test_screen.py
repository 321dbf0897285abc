"""What a terminal gets, what a pipe gets, and what neither must ever get."""

import json
import os
import subprocess
from pathlib import Path

import pytest

import scenes
from codex_telemetry.core.identity import ItemId
from commands import PROGRAM, Command, on_a_terminal, run

T0 = scenes.T0

HOSTILE = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eabc\r\n"
"""It colours, sets the window's title, clears the screen, turns text round and returns the carriage."""

FORBIDDEN = ("\x1b", "\x07", "\x9b", "\u202e", "\r")


@pytest.fixture
def hostile(database: Path) -> Path:
    """A turn all of whose names are hostile."""
    name = scenes.told(HOSTILE)
    session = scenes.session(cwd=name, client_name=name, git_branch=name, cli_version=name)
    items = {
        ItemId("i1"): scenes.item("command", T0 + 100, T0 + 200, name.value),
        ItemId("i2"): scenes.item("mcp_tool", T0 + 300, T0 + 400, name.value),
    }
    turn = scenes.turn(
        session, T0, items=items, model=name, effort=name, cwd=name, cli_version=name,
        error_kind=name, responses={100: scenes.response(T0 + 500, 150, name.value)},
    )  # fmt: skip
    return scenes.write(database, session, turn)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    "words",
    [
        ["turns"],
        ["stats", "--by", "model"],
        ["stats", "--by", "project"],
        ["stats", "--by", "client"],
        ["tools"],
        ["turn", "--last"],
        ["sessions"],
        ["session", scenes.uuid7(T0)],
        *(["tools", form] for form in ("--json", "--ndjson", "--csv")),
        *(["turns", form] for form in ("--json", "--ndjson", "--csv")),
        *(["turn", "--last", form] for form in ("--json", "--ndjson", "--csv")),
    ],
    ids=" ".join,
)
def test_a_hostile_name_never_reaches_a_terminal(words: list[str]) -> None:
    answer = on_a_terminal(*words, columns=200, env={"NO_COLOR": "1"})
    assert answer.code == 0
    assert not [c for c in FORBIDDEN if c in answer.out]
    assert "red" in answer.out


@pytest.mark.usefixtures("hostile")
def test_json_keeps_the_name_as_it_is(cli: Command) -> None:
    (turn,) = json.loads(cli("turns", "--json").out)
    assert turn["cwd"] == HOSTILE


def test_a_hostile_id_is_not_echoed(cli: Command, week: Path) -> None:
    answer = cli("turn", HOSTILE)
    assert answer.code != 0
    assert not [c for c in FORBIDDEN if c in answer.err]
    assert answer.err.count("\n") == 1


def _many(database: Path, n: int) -> None:
    session = scenes.session()
    turns = [scenes.turn(session, T0 + i * 60_000, n=i) for i in range(n)]
    scenes.write(database, session, *turns)


def test_a_terminal_shows_the_newest_twenty_and_says_how_many_more(database: Path) -> None:
    _many(database, 25)
    answer = on_a_terminal("turns", env={"NO_COLOR": "1"})
    rows = answer.out.splitlines()
    assert len(rows) == 1 + 20
    assert rows[-1].startswith(scenes.uuid7(T0 + 24 * 60_000)[:13])
    assert answer.err.startswith("5 earlier turns: --last N shows more")


def test_a_terminal_shows_as_many_as_are_asked_for(database: Path) -> None:
    _many(database, 25)
    answer = on_a_terminal("turns", "--last", "23")
    assert len(answer.out.splitlines()) == 1 + 23
    assert answer.err == ""


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_a_table_is_never_wider_than_the_terminal(week: Path, columns: int) -> None:
    for words in (["turns"], ["sessions"]):
        out = on_a_terminal(*words, columns=columns, env={"NO_COLOR": "1"}).out
        assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
        assert out.startswith(words[0][:-1])


def test_colour_is_for_terminals_that_want_it(week: Path) -> None:
    assert "\x1b[32m" in on_a_terminal("turns").out
    assert "\x1b" not in on_a_terminal("turns", env={"NO_COLOR": "1"}).out
    assert "\x1b" not in on_a_terminal("turns", env={"TERM": "dumb"}).out
    assert "\x1b" not in run("turn", "--last").out
    assert "\x1b[" in run("turn", "--last", env={"FORCE_COLOR": "1"}).out


def test_without_colour_the_same_is_said(week: Path) -> None:
    bare = on_a_terminal("turn", "--last", env={"NO_COLOR": "1"}).out
    coloured = on_a_terminal("turn", "--last").out
    stripped = "".join(
        part.partition("m")[2] if n else part for n, part in enumerate(coloured.split("\x1b["))
    )
    assert [line.rstrip() for line in stripped.splitlines()] == bare.splitlines()


def test_a_terminal_that_knows_no_unicode_gets_ascii(week: Path) -> None:
    answer = run("turn", f"{scenes.uuid7(T0)}:0", env={"PYTHONIOENCODING": "latin-1"})
    assert answer.code == 0
    assert answer.out.isascii()
    assert "??????####" in answer.out


def test_nothing_there_is_said_beside_the_data(week: Path) -> None:
    answer = on_a_terminal("turns", "--model", "none")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "no turns match\n"


@pytest.mark.parametrize("form", ["--json", "--ndjson", "--csv", "--tz=UTC"])
def test_a_reader_that_has_enough_ends_it_quietly(database: Path, form: str) -> None:
    _many(database, 1_500)
    with subprocess.Popen(
        [*PROGRAM, "turns", form], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_full_disk_is_one_line(week: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "turns", "--json"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"codex-telemetry: cannot write the output: No space left on device\n"


def test_a_closed_stdout_is_one_line(week: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "turns"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"stdout is closed" in done.stderr


def test_a_list_takes_the_memory_of_one_row(database: Path) -> None:
    """Streamed: the first row is out before the last one is read."""
    script = """
import sys, tracemalloc
from codex_telemetry.cli import show
from codex_telemetry.reports.shaping import shaped
from codex_telemetry.reports.shapes import Item
class Row(tuple):
    def keys(self): return Item.__struct_fields__
def rows():
    for n in range(20_000):
        yield Row(["x" * 200, *[None] * (len(Item.__struct_fields__) - 1)])
sys.stdout = open("/dev/null", "w")
tracemalloc.start()
show.json_list(shaped(Item, rows()))
print(tracemalloc.get_traced_memory()[1], file=sys.stderr)
"""
    answer = run(python=("-c", script))
    assert int(answer.err) < 2_000_000

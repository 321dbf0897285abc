"""What a command says when something is wrong."""

from pathlib import Path

from commands import Answer, run
from faults.conftest import Conversation
from faults.counted import beyond, things, tokens
from saved import query


def one_line(answer: Answer) -> str:
    """A failure: nothing to stdout, and one line for a person."""
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("codex-telemetry: ")
    assert answer.err.count("\n") == 1
    return answer.err


def quietly(answer: Answer) -> None:
    """It does what it was asked to, and nobody hears that anything was the matter."""
    assert (answer.code, answer.err) == (0, "")


def report(database: Path) -> Answer:
    return run("turns", "--json", f"--db={database}")


def backfill(database: Path, told: Conversation) -> Answer:
    return run("backfill", f"--db={database}", f"--codex-home={told.home}")


def hastily(database: Path, told: Conversation, patience_s: float) -> Answer:
    """`backfill` that waits so long for its turn among others who write."""
    code = (
        "import sys; from codex_telemetry import history; from codex_telemetry.cli import app\n"
        f"history.PATIENCE_S = {patience_s}; sys.exit(app.run(sys.argv[1:]))"
    )
    return run(python=("-c", code, "backfill", f"--db={database}", f"--codex-home={told.home}"))


def is_complete(database: Path, told: Conversation) -> None:
    """Once the logs are read: sound, nothing is missing that they tell, nothing is there twice."""
    answer = backfill(database, told)
    assert answer.code == 0, answer.err
    assert query(database, "PRAGMA integrity_check") == [("ok",)]
    found = things(database)
    assert beyond(things(told.logged), found) == []
    assert beyond(found, told.both) == []
    assert tokens(database) == tokens(told.logged)

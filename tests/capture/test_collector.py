"""The collector and content: kept sealed or dropped, wherever it writes; and no heavier without a grant."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from canary import leaks
from capture.granting import end, grant, kept
from codex_telemetry.core.batch import Batch
from codex_telemetry.store import grants, spool
from collecting import Place, a_plain_turn, finish, started
from recordings import Recordings
from saved import query

WORK = "/home/canary"

SLIM = """
import sys
from codex_telemetry import config, pipeline
pipeline.collect(config.paths(sys.argv[1]))
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for folder in ("temp", "own"):
        (tmp_path / folder).mkdir(mode=0o700)
    return Place(tmp_path)


def test_what_is_granted_is_kept_sealed(place: Place, recordings: Recordings) -> None:
    story = a_plain_turn(recordings)
    grant(place.database, WORK, at=0)
    finish(place.collector(), started() + story.before + story.end)
    assert sorted(kept(place.database)) == [
        "**CANARY-REASON-1** thinking about it",
        "CANARY-ANSWER-1 done plain plain text",
        "CANARY-PROMPT-1 please [[script:plain]]",
    ]
    assert leaks(place.folder) == []


def test_without_a_grant_nothing_is_kept(place: Place, recordings: Recordings) -> None:
    story = a_plain_turn(recordings)
    grant(place.database, "/home/canary/other", at=0)
    finish(place.collector(), started() + story.before + story.end)
    assert query(place.database, "SELECT count(*) FROM turns") == [(1,)]
    assert kept(place.database) == []


def test_a_grant_taken_back_while_a_turn_runs_holds_no_more(
    place: Place, recordings: Recordings
) -> None:
    story = a_plain_turn(recordings)
    grant(place.database, WORK, at=0)
    collector = place.collector()
    assert collector.stdin is not None
    collector.stdin.write(started())
    collector.stdin.flush()
    end(place.database, WORK)
    finish(collector, story.before + story.end)
    assert query(place.database, "SELECT count(*) FROM turns") == [(1,)]
    assert kept(place.database) == []


def test_what_cannot_be_saved_is_spooled_without_content(
    place: Place, recordings: Recordings
) -> None:
    """Not even sealed: the key may be gone by the time the file is found. The logs have it."""
    story = a_plain_turn(recordings)
    grant(place.database, WORK, at=0)
    with closing(sqlite3.connect(place.database, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        finish(place.collector(patience_s=0.3), started() + story.before + story.end)
        db.execute("ROLLBACK")
    (spooled,) = place.spooled
    held = spool._decode(spooled.read_bytes())
    assert held.turns
    assert held.cleared == []
    assert leaks(place.folder) == []


def test_content_that_waits_counts_by_its_size() -> None:
    from capture.granting import heard
    from codex_telemetry.core.gate import clear

    batch = Batch("live", "launch")
    big = heard("x" * 60_000, WORK)
    assert not batch
    batch.keep(clear(big, None))
    assert not batch
    assert batch.facts == 0


def test_large_content_fills_a_batch_sooner(tmp_path: Path) -> None:
    from capture.granting import heard
    from codex_telemetry.core.gate import clear

    grant(tmp_path / "t.db", tmp_path)
    batch, said = Batch("live", "launch"), heard("x" * 60_000, tmp_path)
    batch.keep(clear(said, grants.load(tmp_path / "t.db").covering(said)))
    assert batch.facts > 50


def test_without_a_grant_nothing_of_it_is_imported(place: Place, recordings: Recordings) -> None:
    import subprocess
    import sys

    story = a_plain_turn(recordings)
    done = subprocess.run(
        [sys.executable, "-c", SLIM, str(place.database)],
        input=started() + story.before + story.end,
        env=place.env,
        capture_output=True,
        check=True,
    )
    modules = set(done.stderr.decode().split())
    assert "aiosqlite" in modules
    assert not modules & {"nacl", "keyring", "cffi"}
    assert query(place.database, "SELECT count(*) FROM turns") == [(1,)]

"""What the collector holds between its ears and its hands: counted once, bounded, tried again."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from codex_telemetry import hearing as module
from codex_telemetry.core.facts import Drift, Gap, Said, TurnFacts, Weight
from codex_telemetry.core.identity import TurnId
from codex_telemetry.formats.base import Direction, Stamp
from codex_telemetry.hearing import Hearing
from codex_telemetry.inputs.live import Line, Lost
from codex_telemetry.store import db, keeper
from codex_telemetry.store.keeper import Keeper
from codex_telemetry.unrecognised import Waiting
from saved import batch, query, thread, turn

UNKNOWN = Drift("0.999.0", "thing/happened", "unknown notification")


class Reader:
    """A reader that has a mistake of ours in it, or knows nothing."""

    codex_version = "0.999.0"

    def __init__(self) -> None:
        self.gaps: list[Direction] = []

    def read(self, _: Direction, line: bytes, at: Stamp) -> Iterator[Drift]:
        yield UNKNOWN
        if line == b"mistake":
            raise ZeroDivisionError("CANARY-VALUE")

    def lost(self, sent_by: Direction) -> None:
        self.gaps.append(sent_by)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    reader = Reader()
    monkeypatch.setattr("codex_telemetry.formats.streams.recognise", lambda *_, **__: reader)
    return reader


def test_a_mistake_in_a_reader_is_counted_by_its_name_alone(reader: Reader) -> None:
    hearing = Hearing()
    for text in (b"mistake", b"fine", b"mistake"):
        hearing.hear(Line(True, 0, 0, text))
    counts = {(name, reason): count.n for (_, name, reason), count in hearing.take().drift.items()}
    assert counts == {
        ("thing/happened", "unknown notification"): 3,
        ("(reader)", "ZeroDivisionError"): 2,
    }


def test_drift_is_counted_from_the_launchs_start(reader: Reader) -> None:
    """So a batch that is saved twice, or joined with the one after it, counts nothing twice."""
    hearing = Hearing()
    batches = []
    for _ in range(3):
        hearing.hear(Line(True, 0, 0, b""))
        batches.append(hearing.take())
    assert [count.n for one in batches for count in one.drift.values()] == [1, 2, 3]
    first, second, third = batches
    second.take(third)
    first.take(second)
    assert [count.n for count in first.drift.values()] == [3]


def test_a_reader_is_told_of_each_gap_and_of_which_side(reader: Reader) -> None:
    hearing = Hearing()
    hearing.hear(Line(True, 0, 0, b""))
    hearing.hear(Lost(True, 7, 100, "copies dropped"))
    hearing.hear(Lost(False, 8, None, "copies dropped"))  # type: ignore[arg-type]
    assert reader.gaps == ["server", "client"]
    assert hearing.take().gaps == [
        Gap(7, 100, "copies dropped"),
        Gap(8, None, "copies dropped"),
    ]


async def listens_on(hearing: Hearing, within_s: float) -> bool:
    with anyio.move_on_after(within_s) as listening:
        await hearing.heard_some()
    return not listening.cancelled_caught


async def test_it_listens_no_further_than_it_can_hold(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_HEARD", 10)
    hearing = Hearing()
    for _ in range(11):
        hearing.hear(Line(True, 0, 0, b""))
    assert not await listens_on(hearing, 0.05)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hearing.heard_some)
        await hearing.gather(60)  # at once: it is full
        hearing.take()
    assert await listens_on(hearing, 5)


async def test_a_turn_that_has_ended_waits_for_nothing_more_to_be_heard(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, ended = (TurnFacts(TurnId("t"), status=s) for s in (None, Said("completed", Weight.LIVE)))
    told = iter((runs, ended, runs))
    monkeypatch.setattr(reader, "read", lambda *_: [next(told)])
    hearing = Hearing()
    for is_at_once in (False, True, False):
        hearing.hear(Line(True, 0, 0, b""))
        await hearing.heard_some()
        with anyio.move_on_after(5 if is_at_once else 0.05) as waiting:
            await hearing.gather(60)
        assert waiting.cancelled_caught is not is_at_once
        hearing.take()


def spooled(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


async def test_what_cannot_be_saved_is_spooled_once_in_its_patience(tmp_path: Path) -> None:
    path, folder = tmp_path / "telemetry.db", tmp_path / "spool"
    db.prepare(path, [*db.migrations(), "CREATE TABLE from_the_future (x INTEGER) STRICT;"])
    patient = Keeper(path, [folder], patience_s=0.2)
    files = []
    for n in range(4):
        if n == 2:
            await anyio.sleep(0.25)  # more than its patience
        await patient.keep(batch("a", turn(n, thread(n))), last=False)
        files.append(len(spooled(folder)))
    assert files == [0, 0, 1, 1]
    await patient.keep(batch("a"), last=True)
    assert patient.is_done
    assert len(spooled(folder)) == 2
    await patient.close()


async def test_a_mistake_of_ours_in_saving_leaves_the_facts_for_a_later_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = tmp_path / "telemetry.db", tmp_path / "spool"

    async def mistaken(*_: object) -> None:
        raise ZeroDivisionError

    mended = Keeper(path, [folder])
    with monkeypatch.context() as patch:
        patch.setattr("codex_telemetry.store.writer.save_rows", mistaken)
        patch.setattr("codex_telemetry.store.writer.MOST_UNSOUND", 0)
        await mended.keep(batch("a", turn(0, thread(0))), last=False)
    assert mended.is_done
    assert len(spooled(folder)) == 1
    await mended.keep(batch("a", turn(1, thread(1))), last=True)
    await mended.close()
    assert query(path, "SELECT count(*) FROM turns") == [(2,)]
    assert spooled(folder) == []


async def test_what_waits_in_the_spool_never_holds_up_what_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object) -> int:
        raise OSError

    monkeypatch.setattr("codex_telemetry.store.spool.take_in", failing)
    one = Keeper(tmp_path / "telemetry.db", [tmp_path / "spool"])
    await one.keep(batch("a", turn(0, thread(0))), last=False)
    assert one.is_done
    await one.close()
    assert query(tmp_path / "telemetry.db", "SELECT count(*) FROM turns") == [(1,)]


async def test_gaps_that_were_heard_outlive_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MOST_UNSAVED", 5)
    path = tmp_path / "telemetry.db"
    path.mkdir()
    full = Keeper(path, [])
    many = batch("a", Gap(7, 100, "copies dropped"), *(turn(n, thread(n)) for n in range(9)))
    await full.keep(many, last=False)
    path.rmdir()
    await full.keep(batch("a", turn(9, thread(9))), last=True)
    await full.close()
    assert query(path, "SELECT reason, dropped_bytes FROM gaps ORDER BY at") == [
        ("copies dropped", 100),
        (keeper.NOWHERE, None),
    ]
    assert query(path, "SELECT count(*) FROM turns") == [(1,)]


STARTED = (
    b'{"method":"thread/started","params":{"thread":{"id":"01a20725-91e0-7623-a584-7c5153a12fec"}}}'
)
INITIALIZE = b'{"id":1,"method":"initialize","params":{"clientInfo":{"name":"editor"}}}'


def test_of_a_program_that_is_no_codex_nothing_is_kept_not_even_what_was_lost() -> None:
    hearing = Hearing()
    hearing.hear(Line(False, 1, 0, INITIALIZE))
    hearing.hear(Lost(True, 2, 100, "line too long"))
    hearing.hear(Line(True, 3, 0, b'{"jsonrpc":"2.0","method":"thread/spoken"}'))
    assert not hearing.take()
    assert hearing.began is None


def test_once_it_is_known_what_came_before_is_told() -> None:
    hearing = Hearing()
    hearing.hear(Line(False, 1_000, 0, INITIALIZE))
    hearing.hear(Lost(True, 2, 100, "line too long"))
    hearing.hear(Line(True, 3, 0, STARTED))
    told = hearing.take()
    assert told.gaps == [Gap(2, 100, "line too long")]
    (session,) = told.sessions.values()
    assert session.client_name is not None
    assert session.client_name.value == "editor"
    assert hearing.began == 1.0


def test_what_a_client_says_to_another_program_is_held_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codex_telemetry.unrecognised.MOST_WAITING", 1_000)
    waiting = Waiting()
    for n in range(100):
        waiting.take(Line(False, n, 0, b"x" * 150))
        waiting.lost(Gap(n, 1, "copies dropped"))
    assert len(waiting.lines) == 4
    assert len(waiting.gaps) == 100
    waiting.lost(Gap(100, 1, "copies dropped"))
    assert len(waiting.gaps) == 100

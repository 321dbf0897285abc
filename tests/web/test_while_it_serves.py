"""What happens to the database while it serves is told by a page that recovers, never by a traceback."""

import contextlib
import http.client
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import scenes
from codex_telemetry.errors import UserError
from codex_telemetry.store import ours, queries
from codex_telemetry.web.views import turns
from store_of import until
from web.conftest import made, source_of, write
from web.dashboard import Dashboard, dashboard


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Dashboard, Path]]:
    """One whose database may be harmed."""
    tmp_path.chmod(0o700)
    database = write(tmp_path / "telemetry.db")
    with dashboard(tmp_path) as found:
        yield found, database


def test_a_database_that_is_gone_and_comes_back(own: tuple[Dashboard, Path]) -> None:
    served, database = own
    kept = database.with_name("kept")
    database.rename(kept)
    answer = served.ask("/")
    assert answer.status == 503
    assert "there is no database" in answer.text
    assert 'role="alert"' in answer.text
    kept.rename(database)
    assert served.ask("/").status == 200


def test_a_database_that_is_replaced_by_another(own: tuple[Dashboard, Path]) -> None:
    served, database = own
    other = scenes.write(
        database.with_name("other.db"),
        scenes.session(),
        scenes.turn(scenes.session(), scenes.T0 + 5_000, 1_000),
    )
    other.replace(database)
    assert "1 turn<" in served.ask("/turns").text


def test_a_file_that_is_no_database(own: tuple[Dashboard, Path]) -> None:
    served, database = own
    shutil.copy(database, database.with_name("kept"))
    database.with_name("no.db").write_bytes(b"no database at all" * 500)
    database.with_name("no.db").replace(database)
    answer = served.ask("/turns")
    assert answer.status == 503
    assert "Traceback" not in answer.text
    database.with_name("kept").replace(database)
    assert served.ask("/turns").status == 200


def test_it_shows_while_another_writes(own: tuple[Dashboard, Path]) -> None:
    served, database = own
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert served.ask("/turns").status == 200


def test_where_even_readers_wait_a_page_gives_up_sooner_than_a_command(tmp_path: Path) -> None:
    database = write(tmp_path / "telemetry.db")
    waits = []
    for opened in (queries.only_reading, queries.reading):
        with opened(database) as db:
            waits += db.execute("PRAGMA busy_timeout").fetchone()
    assert waits == [queries.PATIENCE_MS, ours.BUSY_MS]
    assert queries.PATIENCE_MS < 1_000
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("UPDATE turns SET model = model")  # from here on it is locked, and has a journal
        with pytest.raises(UserError, match="locked"), queries.only_reading(database):
            pass


def test_a_turn_that_is_not_there_is_not_found(own: tuple[Dashboard, Path]) -> None:
    served, _ = own
    assert served.ask("/turn?id=ffffffff").status == 404
    assert served.ask("/turn/content?id=ffffffff").status == 404
    assert served.ask("/turn").status == 400


def test_an_order_that_is_not_of_time_ends_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SIZE", 1)
    monkeypatch.setattr(turns, "DEEPEST", 2)
    database = scenes.write(tmp_path / "telemetry.db", *scenes.week())
    source = source_of(database)
    by_time = made(turns.view, source, now=scenes.T0, page="6")
    assert (by_time["pages"], by_time["number_of_page"], by_time["beyond"]) == (6, 6, None)
    longest = made(turns.view, source, now=scenes.T0, page="6", order="duration_ms")
    assert (longest["pages"], longest["number_of_page"], longest["beyond"]) == (2, 2, 2)


def test_it_changes_nothing(own: tuple[Dashboard, Path]) -> None:
    served, database = own
    before = database.read_bytes()
    for path in ("/", "/turns", "/turns/charts", "/sessions", "/health/checks"):
        assert served.ask(path).status == 200
    assert database.read_bytes() == before


def test_its_health_is_that_of_a_database_as_it_is(own: tuple[Dashboard, Path]) -> None:
    """`doctor` would bring it up to date; a page changes nothing."""
    served, database = own
    with contextlib.closing(sqlite3.connect(database)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute(f"PRAGMA user_version = {version - 1}")
    answer = served.ask("/health/checks")
    assert answer.status == 200
    assert "one of an older version" in answer.text
    with contextlib.closing(sqlite3.connect(database)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version - 1,)


def test_labels_stand_for_names_on_every_page(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    write(tmp_path / "telemetry.db")
    with dashboard(tmp_path, "--redact") as served:
        session = f"/session?id={scenes.uuid7(scenes.T0)}"
        for path in ("/", "/turns", "/sessions", session, "/tools/calls?by=server", "/startups"):
            text = served.ask(path).text
            assert "/home/me" not in text, path
            assert ">docs<" not in text, path
        assert "server-" in served.ask("/startups").text


def test_pages_are_told_when_something_was_written(own: tuple[Dashboard, Path]) -> None:
    served, database = own
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, 20)) as line:
        line.request(
            "GET", "/events", headers={"Cookie": served.cookie, "Host": f"127.0.0.1:{served.port}"}
        )
        answer = line.getresponse()
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        assert _next(answer) == "hello"
        # Its first look only says how things are: somebody writes until it's told.
        told = threading.Event()
        with ThreadPoolExecutor(1) as apart:
            apart.submit(_write_until, told, database)
            try:
                assert _next(answer) == "changed"
            finally:
                told.set()


def _write_until(told: threading.Event, database: Path) -> None:
    session = scenes.session(n=30)
    for n in range(100):
        turn = scenes.turn(session, scenes.T0 + n * 5_000, 1_000, n=n + 40)
        scenes.write(database, session, turn)
        if told.wait(0.3):
            return


def test_it_ends_at_once_though_a_page_listens(own: tuple[Dashboard, Path], tmp_path: Path) -> None:
    served, _ = own
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, 20)) as line:
        line.request(
            "GET", "/events", headers={"Cookie": served.cookie, "Host": f"127.0.0.1:{served.port}"}
        )
        assert _next(line.getresponse()) == "hello"
        served.process.send_signal(signal.SIGINT)
        until(lambda: served.process.poll() is not None)
    assert (tmp_path / "stderr").read_text() == ""


def _next(answer: http.client.HTTPResponse) -> str:
    """The name of the next event."""
    while not (line := answer.readline()).startswith(b"event: "):
        assert line
    return line.decode().removeprefix("event: ").strip()

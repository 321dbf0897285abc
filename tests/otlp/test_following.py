"""Live data goes out as turns end and have settled: in the foreground, and by the watch in the background."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import codex_telemetry
from backfill.codex_home import place
from codex_telemetry.sections import Otlp
from codex_telemetry.settings import Settings
from codex_telemetry.sinks.otlp import export
from commands import PROGRAM
from otlp_receiver import Receiver, Says, attributes
from recordings import Recordings
from saved import batch, query, save, thread, turn
from store_of import rows, until


@contextmanager
def following(database: Path, settings: Otlp, *, from_now: bool = False) -> Iterator[None]:
    """In a thread of this process, as the background has it; ended by being told."""
    ended = threading.Event()

    def pause(seconds: float) -> bool:
        return not ended.wait(min(seconds, 0.02))

    def run() -> None:
        with export.opened(
            database, Settings(otlp=settings), pause, environ=dict(os.environ)
        ) as it:
            export.follow(it, pause, from_now=from_now)

    thread_ = threading.Thread(target=run)
    thread_.start()
    try:
        yield
    finally:
        ended.set()
        thread_.join(20)
        assert not thread_.is_alive()


def turns(receiver: Receiver) -> list[str]:
    found = (attributes(span).get("codex_telemetry.turn.id") for span in receiver.spans)
    return [turn_id for turn_id in found if turn_id]


@pytest.fixture
def database(home: Path) -> Path:
    path = home / "telemetry.db"
    save(path, batch("a", turn(1, thread(1))))
    return path


def test_what_ends_is_sent_and_what_runs_is_not(database: Path, receiver: Receiver) -> None:
    with following(database, Otlp(settle_seconds=0)):
        until(lambda: len(turns(receiver)) == 1)
        running = turn(2, thread(1), status=None, duration=None, ends={})
        save(database, batch("b", running, turn(3, thread(1))))
        until(lambda: len(turns(receiver)) == 2)
        save(database, batch("b", turn(2, thread(1))))
        until(lambda: len(turns(receiver)) == 3)
    assert len(set(turns(receiver))) == 3


def test_a_turn_is_sent_once_when_it_has_settled(database: Path, http: Receiver) -> None:
    with following(database, Otlp(settle_seconds=1)):
        for total in (200, 300):
            save(database, batch("b", turn(1, thread(1), total=total)))
        until(lambda: turns(http))
    assert len(turns(http)) == 1
    assert sum(span.name.startswith("chat") for span in http.spans) == 3


def test_what_was_there_before_it_was_enabled_stays_there(database: Path, http: Receiver) -> None:
    with following(database, Otlp(settle_seconds=0), from_now=True):
        until(lambda: query(database, "SELECT 1 FROM sink_cursors"))
        late = turn(2, thread(1))
        save(database, batch("b", late))
        until(lambda: turns(http))
        until(lambda: http.metrics)
    assert turns(http) == [late.turn_id]
    counted = http.points()["gen_ai.invoke_agent.duration"].histogram.data_points
    assert sum(point.count for point in counted) <= 1


def test_one_that_comes_back_gets_what_waited(database: Path, http: Receiver) -> None:
    http.always = Says(503)
    with following(database, Otlp(settle_seconds=0)):
        until(lambda: rows(database, "SELECT 1 FROM sink_cursors WHERE error NOT NULL"))
        save(database, batch("b", turn(2, thread(1))))
        http.always = None
        until(lambda: len(set(turns(http))) == 2)
    assert query(database, "SELECT error FROM sink_cursors") == [(None,)]


def test_it_goes_on_where_it_was_and_does_not_double(database: Path, http: Receiver) -> None:
    with following(database, Otlp(settle_seconds=0)):
        until(lambda: turns(http))
    save(database, batch("b", turn(2, thread(1))))
    with following(database, Otlp(settle_seconds=0)):
        until(lambda: len(turns(http)) == 2)
    assert len(set(turns(http))) == 2


def test_the_collector_and_run_know_nothing_of_it() -> None:
    package = Path(codex_telemetry.__file__).parent
    for name in ("pump", "relay", "tee", "pipeline", "hearing", "main", "shimmed"):
        text = (package / f"{name}.py").read_text()
        assert "otlp" not in text
        assert "sending_on" not in text


@pytest.mark.alone
def test_the_watch_in_the_background_sends_what_is_logged(
    home: Path, http: Receiver, tmp_path: Path, recordings: Recordings
) -> None:
    (home / "config.toml").write_text(
        f'[otlp]\nenabled = true\nsettle_seconds = 0\nendpoint = "{http.url}"\n'
    )
    logs = place([], tmp_path / "codex")
    (logs / "sessions").mkdir(parents=True, exist_ok=True)
    words = ["backfill", "--watch", f"--codex-home={logs}"]
    with subprocess.Popen([*PROGRAM, *words], stdout=-3, stderr=subprocess.PIPE) as watch:
        try:
            until(lambda: rows(home / "telemetry.db", "SELECT 1 FROM sink_cursors"))
            place([recordings.one("0.169.0/b_shell")], logs)
            until(lambda: turns(http), 60)
        finally:
            watch.send_signal(signal.SIGTERM)
            _, said = watch.communicate(timeout=20)
    assert watch.returncode == 0, said


@pytest.mark.alone
def test_in_the_foreground_ctrl_c_ends_it(database: Path, http: Receiver, home: Path) -> None:
    (home / "config.toml").write_text("[otlp]\nsettle_seconds = 0\n")
    words = ["export", "otlp", "--follow", "--json"]
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=-1) as follow:
        try:
            until(lambda: turns(http))
        finally:
            follow.send_signal(signal.SIGINT)
            out, _ = follow.communicate(timeout=20)
    assert (follow.returncode, b'"turns":1' in out.replace(b" ", b"")) == (0, True)

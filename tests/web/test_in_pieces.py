"""The head of a page is with the browser before what it shows has been worked out; what goes wrong then is
said in the page."""

import contextlib
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import scenes
from codex_telemetry.reports import limits
from codex_telemetry.web.app import made
from codex_telemetry.web.guard import Doors
from codex_telemetry.web.server import listen
from web.conftest import source_of, write
from web.dashboard import dashboard


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    """Of a dashboard in this process, where a view can be held up."""
    source = source_of(write(tmp_path / "telemetry.db"))
    with listen(0) as at:
        doors = Doors.made(at.getsockname()[1])
        pages, _ = made(source, doors)
        server = uvicorn.Server(uvicorn.Config(pages, log_config=None, lifespan="off"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [at]})
        serving.start()
        try:
            yield doors
        finally:
            server.should_exit = True
            serving.join()


@contextlib.contextmanager
def asked(doors: Doors, path: str) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", doors.port), 10) as line:
        told = f"Host: 127.0.0.1:{doors.port}\r\nCookie: {doors.cookie}={doors.token}"
        line.sendall(f"GET {path} HTTP/1.1\r\n{told}\r\nConnection: close\r\n\r\n".encode())
        yield line


def heard(line: socket.socket, until: bytes) -> bytes:
    """Nothing more is taken than had come by then."""
    got = b""
    while until not in got:
        more = line.recv(65_536)
        assert more, got
        got += more
    return got


def test_the_menu_is_there_before_what_the_page_shows_is_worked_out(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, worked_out = threading.Event(), limits.latest

    def held_up(*given: Any) -> Any:
        assert go_on.wait(20)
        return worked_out(*given)

    monkeypatch.setattr(limits, "latest", held_up)
    try:
        with asked(doors, "/") as line:
            early = heard(line, b"</header>")
            assert early.startswith(b"HTTP/1.1 200 ")
            assert b"/app.css" in early
            assert b'aria-current="page">Now</a>' in early
            assert b"Last turns" not in early
            go_on.set()
            assert b"Last turns" in heard(line, b"</html>")
    finally:
        go_on.set()


def test_a_mistake_behind_the_head_is_said_in_the_page(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "latest", lambda *_: 1 // 0)
    with asked(doors, "/") as line:
        whole = heard(line, b"</html>")
    assert whole.startswith(b"HTTP/1.1 200 ")
    assert b'role="alert"' in whole
    assert b"a mistake of the program: ZeroDivisionError at" in whole
    with asked(doors, "/?fragment=1") as line:
        part = heard(line, b"Try again")
    assert part.startswith(b"HTTP/1.1 500 ")


def test_a_database_that_fails_behind_the_head_is_said_as_one_that_fails_before(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    database = write(tmp_path / "telemetry.db")
    with dashboard(tmp_path) as served:
        with contextlib.closing(sqlite3.connect(database)) as db:
            db.execute("DROP INDEX turns_measured")
        page, part = served.ask("/"), served.ask("/?fragment=1")
    assert (page.status, part.status) == (200, 503)
    for answer in (page, part):
        assert "cannot read the database" in answer.text
        assert "codex-telemetry doctor says more" in answer.text
        assert 'role="alert"' in answer.text
    assert page.text.count("<h1") == 1
    assert page.text.endswith("</html>")


REFUSED = [
    *("/turns?order=x", "/turns?page=x", "/turns?since=x", "/turns/charts?compare=x"),
    *(
        "/turn",
        "/session",
        f"/session?id={scenes.uuid7(scenes.T0)}&page=x",
        "/sessions?page=x",
        "/sessions?since=x",
    ),
    *("/tools?by=x", "/tools?since=x", "/tools/calls?by=x", "/tools/calls?rows=x"),
    *("/tools/calls?since=x", "/tokens?by=x", "/tokens?since=x", "/tokens/figures?by=x"),
    *("/tokens/figures?since=x", "/tokens/unpriced?since=x", "/tokens/year?year=x"),
    *("/limits?since=x", "/limits/history?since=x", "/startups?since=x", "/versions?since=x"),
]


def test_what_is_refused_is_refused_before_the_head_and_its_status(doors: Doors) -> None:
    for path, status in [*((path, 400) for path in REFUSED), ("/turn?id=ffffffff", 404)]:
        with asked(doors, path) as line:
            whole = heard(line, b"</html>")
        assert whole.startswith(f"HTTP/1.1 {status} ".encode()), path
        assert whole.count(b"<header class=") == 1

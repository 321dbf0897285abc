"""Answers Prometheus on this machine: `GET /metrics` and nothing else, to nobody from elsewhere."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST

SLOW_S = 5.0
"""A client that takes longer to ask or to read is let go: the next one is waiting."""

Stamp = tuple[int, int, int]


def server(host: str, port: int, database: Path, told: Callable[[], bytes]) -> HTTPServer:
    """A server that is bound; `told` makes what is answered, anew once the database has changed.

    Raises `OSError` where it can't listen there.
    """

    class Scrape(BaseHTTPRequestHandler):
        timeout = SLOW_S
        made: tuple[list[Stamp | None], bytes] | None = None

        def do_GET(self) -> None:
            if self.headers.get("Host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):
                self.send_error(403)  # a page whose name was made to lead here
            elif self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
            else:
                self._answer()

        def _answer(self) -> None:
            now = [_stamp(database), _stamp(database.with_name(f"{database.name}-wal"))]
            if Scrape.made is None or Scrape.made[0] != now:
                try:
                    Scrape.made = (now, told())
                except Exception:  # noqa: BLE001 - there is no database yet, say; the next may do
                    self.send_error(503)
                    return
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(Scrape.made[1])))
            self.end_headers()
            self.wfile.write(Scrape.made[1])

        def log_message(self, *_: object) -> None:
            """Nobody wants to read of every scrape."""

    return HTTPServer((host, port), Scrape)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

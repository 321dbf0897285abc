"""Today's ClickHouse engine (chdb) behind HTTP, as a process of its own: what a server would answer.

It prints its port. A file `trouble` in its folder makes it refuse, hang up, or take long; each request
that it takes is a line of the file `asked`: how many bytes came in, and the first words.
"""

import gzip
import os
import re
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lz4.frame
from chdb import session

FOLDER = Path(sys.argv[1])
SESSION: Any = session.Session
ENGINE = SESSION(str(FOLDER / "data"))
ALONE = threading.Lock()
"""One engine a process, with one database in use."""
OF_THE_TRANSPORT = {
    *("query", "database", "client_protocol_version", "session_id", "query_id", "compress"),
    *("enable_http_compression", "send_progress_in_http_headers", "user", "password"),
    *("http_headers_progress_interval_ms", "wait_end_of_query"),
    "cancel_http_readonly_queries_on_client_close",
}


class Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            told = self._chunks()
        wire = len(told)
        told = _unpacked(told, self.headers.get("Content-Encoding"))
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if "multipart/form-data" in (self.headers.get("Content-Type") or ""):
            words |= _form(told, self.headers["Content-Type"])
            told = b""
        query = words.get("query", "").encode()
        sql = query + b"\n" + told if query and told else query or told
        with (FOLDER / "asked").open("a") as asked:
            asked.write(f"{wire} {' '.join(sql[:60].decode(errors='replace').split())}\n")
        if not self._is_in_trouble(sql):
            self._carry_out(sql, words)

    def _is_in_trouble(self, sql: bytes) -> bool:
        try:
            trouble, _, only = (FOLDER / "trouble").read_text().strip().partition(" ")
        except FileNotFoundError:
            return False
        if only.encode() not in sql:
            return False
        if trouble == "hangup":
            self.close_connection = True
            return True
        if trouble == "slow":
            time.sleep(1.0)
            return False
        if trouble == "hangup-after":
            with ALONE:
                self._run(sql, {})
            self.close_connection = True
            return True
        code = int(trouble)
        self._answer(503 if code == 252 else 500, f"Code: {code}. DB::Exception: no".encode(), code)
        return True

    def _carry_out(self, sql: bytes, words: dict[str, str]) -> None:
        try:
            with ALONE:
                out = self._run(sql, words)
        except Exception as error:  # noqa: BLE001 - whatever the engine says is the answer
            said = str(error)
            code = re.search(r"Code: (\d+)", said)
            self._answer(500, said.encode(), int(code[1]) if code else 1)
        else:
            self._answer(200, out)

    def _run(self, sql: bytes, words: dict[str, str]) -> bytes:
        if database := words.get("database"):
            ENGINE.query(f"USE `{database}`")
        settings = {
            name: value
            for name, value in words.items()
            if name not in OF_THE_TRANSPORT and not name.startswith("param_")
        }
        params = {
            name.removeprefix("param_"): value
            for name, value in words.items()
            if name.startswith("param_")
        }
        for name in ("readonly",):
            settings.pop(name, None)
        head, _, data = sql.partition(b" FORMAT Native\n")
        if head.lstrip()[:6].upper() == b"INSERT" and data:
            return self._insert(head.decode(), data, settings)
        text = sql.decode()
        made: Any = ENGINE.query(text, "TabSeparated", params=params)
        return bytes(made.bytes() or b"")

    def _insert(self, head: str, data: bytes, settings: dict[str, str]) -> bytes:
        with tempfile.NamedTemporaryFile(suffix=".native") as file:
            file.write(data)
            file.flush()
            said = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
            ENGINE.query(
                f"{head} FROM INFILE '{file.name}' {'SETTINGS ' + said if said else ''} FORMAT Native"
            )
        return b""

    def _chunks(self) -> bytes:
        told = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            told += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return told

    def _answer(self, status: int, body: bytes, code: int | None = None) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.send_header("X-ClickHouse-Format", "Native")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _unpacked(told: bytes, how: str | None) -> bytes:
    if how == "lz4":
        return bytes(lz4.frame.decompress(told))
    if how == "gzip":
        return gzip.decompress(told)
    if how == "deflate":
        return zlib.decompress(told)
    if how == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(told)
    return told


def _form(told: bytes, kind: str) -> dict[str, str]:
    edge = b"--" + kind.partition("boundary=")[2].strip('"').encode()
    found = {}
    for part in told.split(edge)[1:-1]:
        head, _, body = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        assert name is not None
        found[name[1].decode()] = body.decode()
    return found


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    print(server.server_address[1], flush=True)
    server.serve_forever()

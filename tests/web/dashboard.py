"""The dashboard as a process of its own, asked over real sockets."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commands import program


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Dashboard:
    url: str
    port: int
    process: "subprocess.Popen[str]"
    cookie: str = field(default="")

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        cookie: bool = True,
        body: str | None = None,
        **headers: str,
    ) -> Answer:
        """With a header of each name, `_` for `-`; with the visitor's cookie, unless not."""
        told = {"Host": f"127.0.0.1:{self.port}"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie:
            told["Cookie"] = self.cookie
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, 20)) as line:
            line.request(method, path, body, headers=told)
            answer = line.getresponse()
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read().decode(),
            )

    def enter(self) -> None:
        """As a browser does that opens the address."""
        answer = self.ask(self.url.removeprefix(self.base), cookie=False)
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]


@contextlib.contextmanager
def dashboard(home: Path, *words: str, now: int | None = None, **env: str) -> Iterator[Dashboard]:
    """`codex-telemetry serve` until the block ends; what it says against anything is in its log.
    `now`: it is that moment (ms UTC) all the while."""
    with (
        (home / "stderr").open("w") as errors,
        subprocess.Popen(
            [*program(now), "serve", "--json", *words],
            env=os.environ | {"CODEX_TELEMETRY_HOME": str(home)} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            said = ""
            while not said.endswith("}\n"):
                line = process.stdout.readline()
                assert line, (home / "stderr").read_text()
                said += line
            told = json.loads(said)
            found = Dashboard(told["url"], told["port"], process)
            found.enter()
            yield found
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            process.stdout.close()

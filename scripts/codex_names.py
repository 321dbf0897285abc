"""Every name a Codex uses on its wire and in its logs, asked of the program itself.

Its protocol's names are in the JSON Schema it prints. Those of its rollout files it tells when it is
given a file with a line that no release knows: what it can't read it says, with all that it could.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

from codex_telemetry.demo.home import Home, temporary_home

PATIENCE_S = 30
NOBODY = "http://127.0.0.1:9"
"""Where no model answers: reading a file needs none."""

THREAD = "01a20738-20e7-7e81-9ad3-7f9d85ab7cf5"
STAMP = "2026-11-23T07:04:08.000Z"
UNHEARD_OF = "a_name_that_no_release_knows"

METHODS = {
    "app_server.server_notifications": "ServerNotification",
    "app_server.server_requests": "ServerRequest",
    "app_server.client_requests": "ClientRequest",
    "app_server.client_notifications": "ClientNotification",
}
"""Table of the catalogue → the schema whose variants are its names."""
VARIANTS = {
    "app_server.items": "ThreadItem",
    "older_events.events": "EventMsg",
    "rollout.response_items": "ResponseItem",
}
"""The same for what is told apart by its `type`. Up to 0.115 events are sent, and have a schema."""
LINES = ("rollout.lines", "rollout.events", "rollout.items", "rollout.extensions")
"""Tables of names that no schema has, in the order in which `_unreadable` asks for them."""
FEWEST = 2
"""0.58 doesn't tell of items, and 0.125 knows no extensions."""

Fields = dict[str, frozenset[str]]
"""Name → fields."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_EXPECTED = re.compile(
    rf"unknown variant `{UNHEARD_OF}`, expected one of (`[\w.]+`(?:, `[\w.]+`)*)"
)


class AskError(Exception):
    """The program didn't tell, and what it said instead."""


class Names(NamedTuple):
    """What one release knows."""

    by_table: dict[str, frozenset[str]]
    experimental: frozenset[str]
    """Methods that the schema shows only to who asks for experimental ones."""
    unlisted: frozenset[str]
    """Notifications whose parameters the schema describes without naming the method."""
    fields: dict[tuple[str, str], frozenset[str]]
    """Table and name → the fields of its parameters, or of the item, as far as the schema tells."""


def ask(codex: Path) -> Names:
    """All of it, in a second or two. Raises `AskError`."""
    with tempfile.TemporaryDirectory() as folder:
        stable = _schema(codex, Path(folder) / "stable")
        try:
            whole = _schema(codex, Path(folder) / "whole", "--experimental")
        except AskError:
            whole = stable  # 0.63 makes no difference
        methods = {table: _methods(whole, root) for table, root in METHODS.items()}
        told = methods | {table: _variants(whole, root) for table, root in VARIANTS.items()}
        open_to_all = {name for root in METHODS.values() for name in _methods(stable, root)}
        unlisted = _unlisted(whole)
    names = {table: frozenset(found) for table, found in told.items() if found}
    return Names(
        names | dict(zip(LINES, _rollout_names(codex), strict=False)),
        frozenset(name for found in methods.values() for name in found) - open_to_all,
        unlisted,
        {(table, name): fields for table in told for name, fields in told[table].items()},
    )


def _schema(codex: Path, folder: Path, *options: str) -> Path:
    command: tuple[str | Path, ...] = (codex, "app-server", "generate-json-schema", "--out", folder)
    with temporary_home(NOBODY) as home:
        done = subprocess.run(
            (*command, *options),
            env=home.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    if done.returncode != 0 or not (folder / "ServerNotification.json").exists():
        said = (done.stderr.strip().splitlines() or ["nothing"])[0]
        raise AskError(f"`codex app-server generate-json-schema` said: {said}")
    return folder


def _methods(schema: Path, root: str) -> Fields:
    """The methods of a file of the schema, each with the fields of its parameters."""
    told = json.loads((schema / f"{root}.json").read_bytes())
    found: Fields = {}
    for variant in told["oneOf"]:
        properties = variant["properties"]
        found[properties["method"]["enum"][0]] = _fields(properties.get("params", {}), told)
    return found


def _fields(node: dict[str, Any], told: dict[str, Any]) -> frozenset[str]:
    """Of a schema, of what it refers to, and of all that it may be."""
    if "$ref" in node:
        node = reduce(getitem, node["$ref"].split("/")[1:], told)
    fields = frozenset(node.get("properties", {}))
    for other in (*node.get("oneOf", ()), *node.get("anyOf", ())):
        fields |= _fields(other, told)
    return fields


def _variants(schema: Path, root: str) -> Fields:
    """The types of a definition with their fields, in whichever files have it."""
    found: Fields = {}
    for path in schema.rglob("*.json"):
        told = json.loads(path.read_bytes())
        definitions = told.get("definitions", {})
        for node in (
            told if path.stem == root else {},
            definitions.get(root, {}),
            definitions.get("v2", {}).get(root, {}),
        ):
            for variant in node.get("oneOf", ()):
                for name in variant["properties"].get("type", {}).get("enum", ()):
                    found[name] = frozenset(variant["properties"])
    return found


def _unlisted(schema: Path) -> frozenset[str]:
    listed = set(
        re.findall(r'"#/definitions/(\w+)"', (schema / "ServerNotification.json").read_text())
    )
    described = {path.stem for path in (schema / "v2").glob("*Notification.json")}
    return frozenset(described - listed)


def _rollout_names(codex: Path) -> list[frozenset[str]]:
    """Of lines, events and items, as the program lists them when it is told to go on with a file
    it can't wholly read."""
    with temporary_home(NOBODY) as home:
        folder = home.codex / "sessions" / "2026" / "11" / "23"
        folder.mkdir(parents=True)
        lines = (*_readable(home), *_unreadable())
        text = "".join(json.dumps({"timestamp": STAMP, **line}) + "\n" for line in lines)
        (folder / f"rollout-2026-11-23T07-04-08-{THREAD}.jsonl").write_text(text)
        said = _COLOUR.sub("", _resumed(codex, home))
    lists = list(dict.fromkeys(_EXPECTED.findall(said)))
    if len(lists) < FEWEST:
        raise AskError(f"of {len(LINES)} lines it can't read, Codex told of {len(lists)}")
    return [frozenset(re.findall(r"[\w.]+", names)) for names in lists]


def _readable(home: Home) -> Iterator[dict[str, Any]]:
    """Enough for a thread that can be resumed."""
    work = str(home.work)
    meta = {"id": THREAD, "timestamp": STAMP, "cwd": work, "originator": "codex_names"}
    meta |= {"cli_version": "0.63.0", "source": "vscode", "model_provider": "stub"}
    text = {"type": "input_text", "text": "hello"}
    yield {"type": "session_meta", "payload": meta | {"instructions": None}}
    yield {"type": "event_msg", "payload": {"type": "user_message", "message": "hello"}}
    message = {"type": "message", "role": "user", "content": [text]}
    yield {"type": "response_item", "payload": message}


def _unreadable() -> Iterator[dict[str, Any]]:
    unheard_of = {"type": UNHEARD_OF, "id": "1"}
    yield {"type": UNHEARD_OF, "payload": unheard_of}
    yield {"type": "event_msg", "payload": unheard_of}
    ended = {"type": "item_completed", "thread_id": THREAD, "turn_id": "1"}
    extension = {"type": "Extension", "kind": UNHEARD_OF, "id": "1"}
    for item in (unheard_of, extension):
        yield {"type": "event_msg", "payload": ended | {"item": item}}


def _resumed(codex: Path, home: Home) -> str:
    """What the program says on stderr while it goes on with the thread."""
    client = {"name": "codex_names", "version": "0"}
    requests: tuple[dict[str, Any], ...] = (
        {"id": 1, "method": "initialize", "params": {"clientInfo": client}},
        {"method": "initialized"},
        {"id": 2, "method": "thread/resume", "params": {"threadId": THREAD}},
    )
    log = "codex_rollout=trace,codex_core::rollout=trace"  # up to 0.106 the latter
    errors = home.root / "stderr"
    with _running(codex, home.env | {"RUST_LOG": log}, errors) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for request in requests:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            while "id" in request:
                line = child.stdout.readline()
                if not line or json.loads(line).get("id") == request["id"]:
                    break
    # It says what it thinks of a line when it reads it, and has read them all when it answers.
    return errors.read_text(errors="replace")


@contextmanager
def _running(codex: Path, env: dict[str, str], errors: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`codex app-server`, and nothing of it afterwards: npm's shim leaves the program behind."""
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            [codex, "app-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env,
            start_new_session=True,
        ) as child,
    ):
        late = threading.Timer(PATIENCE_S, _end, [child])
        late.start()
        try:
            yield child
        finally:
            late.cancel()
            _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def found(program: str) -> Path:
    """The program of that path or name. Raises `AskError` if there is none."""
    path = shutil.which(program)
    if path is None:
        raise AskError("there is no such program")
    return Path(path)

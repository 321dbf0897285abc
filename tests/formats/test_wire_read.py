"""The catalogue in `schema/wire/` and the readers say the same: what one calls read, the other reads."""

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from catalogue import names, read, unread
from codex_telemetry.core.facts import Drift
from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats import app_server
from codex_telemetry.formats.app_server import ignored, items
from codex_telemetry.formats.app_server.reader import AppServer
from codex_telemetry.formats.base import Direction, Stamp
from codex_telemetry.formats.rollout import items as rollout_items
from codex_telemetry.formats.rollout import table

THREAD = "01a20738-20e7-7e81-9ad3-7f9d85ab7cf5"
TURN = "01a20738-2100-7e81-9ad3-7f9d85ab7cf5"
NEXT = "01a20738-2200-7e81-9ad3-7f9d85ab7cf5"
USAGE = {"total_tokens": 5, "input_tokens": 3, "output_tokens": 2}

PARAMS = {
    "threadId": THREAD,
    "conversationId": THREAD,
    "turnId": TURN,
    "expectedTurnId": TURN,
    "clientInfo": {"name": "client", "version": "2"},
    "rateLimits": {"primary": {"usedPercent": 5, "windowDurationMins": 300}},
}
RESULT = {"thread": {"id": NEXT}, "turn": {"id": NEXT}, "conversationId": NEXT}
MESSAGE = {
    "call_id": "call_1",
    "info": {"total_token_usage": USAGE, "last_token_usage": USAGE},
    "model_context_window": 1000,
    "server": "server",
    "status": {"state": "starting"},
}

Role = Literal["notification", "request"]
SAID: dict[str, tuple[Direction, Role]] = {
    "app_server.server_notifications": ("server", "notification"),
    "app_server.server_requests": ("server", "request"),
    "app_server.client_requests": ("client", "request"),
    "app_server.client_notifications": ("client", "notification"),
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_/]*")
UNHEARD_OF = "no/such/name"


class Conversation:
    """A reader that has heard what was said so far."""

    def __init__(self) -> None:
        self.reader = AppServer(LaunchId("launch"))
        self.told: list[object] = []

    def say(self, sent_by: Direction, **message: Any) -> None:
        line = json.dumps(message).encode()
        # Each time at the same moment: what is said alone makes the difference.
        self.told = [*self.told, *self.reader.read(sent_by, line, Stamp(1_795_430_000_000))]

    def state(self) -> str:
        remembered = vars(self.reader._process).items()
        return repr((self.told, [(k, v) for k, v in remembered if k != "limits"]))


def in_mid_turn() -> Conversation:
    it = Conversation()
    it.say("client", id=1, method="thread/start", params={})
    it.say("server", id=1, result={"thread": {"id": THREAD}})
    it.say("client", id=2, method="turn/start", params={"threadId": THREAD})
    it.say("server", id=2, result={"turn": {"id": TURN}})
    it.say("server", method="turn/started", params={"threadId": THREAD, "turn": {"id": TURN}})
    return it


@cache
def effect(table: str, method: str, as_it_should_be: bool) -> str:
    """What such a message, and an answer to it, do to a reader; its own name is left out."""
    it, (sent_by, role), params = in_mid_turn(), SAID[table], PARAMS if as_it_should_be else []
    if role == "notification":
        it.say(sent_by, method=method, params=params)
    else:
        it.say(sent_by, method=method, params=params, id=3)
        it.say("client" if sent_by == "server" else "server", id=3, result=RESULT)
    return it.state().replace(repr(method), "?")


def is_read(table: str, method: str) -> bool:
    """Whether it makes another difference than a name that nobody knows, or one that is ignored."""
    for as_it_should_be in (True, False):
        unknown = effect(table, UNHEARD_OF, as_it_should_be)
        alike = (state.replace(repr(method), "?") for state in (unknown, in_mid_turn().state()))
        if effect(table, method, as_it_should_be) not in alike:
            return True
    return False


@cache
def words() -> frozenset[str]:
    """Every word in a string of the reader's code: whatever it reads by name is among them."""
    folder = Path(app_server.__file__).parent
    found: set[str] = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(word for word in node.value.split() if NAME.fullmatch(word))
    return frozenset(found)


def test_words_of_the_code_are_found() -> None:
    assert {"turn/started", "thread/deleted"} <= words()


@pytest.mark.parametrize("table", SAID)
def test_what_the_stream_is_read_for_is_called_read_and_nothing_else_is(table: str) -> None:
    older = "codex/event"  # a prefix, read by what follows it
    tried = {word for word in words() | names(table) if not word.startswith(older)}
    assert {name for name in tried if is_read(table, name)} == read(table)


def test_what_codex_says_and_is_ignored_is_what_the_catalogue_doesnt_call_read() -> None:
    said = ("app_server.server_notifications", "app_server.server_requests")
    assert unread(*said) == ignored.MESSAGES


def test_every_type_of_item_has_a_kind() -> None:
    assert read("app_server.items") == names("app_server.items") == items.KINDS.keys()


def older(kind: str) -> list[object]:
    """What an event of the older protocol tells in mid-turn."""
    it = Conversation()
    it.say("client", id=1, method="newConversation", params={})
    it.say("server", id=1, result={"conversationId": THREAD})
    starting = {"type": "mcp_startup_update", "server": "other", "status": {"state": "starting"}}
    for message in ({"type": "task_started"}, starting, MESSAGE | {"type": kind}):
        it.told = []
        params = {"conversationId": THREAD, "id": "1", "msg": message}
        it.say("server", method=f"codex/event/{message['type']}", params=params)
    return it.told


def test_of_the_older_events_those_are_read_that_are_called_so() -> None:
    table = "older_events.events"
    told = {kind: older(kind) for kind in words() | names(table)}
    known = {kind for kind, facts in told.items() if not any(isinstance(f, Drift) for f in facts)}
    assert known == names(table)
    assert {kind for kind in known if told[kind]} == read(table)


def test_of_the_older_events_those_are_ignored_that_are_not_called_read() -> None:
    assert unread("older_events.events") == ignored.EVENTS


def decoded(known: Any) -> set[str]:
    return {name.decode() for name in known}


def test_lines_of_a_rollout_are_read_and_ignored_as_the_catalogue_says() -> None:
    by_payload = {"event_msg", "response_item"}
    assert read("rollout.lines") == decoded(table.TOP) | by_payload
    assert unread("rollout.lines") == decoded(table.IGNORED_TOP)
    assert read("rollout.events") == decoded(table.EVENTS)
    assert unread("rollout.events") == decoded(table.IGNORED_EVENTS)
    assert read("rollout.response_items") == decoded(table.ITEMS)
    assert unread("rollout.response_items") == decoded(table.IGNORED_ITEMS)


def test_every_item_of_a_rollout_has_a_kind() -> None:
    extension = rollout_items.EXTENSION
    own = names("rollout.items") - {extension}
    assert read("rollout.items") == own | {extension}
    assert {name[:1].lower() + name[1:] for name in own} <= items.KINDS.keys()
    assert read("rollout.extensions") == rollout_items.EXTENSIONS.keys()
    assert set(rollout_items.EXTENSIONS.values()) <= items.KINDS.keys()

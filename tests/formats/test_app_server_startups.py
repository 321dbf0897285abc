"""MCP servers that start slowly: how long each took, and how long the first turn waited for them.

The times are those of real releases, each given a server that takes 1.5 to 1.7 s (ms of our clock).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from codex_telemetry.core.rows import EventRow, TurnRow
from codex_telemetry.core.settle import settle_session
from codex_telemetry.core.settle_events import settle_session_events
from saved import uuid7
from told import Told

THREAD = "01a2193b-bb21-7581-8335-38f6c78e883c"
T0 = 1_795_719_900_000
METHOD = "mcpServer/startupStatus/updated"


@dataclass(frozen=True)
class Story:
    """The first turn of a thread whose server was slow."""

    release: str
    asked: int
    starting: int
    started: int
    prompt: int
    ready: int
    output: int
    ended: int
    duration: int | None
    held_up: int
    """What is to be found."""

    @property
    def minor(self) -> int:
        return int(self.release.split(".")[1])

    @property
    def turn(self) -> str:
        born = self.ended - self.duration if self.duration is not None else self.asked
        return uuid7(T0 + born) if self.minor >= 106 else "0"


WAITS = (
    # After the user's message, until the last is there.
    Story("0.63.0", 307, 307, 320, 427, 1826, 1990, 2132, None, held_up=1506),
    Story("0.98.0", 3312, 3308, 3328, 3341, 5038, 5196, 5336, None, held_up=1710),
    # Before it.
    Story("0.106.0", 203, 221, 221, 1911, 1910, 2094, 2242, None, held_up=1689),
    Story("0.125.0", 378, 392, 400, 1980, 1976, 2182, 2328, 1941, held_up=1576),
    Story("0.130.0", 408, 408, 414, 2150, 2144, 2299, 2443, 2028, held_up=1729),
    # After it.
    Story("0.140.0", 420, 420, 448, 451, 2142, 2342, 2490, 2060, held_up=1694),
    Story("0.145.0", 386, 385, 470, 484, 2181, 2352, 2498, 2101, held_up=1711),
    # Before it, but for a second at most.
    Story("0.150.0", 532, 520, 622, 1649, 2255, 1829, 1984, 1367, held_up=1027),
    Story("0.169.0", 573, 572, 734, 1760, 2232, 1926, 2079, 1487, held_up=1026),
)


class Heard:
    """A stream in the words of a release."""

    def __init__(self, release: str, **capabilities: Any) -> None:
        self.told = Told()
        self.minor = int(release.split(".")[1])
        params = {"clientInfo": {"name": "c"}, "capabilities": capabilities}
        self.say("client", 0, id=1, method="initialize", params=params)
        self.say("server", 1, id=1, result={"userAgent": f"codex_cli_rs/{release} (Debian 12)"})
        self.say("client", 2, id=2, method="thread/start", params={})
        self.say("server", 3, id=2, result={"thread": {"id": THREAD}})

    def say(self, sent_by: Any, at: int, **message: Any) -> None:
        if self.minor >= 145 and "method" in message and sent_by == "server":
            message["emittedAtMs"] = T0 + at
        self.told.hear(sent_by, json.dumps(message).encode(), T0 + at)

    def notify(self, at: int, method: str, **params: Any) -> None:
        self.say("server", at, method=method, params={"threadId": THREAD, **params})

    def server(self, at: int, state: str, name: str = "slow") -> None:
        error = "CANARY-ANSWER handshaking failed" if state == "failed" else None
        if self.minor < 116:
            status = {"state": state, **({"error": error} if error else {})}
            self.legacy(at, {"type": "mcp_startup_update", "server": name, "status": status})
            return
        params = {"name": name, "status": state, "error": error}
        if self.minor >= 140:
            params["threadId"] = THREAD
        self.say("server", at, method=METHOD, params=params)

    def legacy(self, at: int, message: dict[str, Any]) -> None:
        params = {"id": "", "msg": message, "conversationId": THREAD}
        self.say("server", at, method=f"codex/event/{message['type']}", params=params)

    def ask(self, at: int, turn: str) -> None:
        self.say("client", at, id=at, method="turn/start", params={"threadId": THREAD})
        self.say("server", at, id=at, result={"turn": {"id": turn}})

    def item(self, at: int, turn: str, kind: str, event: str = "started") -> None:
        when = {f"{event}AtMs": T0 + at} if self.minor >= 130 else {}
        item = {"type": kind, "id": f"{turn}-{kind}"}
        self.notify(at, f"item/{event}", turnId=turn, item=item, **when)

    def end(self, at: int, turn: str, duration: int | None, status: str = "completed") -> None:
        took = {} if duration is None else {"durationMs": duration}
        self.notify(at, "turn/completed", turn={"id": turn, "status": status, **took})

    def turn(self, story: Story) -> None:
        """The turn's own lines, in order; the server's are said where they belong."""
        lines: list[tuple[int, Callable[[], None]]] = [
            (story.asked, lambda: self.ask(story.asked, story.turn)),
            (story.starting, lambda: self.server(story.starting, "starting")),
            (
                story.started,
                lambda: self.notify(story.started, "turn/started", turn={"id": story.turn}),
            ),
            (story.prompt, lambda: self.item(story.prompt, story.turn, "userMessage")),
            (story.ready, lambda: self.server(story.ready, "ready")),
            (story.output, lambda: self.item(story.output, story.turn, "agentMessage")),
            (story.ended, lambda: self.item(story.ended, story.turn, "agentMessage", "completed")),
            (story.ended, lambda: self.end(story.ended, story.turn, story.duration)),
        ]
        for _, line in sorted(lines, key=lambda line: line[0]):
            line()

    @property
    def rows(self) -> list[TurnRow]:
        return self.told.turns

    @property
    def events(self) -> list[EventRow]:
        (session,) = self.told.batch.sessions.values()
        return [e for e in settle_session_events(session) if e.kind == "mcp_server_startup"]


def ids(story: Story) -> str:
    return story.release


@pytest.mark.parametrize("story", WAITS, ids=ids)
def test_the_first_turns_wait_for_a_slow_server_is_start_delay_and_not_the_models(
    story: Story,
) -> None:
    heard = Heard(story.release)
    heard.turn(story)
    (row,) = heard.rows
    assert row.mcp_startup_ms == story.held_up
    assert row.start_delay_ms is not None
    assert row.start_delay_ms >= story.held_up
    waited_until = max(story.prompt, story.ready) if story.minor < 150 else story.prompt
    assert row.model_ms == story.ended - waited_until
    assert row.unexplained_ms == 0
    assert heard.told.drift == {}


@pytest.mark.parametrize("story", WAITS, ids=ids)
def test_the_start_of_each_server_is_an_event_of_its_thread(story: Story) -> None:
    heard = Heard(story.release)
    heard.turn(story)
    (event,) = heard.events
    assert (event.name, event.status, event.at) == ("slow", "ready", T0 + story.starting)
    assert event.duration_ms == story.ready - story.starting


def test_servers_that_start_side_by_side_hold_a_turn_up_once() -> None:
    heard, story = Heard("0.145.0"), WAITS[6]
    heard.server(384, "starting", "bad")
    heard.server(384, "starting", "fast")
    heard.ask(386, story.turn)
    heard.notify(470, "turn/started", turn={"id": story.turn})
    heard.server(479, "ready", "fast")
    heard.item(484, story.turn, "userMessage")
    heard.server(683, "failed", "bad")
    heard.item(900, story.turn, "agentMessage")
    heard.end(1_000, story.turn, 614)
    (row,) = heard.rows
    assert row.mcp_startup_ms == 683 - 470
    assert {(e.name, e.status, e.duration_ms) for e in heard.events} == {
        ("fast", "ready", 95),
        ("bad", "failed", 299),
    }
    assert b"CANARY" not in msgspec.msgpack.encode(heard.told.batch)


def test_what_063_leaves_open_ends_with_the_event_that_says_all_are_done() -> None:
    heard = Heard("0.63.0")
    heard.server(10, "starting")
    heard.ask(20, "0")
    heard.notify(30, "turn/started", turn={"id": "0"})
    heard.legacy(530, {"type": "mcp_startup_complete", "ready": [], "cancelled": ["slow"]})
    heard.item(600, "0", "agentMessage")
    heard.end(700, "0", None)
    (row,) = heard.rows
    (event,) = heard.events
    assert (row.mcp_startup_ms, event.duration_ms, event.status) == (500, 520, None)


def test_a_turn_that_is_interrupted_while_it_waits_waited_to_its_end() -> None:
    """The next one waits for what is left (0.169)."""
    heard, first, second = Heard("0.169.0"), uuid7(T0 + 560), uuid7(T0 + 1_157)
    heard.server(550, "starting")
    heard.ask(552, first)
    heard.notify(638, "turn/started", turn={"id": first})
    heard.item(1_149, first, "userMessage")
    heard.end(1_155, first, 590, "interrupted")
    heard.ask(1_157, second)
    heard.notify(1_163, "turn/started", turn={"id": second})
    heard.item(1_663, second, "userMessage")
    heard.item(1_853, second, "agentMessage")
    heard.end(2_017, second, 860)
    heard.server(2_172, "ready")
    assert [row.mcp_startup_ms for row in heard.rows] == [511, 500]


def test_what_hooks_take_meanwhile_is_not_the_servers() -> None:
    """Hooks run after the wait, and a server that still starts then holds nothing up (0.169)."""
    heard, turn = Heard("0.169.0"), uuid7(T0 + 828)
    heard.server(802, "starting")
    heard.ask(804, turn)
    heard.notify(937, "turn/started", turn={"id": turn})
    run = {"id": "session-start:0:/p", "eventName": "sessionStart", "executionMode": "sync"}
    heard.notify(1_981, "hook/started", turnId=turn, run={**run, "status": "running"})
    heard.notify(2_690, "hook/completed", turnId=turn, run={**run, "status": "completed"})
    heard.item(2_691, turn, "userMessage")
    heard.item(2_896, turn, "agentMessage")
    heard.server(2_900, "ready")
    heard.end(3_076, turn, 2_248)
    (row,) = heard.rows
    assert (row.hooks_ms, row.mcp_startup_ms) == (709, 1_981 - 937 + 1)


def test_servers_that_were_there_before_hold_nothing_up() -> None:
    heard, story = Heard("0.169.0"), WAITS[-1]
    heard.server(300, "starting")
    heard.server(400, "ready")
    heard.ask(573, story.turn)
    heard.notify(600, "turn/started", turn={"id": story.turn})
    heard.item(610, story.turn, "userMessage")
    heard.item(1_926, story.turn, "agentMessage")
    heard.end(2_079, story.turn, 1_487)
    assert [row.mcp_startup_ms for row in heard.rows] == [0]


@pytest.mark.parametrize(
    ("release", "known"),
    [("0.58.0", False), ("0.63.0", True), ("0.116.0", False), ("0.125.0", True), ("0.169.0", True)],
)
def test_none_is_zero_only_where_codex_would_say(release: str, known: bool) -> None:
    heard = Heard(release)
    turn = uuid7(T0 + 10) if known else "0"
    heard.ask(10, turn)
    heard.notify(20, "turn/started", turn={"id": turn})
    heard.item(30, turn, "userMessage")
    heard.item(400, turn, "agentMessage")
    heard.end(500, turn, None)
    (row,) = heard.rows
    assert row.mcp_startup_ms == (0 if known else None)


def test_a_client_that_opted_out_leaves_it_unknown() -> None:
    heard, turn = Heard("0.169.0", optOutNotificationMethods=[METHOD]), uuid7(T0 + 10)
    heard.ask(10, turn)
    heard.notify(20, "turn/started", turn={"id": turn})
    heard.end(500, turn, 490)
    (row,) = heard.rows
    assert (row.start_delay_ms, row.mcp_startup_ms) == (10, None)


def test_a_server_that_starts_anew_has_an_event_for_each() -> None:
    heard = Heard("0.169.0")
    for at in (100, 5_000):
        heard.server(at, "starting")
        heard.server(at + 70, "ready")
    # A reload says once more what is there already.
    heard.server(9_000, "ready")
    assert [(e.at, e.duration_ms) for e in heard.events] == [(T0 + 100, 70), (T0 + 5_000, 70)]
    (session,) = heard.told.batch.sessions.values()
    assert settle_session(session).session_id == THREAD

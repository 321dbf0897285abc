"""Read the stream of an app-server: each message to the one that knows it, unknown ones counted."""

import re
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import Drift, Fact, SessionFacts
from codex_telemetry.core.gate import Heard
from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats.app_server import ignored, wire
from codex_telemetry.formats.app_server.around import Around
from codex_telemetry.formats.app_server.asks import Asks
from codex_telemetry.formats.app_server.content import Contents
from codex_telemetry.formats.app_server.hooks import Hooks
from codex_telemetry.formats.app_server.legacy import Legacy
from codex_telemetry.formats.app_server.process import Process
from codex_telemetry.formats.app_server.requests import Requests
from codex_telemetry.formats.app_server.reviews import Reviews
from codex_telemetry.formats.app_server.startups import Startups
from codex_telemetry.formats.app_server.threads import Threads
from codex_telemetry.formats.app_server.turn_items import TurnItems
from codex_telemetry.formats.app_server.turns import Turns
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.app_server.wire import Envelope
from codex_telemetry.formats.base import Direction, Stamp

Notice = Callable[[Raw, Stamp, int | None], Iterator[Fact]]

_envelope = msgspec.json.Decoder(Envelope)
# Where msgspec didn't find what it expected. The rest of its message may quote a value.
_PLACE = re.compile(r"`(\$[A-Za-z0-9_.\[\]]*)`$")


class AppServer:
    """A `StreamReader` of one process; `launch` tells its short turn ids from another's."""

    tells_all = True

    def __init__(self, launch: LaunchId, *, content: bool = False) -> None:
        """`content`: some of it may be granted, so that it has to be looked at."""
        self._process = process = Process(launch)
        self._contents = Contents(process) if content else None
        self._heard: list[Heard] = []
        self._threads = threads = Threads(process)
        self._turns = turns = Turns(process)
        self._items = items = TurnItems(process, threads)
        self._asks = asks = Asks(process)
        startups = Startups(process)
        self._legacy = Legacy(process, turns, startups)
        self._requests = Requests(process, threads, turns, self._legacy)
        around, hooks, reviews = Around(process), Hooks(process), Reviews(process)
        self._notices: dict[str, Notice] = {
            "thread/started": threads.started,
            "thread/archived": threads.archived,
            "thread/unarchived": threads.unarchived,
            "thread/reverted": threads.reverted,
            "mcpServer/startupStatus/updated": startups.updated,
            "hook/started": hooks.started,
            "hook/completed": hooks.completed,
            "item/autoApprovalReview/started": reviews.started,
            "item/autoApprovalReview/completed": reviews.completed,
            "autoApprovalReview/strictReviewRequired": reviews.strict,
            "turn/started": turns.started,
            "turn/completed": turns.completed,
            "thread/tokenUsage/updated": turns.usage,
            "error": turns.error,
            "model/rerouted": turns.rerouted,
            "item/started": items.started,
            "item/completed": items.completed,
            "serverRequest/resolved": asks.resolved,
            "thread/status/changed": around.status,
            "thread/settings/updated": around.settings,
            "turn/plan/updated": around.plan,
            "rawResponse/completed": around.raw_response,
            "account/rateLimits/updated": self._rate_limits,
        }

    @property
    def messages(self) -> frozenset[str]:
        """The notifications and requests of Codex's that are known (0.63 to 0.169)."""
        return frozenset(self._notices) | wire.ASKS.keys() | ignored.MESSAGES

    @property
    def codex_version(self) -> str | None:
        """As Codex named itself in its answer to `initialize`."""
        return self._process.version

    @property
    def in_a_turn(self) -> bool:
        return any(thread.running() for thread in self._process.threads.values())

    def read(self, sent_by: Direction, line: bytes, at: Stamp) -> Iterator[Fact]:
        """The facts a line tells. Bytes that are no message are drift; nothing raises."""
        if not line or line.isspace():
            return
        try:
            message = _envelope.decode(line)
        except wire.UNREADABLE:
            yield Drift(self._process.version, f"({sent_by} line)", "not a message")
            return
        if sent_by == "server":
            told = self._said_by_codex(message, at)
        else:
            told = self._said_by_client(message, at)
        if self._contents is not None:
            self._contents.before(sent_by, message)
        try:
            for fact in told:
                yield from self._take_met()
                yield fact
        except wire.UNREADABLE as error:
            yield Drift(self._process.version, _name(message), _reason(error))
        yield from self._take_met()
        if self._contents is not None:
            self._heard += self._contents.heard(sent_by, message, at)

    def lost(self, sent_by: Direction) -> None:
        if sent_by == "server":
            self._process.lost()
        if self._contents is not None:
            self._contents.lost()

    def take_content(self) -> list[Heard]:
        """What the lines read since the last call hold of content, sealed."""
        taken, self._heard = self._heard, []
        return taken

    def _take_met(self) -> Iterator[SessionFacts]:
        met, self._process.met = self._process.met, []
        yield from met

    def _said_by_codex(self, message: Envelope, at: Stamp) -> Iterator[Fact]:
        method, params = message.method, _object(message.params)
        if method is None:
            yield from self._requests.answered(message, at)
        elif message.id is not None:
            if method in wire.ASKS:
                yield from self._asks.asked(wire.ASKS[method], message.id, params, at)
            elif method not in ignored.MESSAGES:
                yield Drift(self._process.version, _name(message), "unknown request")
        elif method in self._notices:
            yield from self._notices[method](params, at, message.emittedAtMs)
        elif method.startswith("codex/event"):
            yield from self._legacy.event(params, at, message.emittedAtMs)
        elif method not in ignored.MESSAGES:
            yield Drift(self._process.version, _name(message), "unknown notification")

    def _said_by_client(self, message: Envelope, at: Stamp) -> Iterator[Fact]:
        if message.method is not None:
            yield from self._requests.asked(message, message.method, _object(message.params), at)
        elif message.id is not None:
            yield from self._asks.told(message.id, message.result, at)

    def _rate_limits(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        told = msgspec.json.decode(params)
        snapshot = told.get("rateLimits") if isinstance(told, dict) else None
        yield from self._process.limits.samples(snapshot, None, at)


def _object(params: Raw) -> Raw:
    return params if wire.given(params) else Raw(b"{}")


def _name(message: Envelope) -> str:
    if message.method is None:
        return "(answer)"
    return message.method if name(message.method) and len(message.method) <= 64 else "(unprintable)"


def _reason(error: Exception) -> str:
    place = _PLACE.search(str(error))
    return f"unexpected shape at {place[1]}" if place else "unexpected shape"

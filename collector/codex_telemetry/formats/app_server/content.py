"""Content on the stream, passed on sealed: read only where something is granted at all.

Whose turn it is, and in which folder that runs, must be said, never guessed: what can't be sure is
left to the thread's own log, which says so for each turn. So the older events (0.42 to 0.58) aren't
read here, nor a thread that was moved by other means than `turn/start`, nor anything after a loss.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.gate import TITLE, Heard, Kind, Sealed
from codex_telemetry.core.identity import ItemId, SessionId, TurnId, is_safe_id
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process
from codex_telemetry.formats.app_server.state import bound
from codex_telemetry.formats.app_server.values import path
from codex_telemetry.formats.app_server.wire import NOTHING, Envelope, given
from codex_telemetry.formats.base import Direction, Stamp


class Item(Struct):
    type: str
    id: str
    content: Raw = NOTHING
    text: Raw = NOTHING
    summary: Raw = NOTHING
    command: Raw = NOTHING
    aggregatedOutput: Raw = NOTHING  # noqa: N815 - the wire's own names, here and below
    changes: Raw = NOTHING
    arguments: Raw = NOTHING
    result: Raw = NOTHING
    error: Raw = NOTHING
    contentItems: Raw = NOTHING  # noqa: N815
    prompt: Raw = NOTHING
    query: Raw = NOTHING
    review: Raw = NOTHING


class ItemNotice(Struct):
    item: Item
    threadId: str | None = None  # noqa: N815
    turnId: str | None = None  # noqa: N815


class Named(Struct):
    threadId: str  # noqa: N815
    threadName: Raw = NOTHING  # noqa: N815


class Moved(Struct):
    """What may set where a thread's turns run, beside the folder that `turn/start` names."""

    threadId: str  # noqa: N815
    cwd: Any = None
    environments: Any = None


class Opens(Struct):
    environments: Any = None


class Settings(Struct):
    cwd: Any = None


class SettingsNotice(Struct):
    threadId: str  # noqa: N815
    threadSettings: Settings | None = None  # noqa: N815


FIELDS: dict[str, tuple[tuple[Kind, tuple[str, ...]], ...]] = {
    "userMessage": (("prompt", ("content",)),),
    "agentMessage": (("response", ("text",)),),
    "plan": (("response", ("text",)),),
    "exitedReviewMode": (("response", ("review",)),),
    "reasoning": (("reasoning", ("summary", "content")),),
    "commandExecution": (("tool_args", ("command",)), ("tool_output", ("aggregatedOutput",))),
    "fileChange": (("tool_args", ("changes",)),),
    "mcpToolCall": (("tool_args", ("arguments",)), ("tool_output", ("result", "error"))),
    "dynamicToolCall": (("tool_args", ("arguments",)), ("tool_output", ("contentItems",))),
    "collabAgentToolCall": (("tool_args", ("prompt",)),),
    "webSearch": (("tool_args", ("query",)),),
}
"""Item types (0.63 to 0.169) → kinds of content, and the fields that hold it."""

_item = msgspec.json.Decoder(ItemNotice)
_named = msgspec.json.Decoder(Named)
_moved = msgspec.json.Decoder(Moved)
_opens = msgspec.json.Decoder(Opens)
_settings = msgspec.json.Decoder(SettingsNotice)
_answer = msgspec.json.Decoder(wire.TurnAnswer)


class Contents:
    """What the reader of a process tells of content. It is shown each message before and after the
    others have read it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._asked: dict[wire.Id, tuple[SessionId, str | None]] = {}
        """Requests for a turn that aren't answered → whose, and where that turn will run."""
        self._folders: dict[TurnId, str | None] = {}
        """Turns whose request was heard and answered → where they run."""
        self._elsewhere: set[str] = set()
        """Threads that may have been moved by what we don't follow."""
        self._everywhere = False
        """Something was lost, or can't be understood: it may have moved any thread."""

    def lost(self) -> None:
        self._everywhere = True

    def before(self, sent_by: Direction, message: Envelope) -> None:
        """A message that the others haven't read so far."""
        try:
            if sent_by == "client" and message.method is not None:
                self._requested(message, message.method)
            elif sent_by == "server" and message.method == "thread/settings/updated":
                self._set(_settings.decode(message.params))
        except wire.UNREADABLE:
            self.lost()  # it may have moved a thread

    def heard(self, sent_by: Direction, message: Envelope, at: Stamp) -> list[Heard]:
        """What a message holds that the others have read."""
        if sent_by == "client":
            return []
        try:
            if message.method is None and message.id in self._asked:
                self._answered(message, *self._asked.pop(message.id))
            elif message.method == "item/completed":
                return list(self._item(_item.decode(message.params), at))
            elif message.method == "thread/name/updated":
                return list(self._title(_named.decode(message.params), at))
        except wire.UNREADABLE:
            pass  # not content as we know it
        return []

    def _requested(self, message: Envelope, method: str) -> None:
        if method in wire.STARTS_TURN and message.id is not None:
            told = _moved.decode(message.params)
            thread_id = SessionId(told.threadId)
            before = self._wherever(thread_id)
            # What is asked for later runs where what is asked for now will.
            self._asked[message.id] = (
                thread_id,
                path(told.cwd) or (before[-1] if before else None),
            )
            bound(self._asked)
            if told.environments is not None:
                self._elsewhere.add(told.threadId)
        elif method in ("thread/settings/update", "turn/settings/update"):
            told = _moved.decode(message.params)
            if told.environments is not None or told.cwd is not None:
                self._elsewhere.add(told.threadId)
        elif method in wire.OPENS_THREAD and given(message.params):
            # The thread it opens may have no name yet.
            self._everywhere |= _opens.decode(message.params).environments is not None

    def _answered(self, message: Envelope, thread_id: SessionId, cwd: str | None) -> None:
        """Codex has taken a request for a turn, or refused it: then later ones may run elsewhere."""
        if not given(message.result):
            self._elsewhere.add(thread_id)
            return
        told = _answer.decode(message.result)
        thread = self._process.threads.get(thread_id)
        turn = thread.turns.get(told.turn.id) if thread is not None else None
        if turn is not None:
            # What was put into a running turn doesn't move it; if it says it would, we don't know.
            known = self._folders.get(turn.id, cwd)
            self._folders[turn.id] = cwd if known == cwd and not turn.ended else None
            bound(self._folders)

    def _set(self, told: SettingsNotice) -> None:
        """Codex says what a thread is set to."""
        now = told.threadSettings
        if now is None or path(now.cwd) not in self._wherever(SessionId(told.threadId)):
            self._elsewhere.add(told.threadId)

    def _wherever(self, thread_id: SessionId) -> list[str | None]:
        """Where turns of a thread run by now, and by what is asked for, in that order."""
        thread = self._process.threads.get(thread_id)
        asked = [cwd for whose, cwd in self._asked.values() if whose == thread_id]
        return [thread.settings.cwd if thread is not None else None, *asked]

    def _item(self, notice: ItemNotice, at: Stamp) -> Iterator[Heard]:
        item, where = notice.item, (notice.threadId, notice.turnId)
        if None in where and self._is_one_folder():
            # 0.63: its twin said whose it is; ids are unique within a thread only.
            where = self._process.items.get(item.id, where)
        thread_id, codex_turn = where
        if thread_id is None or codex_turn is None or not is_safe_id(item.id):
            return
        thread = self._process.threads.get(SessionId(thread_id))
        turn = thread.turns.get(codex_turn) if thread is not None else None
        if thread is None or turn is None or thread.legacy:
            return
        cwd = self._folders.get(turn.id)
        for kind, names in FIELDS.get(item.type, ()):
            pieces = [raw for name in names if given(raw := getattr(item, name))]
            if pieces and cwd is not None and self._is_sure(thread_id):
                sealed = Sealed(*pieces)
                yield Heard(thread.id, turn.id, ItemId(item.id), kind, at.wall_ms, cwd, sealed)

    def _title(self, told: Named, at: Stamp) -> Iterator[Heard]:
        thread = self._process.threads.get(SessionId(told.threadId))
        if thread is None or not given(told.threadName) or not self._is_sure(told.threadId):
            return
        cwd, *others = self._wherever(thread.id)
        if all(other == cwd for other in others):
            sealed = Sealed(told.threadName)
            yield Heard(thread.id, None, TITLE, "title", at.wall_ms, cwd, sealed)

    def _is_one_folder(self) -> bool:
        return len({thread.settings.cwd for thread in self._process.threads.values()}) == 1

    def _is_sure(self, thread_id: str) -> bool:
        return not self._everywhere and thread_id not in self._elsewhere

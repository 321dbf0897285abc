"""Items on the stream: which turn they belong to, when they started and ended."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import Clock, Drift, Fact
from codex_telemetry.core.identity import ItemId, SessionId, is_safe_id
from codex_telemetry.formats.app_server import items, wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.startups import until_now
from codex_telemetry.formats.app_server.state import live
from codex_telemetry.formats.app_server.threads import Threads
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.base import Stamp

_item = msgspec.json.Decoder(wire.ItemNotice)


class TurnItems:
    def __init__(self, process: Process, threads: Threads) -> None:
        self._process = process
        self._threads = threads

    def started(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        yield from self._item(params, at, ended=False)

    def completed(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        yield from self._item(params, at, ended=True)

    def _item(self, params: Raw, at: Stamp, *, ended: bool) -> Iterator[Fact]:
        notice = _item.decode(params)
        item = items.decode(notice.item)
        if not is_safe_id(item.id):
            yield Drift(self._process.version, "item/*", "an item's id isn't one")
            return
        found = self._process.where(notice.threadId, notice.turnId, item.id, at)
        if found is None or found[0].legacy:
            return
        thread, codex_turn = found
        yield from self._process.heard(thread, codex_turn)
        if item.type not in items.KINDS:
            yield Drift(
                self._process.version,
                f"item/{name(item.type) or '(unprintable)'}",
                "unknown item type",
            )
        told = items.facts(item, at)
        spoken_to = [child for child in item.children() if is_safe_id(child)]
        told.threads = frozenset(SessionId(child) for child in spoken_to) - {thread.id}
        if ended:
            told.ends = heard_at(at, notice.completedAtMs or item.completedAtMs)
            if item.startedAtMs is not None:
                told.starts[Clock.CODEX_MS] = at.steady(item.startedAtMs)
        else:
            told.starts = heard_at(at, notice.startedAtMs or item.startedAtMs)
        turn, item_id = thread.turn(codex_turn, self._process.launch), ItemId(item.id)
        if told.kind == "compaction" and not ended:
            told.context_before = live(thread.context, at)
            thread.compacting = (turn, item_id)
        facts = thread.facts(turn, at)
        facts.items[item_id] = told
        if not ended:
            facts.startups = until_now(self._process, thread, told.starts)
        yield facts
        for child in item.children():
            yield from self._threads.child(thread, child, at)

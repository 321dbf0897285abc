"""Read a rollout file line by line; hand out what is known so far whenever asked."""

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from codex_telemetry.core.facts import Captured, Fact, SessionFacts, Source
from codex_telemetry.core.gate import Heard
from codex_telemetry.core.identity import uuid7_ms
from codex_telemetry.core.veil import OPEN, Hasher, Veil
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.rollout import content, messages, table, tokens, wire
from codex_telemetry.formats.rollout.limits import KeptLimits
from codex_telemetry.formats.rollout.moments import log_ms, second_ms
from codex_telemetry.formats.rollout.names import RolloutName
from codex_telemetry.formats.rollout.reading import Moment, Reading
from codex_telemetry.formats.rollout.replay import copied
from codex_telemetry.formats.rollout.session import archived as lies_archived
from codex_telemetry.formats.rollout.state import State, load, veiled
from codex_telemetry.formats.rollout.table import Known

_HEAD = re.compile(
    rb'\{"timestamp":"(([0-9T:-]{19})\.(\d{3})Z|[0-9TZ:.+-]{20,35})",'
    rb'(?:"ordinal":(\d{1,15}),)?'
    rb'"type":"([^"]{1,64}","payload":\{(?:"type":"[^"]{1,64}")?)'
)
"""The head of a line as Codex writes it (0.42 to 0.169)."""
_MESSAGE = b'response_item","payload":{"type":"message"'
_ROLE = re.compile(rb'(?:,"status":"\w+")?(?:,"id":(?:null|"[^"\\]{0,200}"))?,"role":"(\w+)"')
_MS = {b"%03d" % ms: ms for ms in range(1000)}
_PLACE = re.compile(r"`(\$[A-Za-z0-9_.\[\]]*)`$")
_BOM = b"\xef\xbb\xbf"
_BLANK = b"\0 \t\r\n"

_envelope = msgspec.json.Decoder(wire.Envelope)


class RolloutReader:
    """Reads one file. Claims are folded by turn and handed out by `finish`."""

    def __init__(
        self,
        name: RolloutName,
        archived: bool | None = None,
        *,
        hasher: Hasher | None = None,
        hash_commands: bool = False,
        repo_names: bool = False,
        content: bool = False,
    ) -> None:
        """`content`: some of it may be granted, so that it has to be looked at."""
        self._content: list[Heard] | None = [] if content else None
        self._archived = archived
        self._limits = KeptLimits()
        self._said: dict[str, tuple[bytes, object]] = {}
        """The last line of each kind that is often said again, behind its head."""
        self._reading = Reading(
            State(thread=name.thread_id, created=uuid7_ms(name.thread_id)),
            hasher,
            hash_commands,
            repo_names,
            limits=self._limits,
        )

    @classmethod
    def restore(
        cls,
        state: bytes,
        name: RolloutName,
        archived: bool | None = None,
        *,
        hasher: Hasher | None = None,
        hash_commands: bool = False,
        repo_names: bool = False,
        content: bool = False,
    ) -> "RolloutReader":
        """The reader as it was at a line's end. Raises `msgspec.MsgspecError` if that isn't one."""
        reader = cls(
            name,
            archived,
            hasher=hasher,
            hash_commands=hash_commands,
            repo_names=repo_names,
            content=content,
        )
        reader._reading.state = load(state)
        reader._limits.take(reader._reading.state)
        return reader

    def state(self, veil: Veil = OPEN) -> bytes:
        """All that is needed to go on at this line's end, what isn't handed out yet included.

        It is stored like facts are, so what isn't stored of those isn't in it."""
        state = self._reading.state
        self._reading.settle_context()
        self._limits.give(state)
        return msgspec.msgpack.encode(veiled(state, veil))

    @property
    def codex_version(self) -> str | None:
        """The release that made the thread; a newer one may have written to the file since."""
        return self._reading.state.version

    def read(self, line: bytes, captured: Captured) -> Iterable[Fact]:
        """What has to be handed out at once: limits and drift. Nothing raises."""
        reading = self._reading
        state = reading.state
        if state.captured is not captured:
            state.captured = captured
        head = _HEAD.match(line)
        if head is None or not self._as_written(line, head):
            self._by_envelope(line)
        if not state.begun:
            state.begun = True
        if not reading.out:
            return ()
        out, reading.out = reading.out, []
        return out

    def take_content(self) -> list[Heard]:
        """What the lines read since the last call hold of content, sealed: nothing unless the reader
        was made to look at it."""
        if not self._content:
            return []
        taken, self._content = self._content, []
        return taken

    def finish(self) -> Iterator[Fact]:
        """Everything that the lines so far tell and that wasn't handed out; reading may go on."""
        reading, state = self._reading, self._reading.state
        reading.settle_context()
        tokens.told_so_far(reading)
        facts: list[Fact] = []
        for turn_id, turn in state.turns.items():
            turn.counts = dict(state.tally.get(turn_id, {}))
            facts.append(turn)
        state.turns = {}
        session = self._session()
        if session is not None:
            facts.insert(0, session)
        return iter(facts)

    def _session(self) -> SessionFacts | None:
        state = self._reading.state
        if state.session is None or state.captured is None:
            return None
        heard = log_ms(state.last_stamp.decode("ascii", "replace"))
        if heard is not None:
            state.session.last_at = max(heard, state.session.last_at or 0)
        lies_archived(state.session, self._archived, state.captured.at)
        told = replace(state.session, created=dict(state.session.created))
        state.session.events = {}
        return told

    def _as_written(self, line: bytes, head: re.Match[bytes]) -> bool:
        """Read a line by its head; False if it has to be looked at more closely."""
        stamp, second, ms, ordinal, written = head.groups()
        try:
            known = table.HEADS[written]
        except KeyError:
            return False
        state = self._reading.state
        if known is None:
            if state.replay is None:
                state.last_stamp = stamp
            return True
        begun = None if second is None else second_ms(second)
        at = log_ms(stamp.decode()) if begun is None else begun + _MS[ms]
        if written == _MESSAGE and state.replay is None:
            role = _ROLE.match(line, head.end())
            if role is not None and self._message(role[1], at, stamp):
                return True
        try:
            told = (
                self._told(known, line, head.end())
                if known.said_again
                else known.line(line).payload
            )
        except wire.UNREADABLE:
            return False
        # Its number matters only as long as a copy may end with it.
        counted = int(ordinal) if ordinal is not None and state.replay is not None else None
        self._take(known, told, Moment(at, counted), stamp, line)
        return True

    def _told(self, known: Known, line: bytes, start: int) -> object:
        """What a line says. One that is written as the last of its kind was is that one again."""
        written = line[start:]
        before = self._said.get(known.name)
        if before is None or before[0] != written:
            before = self._said[known.name] = (written, known.line(line).payload)
        return before[1]

    def _message(self, role: bytes, ms: int | None, stamp: bytes) -> bool:
        """A message whose text needn't be looked at."""
        state = self._reading.state
        if role == b"user" and not state.events_seen:
            return False
        if role == b"assistant":
            messages.answer(self._reading, Moment(ms))
            state.last_line = None
        state.last_stamp = stamp
        return True

    def _take(
        self, known: Known, told: object, at: Moment, stamp: bytes, line: bytes | Raw
    ) -> None:
        """`line`: all of it, or, as it wasn't written as expected, its payload."""
        reading = self._reading
        state = reading.state
        if state.replay is not None and copied(reading, known.name, told, at):
            return
        if state.session is None and known.name != "session_meta":
            # The head of the file is missing: its name says whose it is.
            if state.thread is None:
                return
            state.session = SessionFacts(state.thread, sources=Source.ROLLOUT)
            state.session.captured = state.captured
        if at.ms is None:
            state.untimed += 1
        known.handle(reading, told, at)
        if self._content is not None:
            self._look_at_content(self._content, known.name, line, at)
        if state.last_line is not None and not known.passing:
            state.last_line = None
        state.last_stamp = stamp or state.last_stamp

    def _look_at_content(
        self, found: list[Heard], name: str, line: bytes | Raw, at: Moment
    ) -> None:
        try:
            payload = line if isinstance(line, Raw) else _envelope.decode(line).payload
            found += content.heard(self._reading, name, payload, at)
        except wire.UNREADABLE:
            pass  # not content as we know it

    def _by_envelope(self, line: bytes) -> None:
        """Any line that isn't written as expected: spaced, reordered, broken, or of 0.20."""
        reading = self._reading
        text = line.strip(_BLANK).removeprefix(_BOM)
        if not text:
            if b"\0" in line:
                reading.drift("(line)", "not a JSON object")
            return
        try:
            envelope = _envelope.decode(text)
        except wire.UNREADABLE:
            reading.drift("(line)", "not a JSON object")
            return
        payload, of_payload = envelope.payload, None
        try:
            if given(payload):
                of_payload = msgspec.json.decode(payload, type=wire.Typed).type
            elif envelope.type is not None:
                envelope.type, of_payload, payload = "response_item", envelope.type, Raw(text)
            elif envelope.id is not None and envelope.record_type is None:
                envelope.type, payload = "session_meta", Raw(text)
            elif envelope.record_type is not None:
                return
            self._decoded(envelope, of_payload, payload)
        except wire.UNREADABLE as error:
            reading.drift(_name(envelope.type, of_payload), _reason(error))

    def _decoded(self, envelope: wire.Envelope, of_payload: str | None, payload: Raw) -> None:
        reading = self._reading
        if envelope.type == "response_item":
            known_by, ignored, which = table.ITEMS, table.IGNORED_ITEMS, of_payload
        elif envelope.type == "event_msg":
            known_by, ignored, which = table.EVENTS, table.IGNORED_EVENTS, of_payload
        else:
            known_by, ignored, which = table.TOP, table.IGNORED_TOP, envelope.type
        key = (which or "").encode("utf-8", "replace")
        known = known_by.get(key)
        stamp = (envelope.timestamp or "").encode("utf-8", "replace")
        if known is not None:
            at = Moment(log_ms(envelope.timestamp), envelope.ordinal)
            if envelope.type == "session_meta" and not given(envelope.payload):
                at = Moment(None)  # of 0.20: nothing after it has a time
            self._take(known, known.payload(payload), at, stamp, payload)
        elif key not in ignored:
            reading.drift(_name(envelope.type, of_payload), "unknown line")


def _name(kind: str | None, of_payload: str | None) -> str:
    parts = [part for part in (kind, of_payload) if part is not None]
    words = [p if name(p) is not None and len(p) <= 64 else "(unprintable)" for p in parts]
    return "/".join(words) or "(line)"


def _reason(error: Exception) -> str:
    place = _PLACE.search(str(error))
    return f"unexpected shape at {place[1]}" if place else "unexpected shape"

"""One app-server process as its stream shows it: its client, its threads, what it waits for."""

from collections.abc import Iterator

from codex_telemetry.core.facts import Clock, Fact, SessionFacts, Source, Times
from codex_telemetry.core.identity import LaunchId, SessionId, is_safe_id
from codex_telemetry.formats.app_server.limits import Limits
from codex_telemetry.formats.app_server.state import OpenAsk, Request, Thread, bound, live
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.app_server.wire import Id
from codex_telemetry.formats.base import Stamp


class Process:
    """What is remembered between lines. Short turn ids are unique within it (`launch`)."""

    def __init__(self, launch: LaunchId) -> None:
        self.launch = launch
        self.client_name: str | None = None
        self.client_version: str | None = None
        self.version: str | None = None
        self.unheard: frozenset[str] = frozenset()
        """Notifications the client opted out of: Codex doesn't send them."""
        self.limits = Limits()
        self.threads: dict[SessionId, Thread] = {}
        self.requests: dict[Id, Request] = {}
        self.asks: dict[Id, OpenAsk] = {}
        self.items: dict[str, tuple[SessionId, str]] = {}
        """Item id → thread and turn, for releases whose items say neither (0.58, 0.63)."""
        self.answered: dict[str, SessionId] = {}
        """Codex's turn id → the thread of the latest `turn/start` that was answered with it."""
        self.last_legacy: tuple[SessionId, str, str] | None = None
        """Thread, turn and type of the `codex/event/*` just before: its twin follows."""
        self.opened_last: SessionId | None = None
        """The thread whose opening was answered last: its MCP servers start next."""
        self.missed_some = False
        """Something was lost: a thread that turns up unannounced may have a history."""
        self.met: list[SessionFacts] = []
        """Claims about threads met while a line was read."""

    def thread(self, thread_id: str, at: Stamp) -> Thread | None:
        """The thread of that id; a subagent's is never announced, so any may be new."""
        if not is_safe_id(thread_id):
            return None
        session = SessionId(thread_id)
        found = self.threads.get(session)
        if found is None:
            found = self.threads[session] = Thread(
                session,
                cli_version=self.version,
                unheard=self.unheard,
                baseline=self.missed_some,
            )
            bound(self.threads)
            self.met.append(self.session(found, at))
        return found

    def lost(self) -> None:
        """What Codex said for a while wasn't heard: its next count of tokens may be one of those, said
        once more of another turn. The log has what isn't counted for that."""
        self.missed_some = True
        # The twin of a message may be among what was lost.
        self.last_legacy = None
        for thread in self.threads.values():
            thread.baseline, thread.counted, thread.raw_response = True, None, None

    def session(self, thread: Thread, at: Stamp) -> SessionFacts:
        """An empty claim about a thread, heard now by this client."""
        return SessionFacts(
            session_id=thread.id,
            sources=Source.LIVE,
            captured=at.captured,
            client_name=live(self.client_name, at),
            client_version=live(self.client_version, at),
            cli_version=live(thread.cli_version, at),
            created={} if thread.created is None else {int(Clock.CODEX_S): thread.created},
            unheard=self.unheard,
        )

    def key(self, request_id: Id) -> str:
        """What a request is called beyond this process: ids start again in each."""
        return f"{self.launch}:{name(str(request_id)) or '(unprintable)'}"

    def turn_of(self, thread: Thread, codex_turn: str) -> str | None:
        """Codex's id of a turn that was asked for or heard of. A reviewer's own turn, which hooks
        name (0.169), is its review's."""
        return codex_turn if codex_turn in thread.turns else thread.review

    def is_before(self, minor: int) -> bool:
        """Whether Codex is a release before 0.`minor`; False for one that hasn't said."""
        major, found, *_ = [*(self.version or "").split("."), "", ""]
        return major == "0" and found.isdigit() and int(found) < minor

    def resumes_with_history(self) -> bool:
        """Whether a resumed thread announces the count of its past first: up to 0.77 it starts
        again from nothing."""
        return not self.is_before(78)

    def where(
        self, thread_id: str | None, turn_id: str | None, item_id: str | None, at: Stamp
    ) -> tuple[Thread, str] | None:
        """Thread and turn of a notification. 0.63 names neither: they are the item's own, or those
        of the twin in the older protocol that came just before, or of the one running turn."""
        if thread_id is None and item_id is not None and item_id in self.items:
            thread_id, turn_id = self.items[item_id]
        if thread_id is None and turn_id is not None and turn_id in self.answered:
            thread_id = self._by_twin(turn_id) or self.answered[turn_id]
        if thread_id is None and self.last_legacy is not None:
            thread_id, turn_id = self.last_legacy[0], turn_id or self.last_legacy[1]
        if thread_id is None:
            running = [t for t in self.threads.values() if t.active is not None]
            if len(running) != 1:
                return None
            thread_id = running[0].id
        thread = self.thread(thread_id, at)
        if thread is None:
            return None
        turn = turn_id if turn_id is not None else thread.active
        return None if turn is None or not is_safe_id(turn) else (thread, turn)

    def _by_twin(self, turn_id: str) -> SessionId | None:
        twin = self.last_legacy
        ends = ("task_complete", "turn_aborted", "task_started")
        return twin[0] if twin is not None and twin[1] == turn_id and twin[2] in ends else None

    def heard(self, thread: Thread, codex_turn: str) -> Iterator[Fact]:
        """Something named the turn: it exists; a start held back is told now."""
        turn = thread.turn(codex_turn, self.launch)
        if turn.heard:
            return
        turn.heard = True
        if thread.active is None or thread.turn(thread.active, self.launch).ended:
            thread.active = codex_turn
        if turn.started_facts is not None:
            yield turn.started_facts
            turn.started_facts = None


def heard_at(at: Stamp, codex_ms: int | None = None, codex_s: int | None = None) -> Times:
    """The moment now by our clock, and by Codex's where it says so."""
    times = {int(Clock.WIRE): at.wall_ms}
    if codex_ms is not None:
        times[Clock.CODEX_MS] = at.steady(codex_ms)
    if codex_s is not None:
        times[Clock.CODEX_S] = at.steady(codex_s * 1000)
    return times

"""Content on the stream: which turn's it is, and where that runs, is known for sure or it isn't told."""

import json
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.core.gate import Heard
from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats.app_server import stream
from codex_telemetry.formats.app_server.reader import AppServer
from codex_telemetry.formats.base import Direction, Stamp
from codex_telemetry.formats.rollout.reader import RolloutReader
from recordings import Recording, Recordings
from rolled import NOW, lines_of, name_of

THREAD, OTHER = "01a20724-25b9-7591-a792-2d6ff3383691", "01a20724-25b9-7591-a792-2d6ff3383692"
TURN, NEXT = "01a20724-25db-75a2-b830-6a9c0d17030c", "01a20724-25db-75a2-b830-6a9c0d17030d"
WAYS: dict[str, Direction] = {"c2s": "client", "s2c": "server"}


class Story:
    """A client and a Codex, and what was heard of content."""

    def __init__(self, *, content: bool = True) -> None:
        self.reader = stream.reader(LaunchId("launch"), content=content)
        self.ids = 0

    def client(self, method: str, **params: Any) -> int:
        self.ids += 1
        self._read("client", {"id": self.ids, "method": method, "params": params})
        return self.ids

    def answer(self, request: int, **result: Any) -> None:
        self._read("server", {"id": request, "result": result})

    def refuse(self, request: int) -> None:
        self._read("server", {"id": request, "error": {"code": -32600, "message": "no"}})

    def server(self, method: str, **params: Any) -> None:
        self._read("server", {"method": method, "params": params})

    def _read(self, way: Direction, message: dict[str, Any]) -> None:
        list(self.reader.read(way, json.dumps(message).encode(), Stamp(1_000)))

    def opened(self, cwd: str | None, thread: str = THREAD) -> None:
        self.answer(self.client("thread/start"), thread={"id": thread}, cwd=cwd)

    def turn(self, turn: str = TURN, thread: str = THREAD, **params: Any) -> None:
        request = self.client("turn/start", threadId=thread, **params)
        self.answer(request, turn={"id": turn})
        self.server("turn/started", threadId=thread, turn={"id": turn})

    def says(self, text: str, turn: str = TURN, thread: str = THREAD) -> list[str | None]:
        """The folders by which what is said then was told."""
        item = {"type": "agentMessage", "id": "msg_1", "text": text}
        self.server("item/completed", threadId=thread, turnId=turn, item=item)
        return [heard.cwd for heard in self.reader.take_content()]


def test_a_turn_runs_where_its_thread_was_opened() -> None:
    story = Story()
    story.opened("/app")
    story.turn()
    assert story.says("x") == ["/app"]


def test_nothing_is_told_unless_something_may_be_granted() -> None:
    story = Story(content=False)
    story.opened("/app")
    story.turn()
    assert story.says("x") == []


def test_a_turn_runs_where_its_own_start_says() -> None:
    story = Story()
    story.opened("/app")
    story.turn(cwd="/private")
    assert story.says("x") == ["/private"]
    story.turn(NEXT)
    assert story.says("y", NEXT) == ["/private"]


def test_content_before_the_folder_is_known_is_not_told() -> None:
    """Notifications may come before the answer that says which turn a request became."""
    story = Story()
    story.opened("/app")
    request = story.client("turn/start", threadId=THREAD, cwd="/private")
    story.server("turn/started", threadId=THREAD, turn={"id": TURN})
    assert story.says("x") == []
    story.answer(request, turn={"id": TURN})
    assert story.says("y") == ["/private"]


def test_a_turn_whose_start_was_not_heard_has_no_folder() -> None:
    story = Story()
    story.opened("/app")
    story.server("turn/started", threadId=THREAD, turn={"id": TURN})
    assert story.says("x") == []


def test_a_thread_that_was_not_opened_here_has_no_folder() -> None:
    story = Story()
    story.opened("/app")
    story.turn(thread=OTHER)
    assert story.says("x", thread=OTHER) == []


def test_a_message_put_into_a_running_turn_does_not_move_it() -> None:
    story = Story()
    story.opened("/app")
    story.turn()
    request = story.client("turn/start", threadId=THREAD, cwd="/private")
    story.answer(request, turn={"id": TURN})
    assert story.says("x") == []


@pytest.mark.parametrize("way", ["client", "server"])
def test_after_a_loss_nothing_is_told(way: Direction) -> None:
    """What was lost may have moved a thread."""
    story = Story()
    story.opened("/app")
    story.turn()
    story.reader.lost(way)
    assert story.says("x") == []
    story.turn(NEXT)
    assert story.says("y", NEXT) == []


@pytest.mark.parametrize(
    "params",
    [{"cwd": "/private"}, {"environments": [{"environmentId": "e", "cwd": "/private"}]}],
    ids=["folder", "environment"],
)
def test_a_thread_moved_by_its_settings_is_left_to_its_log(params: dict[str, Any]) -> None:
    story = Story()
    story.opened("/app")
    story.opened("/app", OTHER)
    story.client("thread/settings/update", threadId=THREAD, **params)
    story.turn()
    story.turn(NEXT, OTHER)
    assert story.says("x") == []
    assert story.says("y", NEXT, OTHER) == ["/app"]


def test_a_thread_that_codex_says_was_moved_is_left_to_its_log() -> None:
    story = Story()
    story.opened("/app")
    story.server("thread/settings/updated", threadId=THREAD, threadSettings={"cwd": "/private"})
    story.turn()
    assert story.says("x") == []


@pytest.mark.parametrize("method", ["turn/start", "thread/start"])
def test_where_environments_are_named_nothing_is_told(method: str) -> None:
    story = Story()
    environments = [{"environmentId": "e", "cwd": "/private"}]
    if method == "thread/start":
        request = story.client(method, environments=environments)
        story.answer(request, thread={"id": THREAD}, cwd="/app")
        story.turn()
    else:
        story.opened("/app")
        story.turn(environments=environments)
    assert story.says("x") == []


def test_of_items_without_a_thread_it_is_told_where_there_is_one_folder_only() -> None:
    """0.63: the older event just before says whose an item is."""
    for folder, told in (("/app", ["/app"]), ("/private", [])):
        story = Story()
        story.opened("/app")
        story.opened(folder, OTHER)
        story.turn()
        story.turn(NEXT, OTHER)
        message = {"type": "exec_command_begin", "call_id": "call_1"}
        story.server("codex/event/x", conversationId=THREAD, id=TURN, msg=message)
        item = {"type": "commandExecution", "id": "call_1", "command": "ls"}
        story.server("item/completed", item=item)
        assert [heard.cwd for heard in story.reader.take_content()] == told


def test_a_title_is_of_its_threads_folder() -> None:
    story = Story()
    story.opened("/app")
    story.server("thread/name/updated", threadId=THREAD, threadName="about")
    (title,) = story.reader.take_content()
    assert (title.kind, title.turn_id, title.cwd) == ("title", None, "/app")
    story.client("turn/start", threadId=THREAD, cwd="/private")
    story.server("thread/name/updated", threadId=THREAD, threadName="about")
    assert story.reader.take_content() == []


def test_turns_asked_for_at_once_run_each_where_its_own_request_says() -> None:
    """What is asked for later, and what Codex says of that, doesn't move what was asked for before."""
    story = Story()
    story.opened("/app")
    first = story.client("turn/start", threadId=THREAD)
    second = story.client("turn/start", threadId=THREAD, cwd="/private")
    third = story.client("turn/start", threadId=THREAD)
    story.server("thread/settings/updated", threadId=THREAD, threadSettings={"cwd": "/private"})
    ran = {}
    for request, turn in ((third, "t-3"), (second, "t-2"), (first, "t-1")):
        story.answer(request, turn={"id": turn})
        story.server("turn/started", threadId=THREAD, turn={"id": turn})
        ran[turn] = story.says("x", turn)
    assert ran == {"t-3": ["/private"], "t-2": ["/private"], "t-1": ["/app"]}


def test_after_a_refused_request_a_thread_is_left_to_its_log() -> None:
    """Those behind it were thought to run where it would have."""
    story = Story()
    story.opened("/app")
    refused = story.client("turn/start", threadId=THREAD, cwd="/private")
    story.refuse(refused)
    story.turn()
    assert story.says("x") == []


def test_a_folder_that_a_turn_asked_for_may_be_announced_before_its_answer() -> None:
    story = Story()
    story.opened("/app")
    request = story.client("turn/start", threadId=THREAD, cwd="/private")
    story.server("thread/settings/updated", threadId=THREAD, threadSettings={"cwd": "/private"})
    story.answer(request, turn={"id": TURN})
    story.server("turn/started", threadId=THREAD, turn={"id": TURN})
    assert story.says("x") == ["/private"]


def test_a_review_by_another_thread_has_no_folder() -> None:
    story = Story()
    story.opened("/app")
    request = story.client("review/start", threadId=THREAD, target={})
    story.answer(request, turn={"id": TURN}, reviewThreadId=OTHER)
    assert story.says("x", thread=OTHER) == []


def test_odd_shapes_raise_nothing() -> None:
    story = Story()
    story.opened("/app")
    story.turn()
    item: Any
    for item in (None, 1, [], {}, {"type": 1, "id": "x"}, {"type": "agentMessage", "id": "\n"}):
        story.server("item/completed", threadId=THREAD, turnId=TURN, item=item)
    assert story.reader.take_content() == []
    assert story.says("x") == ["/app"]


def heard_live(recording: Recording) -> list[Heard]:
    readers: dict[int, AppServer] = {}
    found: list[Heard] = []
    for frame in recording.frames():
        if frame.direction in WAYS:
            reader = readers.setdefault(
                frame.proc, stream.reader(LaunchId(str(frame.proc)), content=True)
            )
            at = Stamp(int(frame.wall_s * 1000))
            list(reader.read(WAYS[frame.direction], frame.line, at))
            found += reader.take_content()
    return found


def heard_logged(path: Path, *, stops: bool = False) -> list[Heard]:
    reader = RolloutReader(name_of(path), content=True)
    found: list[Heard] = []
    for line in lines_of(path):
        if stops:
            reader = RolloutReader.restore(reader.state(), name_of(path), content=True)
        list(reader.read(line, NOW))
        found += reader.take_content()
    return found


def keys(told: list[Heard]) -> set[tuple[str | None, str, str, str | None]]:
    return {(one.turn_id, one.item_id, one.kind, one.cwd) for one in told}


@pytest.mark.parametrize("scenario", ["a_plain", "b_shell", "d_web", "e_mcp", "l_concurrent"])
@pytest.mark.parametrize("version", ["0.155.0", "0.169.0"])
def test_stream_and_log_tell_of_the_same(
    recordings: Recordings, version: str, scenario: str
) -> None:
    recording = recordings.one(f"{version}/{scenario}")
    logged = [one for path in recording.rollouts() for one in heard_logged(path)]
    assert keys(heard_live(recording)) == keys(logged)
    assert {one.kind for one in logged} >= {"prompt", "response"}


@pytest.mark.parametrize("version", ["0.42.0", "0.63.0", "0.98.0", "0.125.0", "0.155.0", "0.169.0"])
def test_each_release_tells_of_content(recordings: Recordings, version: str) -> None:
    minor = int(version.split(".")[1])
    recording = recordings.one(f"{version}/{'b' if minor > 42 else 'v1'}_shell")
    logged = {one.kind for path in recording.rollouts() for one in heard_logged(path)}
    assert logged >= {"response", "reasoning", "tool_args", "tool_output"}
    # Up to 0.98 a log says where a turn runs only after its prompt; up to 0.42 the stream doesn't.
    assert ("prompt" in logged) == (minor >= 125)
    live = {one.kind for one in heard_live(recording)}
    assert ("prompt" in live) == (minor >= 63)


def test_a_logged_turn_runs_where_its_own_context_says() -> None:
    """Up to 0.98 the context comes after the prompt: of the turn before, it says nothing."""
    said: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": THREAD, "cwd": "/app"}),
        ("event_msg", {"type": "user_message", "message": "1"}),
        ("turn_context", {"cwd": "/app"}),
        ("event_msg", {"type": "agent_message", "message": "2"}),
        ("response_item", {"type": "message", "role": "assistant", "content": []}),
        ("event_msg", {"type": "user_message", "message": "3"}),
        ("event_msg", {"type": "agent_message", "message": "4"}),
        ("turn_context", {"cwd": "/private"}),
        ("event_msg", {"type": "agent_message", "message": "5"}),
    ]
    reader = RolloutReader(
        name_of(Path(f"rollout-2026-11-23T06-42-01-{THREAD}.jsonl")), content=True
    )
    told = []
    for n, (kind, payload) in enumerate(said):
        line = {"timestamp": f"2026-11-23T06:42:{n:02}.000Z", "type": kind, "payload": payload}
        list(reader.read(json.dumps(line).encode(), NOW))
        told += [(payload["message"], one.cwd) for one in reader.take_content()]
    assert told == [("2", "/app"), ("5", "/private")]


@pytest.mark.parametrize("version", ["0.98.0", "0.125.0", "0.169.0"])
def test_to_stop_reading_a_log_and_go_on_changes_nothing(
    recordings: Recordings, version: str
) -> None:
    for path in recordings.one(f"{version}/k_resume_fork").rollouts():
        assert keys(heard_logged(path, stops=True)) == keys(heard_logged(path))


def test_what_a_reader_remembers_holds_no_content(recordings: Recordings) -> None:
    for path in recordings.one("0.169.0/k_resume_fork").rollouts():
        reader = RolloutReader(name_of(path), content=True)
        for line in lines_of(path):
            list(reader.read(line, NOW))
            assert b"CANARY-" not in reader.state()

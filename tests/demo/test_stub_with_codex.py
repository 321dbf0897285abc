"""The stub and the client with real releases of Codex: what the other tests of `run` stand on."""

import sys
import time

import pytest

from app_server import PLAIN_MODEL, Talk, prompt, talk
from codex_telemetry.demo.home import inhabitants
from codex_telemetry.demo.scripts import SCRIPTS
from real_codex import RealCodex
from store_of import until

WITH_TOKENS_ON_THE_STREAM = ("0.169.0", "0.125.0")
LEFT_ALONE = {"long_sleep", "slow_answer"}
"""They are for interrupting."""
ELSEWHERE = {"background", "polled", "limited_once", "asks_user", "clients_tool", "elicits"}
"""They take a certain release, a client that brings a tool, or an MCP server: see `end_to_end`."""


def test_each_script_makes_a_turn(codex: RealCodex) -> None:
    with talk(codex) as it:
        it.client.approve()
        scripts = SCRIPTS.keys() - LEFT_ALONE - ELSEWHERE
        for n, script in enumerate(sorted(scripts)):
            turn = it.turn(script, str(n))
            assert turn["status"] == ("failed" if script == "error400" else "completed"), script
        told = {call.script for call in it.stub.answered}
        assert told == scripts - {"error400"}


def test_codex_asks_nothing_of_the_network(codex: RealCodex) -> None:
    with talk(codex) as it:
        it.client.approve()
        it.turn("demo")
        asked = {call.path for call in it.stub.calls}
    assert asked == {"/v1/responses"}


@pytest.mark.codex(*WITH_TOKENS_ON_THE_STREAM)
def test_the_usage_on_the_wire_is_what_the_stub_logged(codex: RealCodex) -> None:
    with talk(codex) as it:
        it.turn("shell")
        updates = it.client.messages("thread/tokenUsage/updated")
        totals = [update["params"]["tokenUsage"]["last"]["totalTokens"] for update in updates]
        # The stub writes down what it answered once that is sent: Codex may have it before.
        until(lambda: len([call for call in it.stub.answered if call.usage]) == 4)
        logged = [call.usage["total_tokens"] for call in it.stub.answered if call.usage]
    assert len(logged) == 4
    assert list(dict.fromkeys(totals)) == logged  # old releases announce each of them twice


@pytest.mark.parametrize(("accept", "status"), [(True, "completed"), (False, "declined")])
def test_a_permission_is_asked_for_and_the_answer_counts(
    codex: RealCodex, accept: bool, status: str
) -> None:
    with talk(codex) as it:
        old = it.home.work / "CANARY-ARG-1.old"
        old.touch()
        it.client.approve(after=0.3, accept=accept)
        assert it.turn("approval")["status"] == "completed"
        (asked,) = it.client.messages("item/commandExecution/requestApproval")
        ended = {(item["id"], item["status"]) for item in it.items("commandExecution")}
        assert (asked["params"]["itemId"], status) in ended
        assert len({item for item, _ in ended}) == 1  # 0.63: declined, and then failed as well
        assert old.exists() is not accept


def test_a_permission_is_answered_after_the_given_time(codex: RealCodex) -> None:
    with talk(codex) as it:
        it.client.approve(after=0.5)
        it.turn("approval")
        asked, answered = (
            next(line for line in it.client.lines if line.way == way and fits in line.text)
            for way, fits in (("heard", b"requestApproval"), ("sent", b"decision"))
        )
    assert (answered.mono_ns - asked.mono_ns) / 1e9 >= 0.5


def test_the_commands_duration_follows_the_stubs_seconds(codex: RealCodex) -> None:
    def duration_ms(seconds: float) -> int:
        with talk(codex, command_seconds=seconds) as it:
            it.client.approve()
            it.turn("demo")
            slow, _ = it.items("commandExecution")
            assert f"sleep {seconds:g}" in slow["command"]
            return int(slow["durationMs"])

    # Unified exec tells of a command some 150 ms after it began.
    assert duration_ms(1.5) - duration_ms(0.5) == pytest.approx(1000, abs=400)


@pytest.mark.codex(*WITH_TOKENS_ON_THE_STREAM)
def test_parallel_commands_overlap(codex: RealCodex) -> None:
    with talk(codex, model=PLAIN_MODEL) as it:
        it.turn("parallel")
        ways = [
            message["method"]
            for message in (line.message for line in it.client.lines)
            if message and b"commandExecution" in str(message).encode() and "method" in message
            if message["method"] in ("item/started", "item/completed")
        ]
    assert ways == ["item/started"] * 2 + ["item/completed"] * 2


def test_a_response_that_breaks_off_is_asked_for_again(codex: RealCodex) -> None:
    with talk(codex) as it:
        it.turn("retry_once")
        broken, whole = it.stub.calls
        assert (broken.complete, whole.complete) == (False, True)
        (error,) = it.client.messages("error")
        assert error["params"].get("willRetry", True) is True


def test_a_slow_first_token_is_slow_on_the_wire(codex: RealCodex) -> None:
    with talk(codex) as it:
        it.turn("slow_first_token")
        prompted, said = (
            next(
                line
                for line in it.client.lines
                if line.message and line.message.get("method") == f"item/{event}"
                if line.message["params"]["item"]["type"] == kind
            )
            for event, kind in (("started", "userMessage"), ("started", "agentMessage"))
        )
    assert (said.mono_ns - prompted.mono_ns) / 1e9 >= 1.4


def test_an_interrupted_command_ends_with_its_turn_and_leaves_no_process(codex: RealCodex) -> None:
    with talk(codex) as it:
        turn = it.client.start_turn(it.thread, prompt("long_sleep"))
        it.client.wait("item/started", lambda told: told["item"]["type"] == "commandExecution")
        it.client.request("turn/interrupt", {"threadId": it.thread, "turnId": turn})
        assert it.client.completed(it.thread)["status"] == "interrupted"
        assert it.client.close() == 0
        assert_nobody_is_left(it)
    assert not it.home.root.exists()


def assert_nobody_is_left(it: Talk) -> None:
    if sys.platform == "linux":
        end = time.monotonic() + 10
        while inhabitants(it.home.root) and time.monotonic() < end:
            time.sleep(0.05)
        assert inhabitants(it.home.root) == []

"""The recorded stream speaks like a live server: in turn, at its pace, and as of now."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.demo.client import Client
from codex_telemetry.demo.replay import RECORDED, Shift, recorded_version
from codex_telemetry.demo.scene import Enacted, enact

REPLAY = [sys.executable, "-P", "-m", "codex_telemetry.demo.replay"]
ROWS = [json.loads(row) for row in RECORDED.read_text().splitlines()]


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[Client, Enacted]]:
    with Client(REPLAY) as client:
        enacted = enact(client, Path("/demo/work"))
        assert client.close() == 0
        yield client, enacted


def test_the_recording_makes_a_turn_with_all_that_the_demo_shows(
    played: tuple[Client, Enacted],
) -> None:
    client, enacted = played
    assert enacted.status == "completed"
    assert enacted.codex_version == recorded_version()
    kinds = [told["params"]["item"]["type"] for told in client.messages("item/completed")]
    assert {"reasoning", "commandExecution", "fileChange", "agentMessage"} < set(kinds)
    assert len(client.messages("item/commandExecution/requestApproval")) == 1


def test_what_the_client_says_in_the_recording_is_what_the_scene_says_today(
    played: tuple[Client, Enacted],
) -> None:
    def said(message: dict[str, Any]) -> object:
        params = message.get("params") or {}
        return message.get("method"), params.get("input"), message.get("result")

    recorded = [said(json.loads(row["line"])) for row in ROWS if row["way"] == "sent"]
    sent = [line.message or {} for line in played[0].lines if line.way == "sent"]
    assert [said(message) for message in sent] == recorded


def test_times_are_moved_to_now_and_agree_with_each_other(played: tuple[Client, Enacted]) -> None:
    client, enacted = played
    (completed,) = client.messages("turn/completed")
    turn = completed["params"]["turn"]
    began = int(enacted.turn.replace("-", "")[:12], 16)
    heard = next(line for line in client.lines if line.message == completed)
    assert abs(heard.wall_ns / 1e6 - (began + turn["durationMs"])) < 1000
    assert abs(turn["startedAt"] * 1000 - began) <= 1500  # whole seconds, moved
    assert turn["rootTurnId"] == turn["id"] == enacted.turn
    for line in client.lines:
        if line.way == "heard" and line.message and "emittedAtMs" in line.message:
            assert abs(line.wall_ns / 1e6 - line.message["emittedAtMs"]) < 5000


def test_what_is_said_twice_is_moved_the_same_way(played: tuple[Client, Enacted]) -> None:
    client, _ = played
    (asked,) = client.messages("item/commandExecution/requestApproval")
    waited = asked["params"]["itemId"]
    started, completed = (
        next(
            told["params"]["item"]
            for told in client.messages(f"item/{event}")
            if told["params"]["item"]["id"] == waited
        )
        for event in ("started", "completed")
    )
    assert started["startedAtMs"] == completed["startedAtMs"]
    assert completed["completedAtMs"] - completed["startedAtMs"] >= 600


def test_a_moment_keeps_its_shift_however_late_it_is_told_of() -> None:
    shift = Shift()
    shift.heard(1_000, 501_000)
    shift.heard(2_000, 503_000)
    assert [shift.at(moment) for moment in (900, 1_000, 1_999, 2_000, 9_000)] == [
        500_900, 501_000, 501_999, 503_000, 510_000,
    ]  # fmt: skip


def test_the_recorded_server_waits_for_its_client_and_the_turn_grows_by_it() -> None:
    recorded_ms = next(
        message["params"]["turn"]["durationMs"]
        for message in (json.loads(row["line"]) for row in ROWS)
        if message.get("method") == "turn/completed"
    )
    with Client(REPLAY) as client:
        client.approve(after=1.6)  # The recorded client took 0.6 s.
        client.initialize()
        turn = client.run_turn(client.start_thread(Path("/demo/work")), "anything")
        ways = [line.way for line in client.lines]
    answered = len(ways) - 1 - ways[::-1].index("sent")
    assert b"serverRequest/resolved" in client.lines[answered + 1].text
    assert turn["durationMs"] - recorded_ms == pytest.approx(1000, abs=300)


def test_a_client_that_hangs_up_ends_the_replay() -> None:
    ended = subprocess.run(REPLAY, input=b"", capture_output=True, timeout=30, check=True)
    assert ended.stdout == b""


def test_the_recording_is_small_and_knows_nothing_of_the_machine_it_was_made_on() -> None:
    text = RECORDED.read_text()
    assert len(text) < 60_000
    paths = set(re.findall(r"/[a-z]+/[a-z_]+", text)) - {"/dev/null", "/bin/bash"}
    folders = {path for path in paths if re.match(r"/(tmp|home|root|usr|var|work|Users)", path)}
    assert folders == set()
    for name in ("node_modules", "codex-telemetry-demo-", "rollout-"):
        assert name not in text

"""Where the time went, with the real Codex, against clocks outside of it: the stub's, the commands', the client's.

What Codex does for itself counts as the model's. Unified exec (0.98 on) tells of a command some
150 ms after it began: until then the model counts, and the tool after.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, Talk, talk
from codex_telemetry.core.facts import Source
from codex_telemetry.core.parts import Parts
from codex_telemetry.core.spans import length
from played import RUN, Cue, Played, at_most, play, row_of, stalled
from real_codex import NEWEST, RELEASES, real_codex
from store_of import until

pytestmark = [pytest.mark.codex, pytest.mark.alone]

A_RESPONSE_MS = 200
"""What Codex may take for itself around a response."""
UNHEARD_MS = 200
"""By how much later than it began a command may be told of."""
SPAWNED_MS = 100
"""What it takes to start a shell, and to hear of its end."""
NEARLY_MS = 50
"""Two looked at the same thing, one a little later."""

CUES = (
    Cue("plain"),
    Cue("slow_first_token"),
    Cue("pauses"),
    Cue("approval"),
    Cue("approval", "decline", 0.8),
    Cue("parallel_asked"),
    Cue("talks_on"),
    Cue("retry_once"),
    Cue("refused_once"),
    Cue("limited_once"),
)
IN_BACKGROUND = (Cue("background"), Cue("polled"))
"""Of unified exec; to poll a command takes a model that calls its tools by name."""
BOTH = Source.LIVE | Source.ROLLOUT
RETRIED = {"retry_once", "refused_once", "limited_once"}
NOT_RETRIED = {"limited_once"}
"""0.63 asks again after HTTP 429, later releases don't."""
A_TOOL_FIRST = {"approval", "parallel_asked", "talks_on", "background", "polled"}


@dataclass(frozen=True)
class Turn:
    """A turn that was played, and its row: as it was heard, and with its log read too."""

    played: Played
    live: dict[str, Any]
    joined: dict[str, Any]
    first_token_ms: int | None
    """By Codex itself, in its log (0.125 on)."""

    def __str__(self) -> str:
        return f"{self.played.cue}: {self.live}"

    @property
    def script(self) -> str:
        return self.played.cue.script

    @property
    def fails(self) -> bool:
        return self.script in NOT_RETRIED and self.live["cli_version"] != "0.63.0"


@pytest.fixture(
    scope="module", params=[*((v, PLAIN_MODEL) for v in RELEASES), (NEWEST, None)], ids=str
)
def turns(request: pytest.FixtureRequest) -> list[Turn]:
    """Of each release; without a model's name it is the newest one's own, in code mode."""
    version, model = request.param
    with talk(real_codex(version), wrapper=RUN, model=model) as it:
        cues = CUES if version == "0.63.0" else CUES + IN_BACKGROUND[: 2 if model else 1]
        played = play(it, cues)
        live = [_row(it, turn) for turn in played]
        it.client.close()
        until(lambda: all(_row(it, turn)["sources"] == BOTH for turn in played))
        joined = [_row(it, turn) for turn in played]
        first = _first_tokens(it.home.codex)
    return [
        Turn(*told, first.get(told[1]["turn_id"]))
        for told in zip(played, live, joined, strict=True)
    ]


def _row(it: Talk, played: Played) -> dict[str, Any]:
    return row_of(it.home.database, played)


def _first_tokens(codex_home: Path) -> dict[str, int | None]:
    """By turn, what Codex's own logs say."""
    lines = (
        json.loads(line)["payload"]
        for log in codex_home.glob("sessions/**/*.jsonl")
        for line in log.read_text().splitlines()
        if '"task_complete"' in line
    )
    return {line["turn_id"]: line.get("time_to_first_token_ms") for line in lines}


def test_the_parts_of_a_turn_add_up_and_little_is_unexplained(turns: list[Turn]) -> None:
    late = []
    for turn in turns:
        for row in (turn.live, turn.joined):
            parts = [row[f"{part}_ms"] for part in Parts._fields]
            assert row["status"] == ("failed" if turn.fails else "completed"), turn
            assert min(parts) >= 0, turn
            assert sum(parts) == row["duration_ms"], turn
            if row["unexplained_ms"] > max(at_most(50), row["duration_ms"] // 20):
                late.append(str(turn))
    assert len(late) <= stalled(len(turns)), late


def test_the_models_time_is_the_stubs_and_a_little_of_codexs_own(turns: list[Turn]) -> None:
    late = []
    for turn in turns:
        played = turn.played
        if turn.script in RETRIED:
            continue
        busy, own = length(played.model), A_RESPONSE_MS * len(played.calls)
        # Where one response runs several commands in a row, each is told of late.
        own += UNHEARD_MS * max(0, len(played.commands) - len(played.calls) + 1)
        # A command is told of a little before it writes down that it began: in the middle of a
        # response that goes on, that is time the model loses.
        lost = NEARLY_MS if turn.script in ("talks_on", "parallel_asked") else 0
        for row in (turn.live, turn.joined):
            assert row["model_ms"] >= busy - at_most(lost), (busy, turn)
            if row["model_ms"] > busy + at_most(own):
                late.append(f"{busy} ms: {turn}")
    assert len(late) <= stalled(len(turns)), late


def test_the_wait_for_a_permission_is_as_long_as_the_client_took(turns: list[Turn]) -> None:
    for turn in turns:
        waits = turn.played.waits
        least = sum(int(turn.played.cue.after_s * 1000) for _ in waits)
        # By the client's own clock: it answers late where its processor does something else.
        took = length(waits)
        assert turn.live["approvals"] == len(waits), turn
        for row in (turn.live, turn.joined):
            assert least <= row["approval_ms"] <= took + at_most(NEARLY_MS), (took, turn)
    assert sum(bool(turn.played.waits) for turn in turns) == 3


def test_tools_take_as_long_as_the_commands_say(turns: list[Turn]) -> None:
    for turn in turns:
        ran, commands = length(turn.played.tools), max(1, len(turn.played.commands))
        if turn.script == "approval":
            continue  # `rm` takes no time and tells nothing
        for row in (turn.live, turn.joined):
            least = ran - at_most(UNHEARD_MS * commands)
            most = ran + at_most(SPAWNED_MS * commands)
            assert least <= row["tools_ms"] <= most, (ran, turn)


def test_the_first_token_is_heard_when_the_stub_says_it(turns: list[Turn]) -> None:
    for turn in turns:
        if turn.fails:
            assert (turn.live["ttft_ms"], turn.first_token_ms) == (None, None), turn
            continue
        said = turn.played.spoken_at - turn.live["started_at"]
        # A tool's item starts only when its call is whole, and under unified exec later still.
        tool_first = turn.script in A_TOOL_FIRST
        late = at_most(NEARLY_MS + (UNHEARD_MS if tool_first else 0))
        # Codex counts from some ms after it made the turn's id.
        assert said - at_most(NEARLY_MS) <= turn.live["ttft_ms"] <= said + late, (said, turn)
        if turn.first_token_ms is None:
            continue
        assert turn.joined["ttft_ms"] == turn.first_token_ms, turn
        assert turn.live["ttft_ms"] <= turn.first_token_ms + late, turn
        if not tool_first:
            apart = abs(turn.live["ttft_ms"] - turn.first_token_ms)
            assert apart <= at_most(NEARLY_MS // 2), turn


def test_codex_tells_of_its_own_first_token_from_0_125_on(turns: list[Turn]) -> None:
    known = [turn.first_token_ms is not None for turn in turns if not turn.fails]
    old = turns[0].live["cli_version"] == "0.63.0"
    assert not any(known) if old else all(known)


def test_a_retry_lasts_until_the_model_speaks_again(turns: list[Turn]) -> None:
    for turn in turns:
        if turn.fails or turn.script not in RETRIED:
            told = turn.live["retries"], turn.live["retry_ms"], turn.live["errors"]
            assert told == (0, 0, int(turn.fails)), turn
            continue
        broken, whole = turn.played.calls
        assert broken.ended_ns is not None
        assert whole.first_ns is not None
        gap = (whole.first_ns - broken.ended_ns) // 1_000_000
        for row in (turn.live, turn.joined):
            assert (row["retries"], row["errors"]) == (1, 0), turn
            assert abs(row["retry_ms"] - gap) <= at_most(2 * NEARLY_MS), (gap, turn)

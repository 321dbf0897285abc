"""Whatever is told of a turn, by whichever clocks and in whichever order: its parts are parts of one whole."""

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from codex_telemetry.core.facts import (
    AskFacts,
    Clock,
    EventFacts,
    ItemFacts,
    ResponseFacts,
    Said,
    Source,
    Times,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.core.join import join
from codex_telemetry.core.parts import Parts, mcp_startup, outline, parts
from codex_telemetry.core.spans import length, merged, window
from codex_telemetry.core.unheard import TIMED
from saved import uuid7

THREAD = SessionId("01a20723-e07a-7931-8126-7830aff6bc9a")
T0 = 1_795_416_000_000
LONGEST = 100

moments = st.integers(-20, LONGEST + 20)
kinds = st.sampled_from(
    ["command", "mcp_tool", "message", "reasoning", "user_message", "hook", "compaction", "review"]
)


@dataclass(frozen=True)
class Moment:
    """Of a turn, from its start (ms), and whether Codex stamps it or we alone do."""

    ms: int
    stamped: bool


@dataclass(frozen=True)
class Story:
    duration: int
    """By Codex, or None: from the client's request to the receipt of the end."""
    by_codex: bool
    lag: int
    status: str
    items: dict[str, tuple[str, Moment | None, Moment | None]] = field(default_factory=dict)
    asks: list[tuple[str, str, Moment, Moment | None]] = field(default_factory=list)
    events: list[tuple[str, Moment]] = field(default_factory=list)
    responses: list[tuple[Moment, Moment | None]] = field(default_factory=list)
    begun: Moment | None = None
    servers: dict[str, tuple[Moment, Moment | None]] = field(default_factory=dict)
    """MCP servers that start."""


moment = st.builds(Moment, moments, st.booleans())
maybe = st.none() | moment
stories = st.builds(
    Story,
    duration=st.integers(0, LONGEST),
    by_codex=st.booleans(),
    lag=st.integers(-5, 40),
    status=st.sampled_from(["completed", "interrupted", "failed"]),
    items=st.dictionaries(st.sampled_from("abcdef"), st.tuples(kinds, maybe, maybe)),
    asks=st.lists(
        st.tuples(
            st.sampled_from(["approval", "user_input", "tool"]),
            st.sampled_from("abcxyz"),
            moment,
            maybe,
        ),
        max_size=3,
    ),
    events=st.lists(st.tuples(st.sampled_from(["retry", "error"]), moment), max_size=3),
    responses=st.lists(st.tuples(moment, maybe), max_size=4),
    begun=maybe,
    servers=st.dictionaries(st.sampled_from("st"), st.tuples(moment, maybe)),
)


def told(story: Story, start: int) -> list[TurnFacts]:
    """The story as so many claims, of a turn that began at `start`."""

    def at(moment: Moment | None) -> Times:
        if moment is None:
            return {}
        heard = {int(Clock.WIRE): start + moment.ms + story.lag}
        return {**heard, Clock.CODEX_MS: start + moment.ms} if moment.stamped else heard

    def claim(**fields: Any) -> TurnFacts:
        turn_id = TurnId(uuid7(start) if story.by_codex else f"{THREAD}:1aunch:0")
        return TurnFacts(turn_id, tellers={THREAD: None}, sources=Source.LIVE, **fields)

    end = {int(Clock.WIRE): start + story.duration + story.lag}
    claims = [
        claim(requested={Clock.WIRE: start + story.lag}),
        claim(ends=end, status=Said(story.status, Weight.LIVE)),
    ]
    if story.by_codex:
        claims.append(claim(duration=Said(story.duration, Clock.CODEX_MS)))
    if story.begun is not None:
        claims.append(claim(starts=at(story.begun)))
    for name, (kind, begun, ended) in story.items.items():
        claims.append(claim(items={ItemId(name): ItemFacts(kind, starts=at(begun))}))
        claims.append(claim(items={ItemId(name): ItemFacts(kind, ends=at(ended))}))
    for name, (begun, ended) in story.servers.items():
        startup = EventFacts("mcp_server_startup", starts=at(begun), ends=at(ended))
        claims.append(claim(startups={name: startup}))
    for n, (kind, item, asked, answered) in enumerate(story.asks):
        claims.append(claim(asks={str(n): AskFacts(kind, ItemId(item), starts=at(asked))}))
        claims.append(claim(asks={str(n): AskFacts(kind, ItemId(item), ends=at(answered))}))
    for n, (kind, happened) in enumerate(story.events):
        claims.append(claim(events={str(n): EventFacts(kind, starts=at(happened))}))
    for n, (counted, done) in enumerate(story.responses):
        answer = ResponseFacts(times=at(counted), tools_done=at(done))
        claims.append(claim(responses={n: answer}))
    return claims


def cut(claims: list[TurnFacts]) -> Parts:
    turn = reduce(join, claims)
    frame = window(turn, None)
    assert frame is not None
    found = parts(turn, frame)
    assert found is not None
    return found


@given(stories)
def test_parts_never_overlap_and_always_add_up(story: Story) -> None:
    turn = reduce(join, told(story, T0))
    frame = window(turn, None)
    assert frame is not None
    assert frame.duration_ms == story.duration
    spans = [span for part in outline(turn, frame) for span in part.spans]
    assert all(frame.start <= start < end <= (frame.end or 0) for start, end in spans)
    assert sum(end - start for start, end in spans) == length(merged(spans)) == story.duration
    found = cut([turn])
    assert sum(ms or 0 for ms in found) == story.duration
    assert all(ms is not None and ms >= 0 for ms in found)
    assert 0 <= (mcp_startup(turn, frame) or 0) <= (found.start_delay or 0)


@given(stories)
def test_what_a_log_tells_of_a_turn_adds_up_too(story: Story) -> None:
    turn = reduce(join, told(replace(story, by_codex=True), T0))
    turn.sources, turn.counts = Source.ROLLOUT, {TIMED: 1}
    frame = window(turn, None)
    assert frame is not None
    spans = [span for part in outline(turn, frame) for span in part.spans]
    if frame.clock is Clock.WIRE:  # a log has no time by our clock
        return
    assert sum(end - start for start, end in spans) == length(merged(spans)) == story.duration
    assert sum(ms or 0 for ms in cut([turn])) == story.duration


@given(stories, st.randoms())
def test_no_order_or_repetition_of_what_is_told_changes_the_parts(story: Story, any_: Any) -> None:
    claims = told(story, T0)
    again = [*claims, *any_.sample(claims, len(claims) // 2)]
    any_.shuffle(again)
    assert cut(again) == cut(claims)


@given(stories, st.integers(-(10**9), 10**9))
def test_a_turn_at_another_time_has_the_same_parts(story: Story, later: int) -> None:
    assert cut(told(story, T0 + later)) == cut(told(story, T0))


@given(stories, st.integers(-(10**7), 10**7))
def test_what_our_clock_says_of_the_date_changes_nothing(story: Story, off: int) -> None:
    """Where Codex stamps nothing all is by our clock, where it does we only say how long things took."""
    elsewhere = replace(story, lag=story.lag + off)
    assert cut(told(elsewhere, T0)) == cut(told(story, T0))

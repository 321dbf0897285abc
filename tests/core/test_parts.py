"""Where the time went: the parts never overlap, always add up, and say what people mean by them."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given
from msgspec.structs import replace

from codex_telemetry.core.facts import (
    AskFacts,
    Clock,
    EventFacts,
    ItemFacts,
    Said,
    Source,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId, uuid7_ms
from codex_telemetry.core.parts import Parts, parts
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.core.spans import Window, common, divided, length, merged, window
from codex_telemetry.core.unheard import TIMED

THREAD = SessionId("01a20723-e07a-7931-8126-7830aff6bc9a")
TURN = TurnId("01a20724-25db-75a2-b830-6a9c0d17030c")
T0 = uuid7_ms(TURN) or 0

spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6)


def item(kind: str, start: int | None, end: int | None) -> ItemFacts:
    def at(ms: int | None) -> dict[int, int]:
        return {} if ms is None else {Clock.CODEX_MS: T0 + ms, Clock.WIRE: T0 + ms}

    return ItemFacts(kind, starts=at(start), ends=at(end))


def server(start: int, end: int | None) -> EventFacts:
    """An MCP server that starts."""
    return EventFacts(
        "mcp_server_startup",
        starts={Clock.CODEX_MS: T0 + start},
        ends={} if end is None else {Clock.CODEX_MS: T0 + end},
    )


def turn(duration: int, **items: ItemFacts) -> TurnFacts:
    return TurnFacts(
        TURN,
        tellers={THREAD: None},
        sources=Source.LIVE,
        status=Said("completed", Weight.LIVE),
        duration=Said(duration, Clock.CODEX_MS),
        items={ItemId(name): told for name, told in items.items()},
    )


def cut(told: TurnFacts) -> Parts:
    frame = window(told, None)
    assert frame is not None
    found = parts(told, frame)
    assert found is not None
    return found


@given(spans, spans)
def test_spans_are_cut_without_loss(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    one, two = merged(a), merged(b)
    moments = [
        set(range(50)) & {ms for s, e in spans for ms in range(s, e)} for spans in (one, two)
    ]
    both = {ms for s, e in common(one, two) for ms in range(s, e)}
    assert both == moments[0] & moments[1]
    assert {ms for s, e in divided(one, two)[1] for ms in range(s, e)} == moments[0] - moments[1]
    assert length(common(one, two)) + length(divided(one, two)[1]) == length(one)


def test_waiting_for_a_person_is_not_tool_time() -> None:
    told = turn(1_000, ask=item("user_message", 50, 50), run=item("command", 200, 900))
    told.asks["0"] = AskFacts(
        "approval",
        ItemId("run"),
        starts={Clock.CODEX_MS: T0 + 200, Clock.WIRE: T0 + 203},
        ends={Clock.WIRE: T0 + 703},
    )
    found = cut(told)
    assert (found.approval, found.tools) == (500, 200)


def test_parallel_tools_count_once() -> None:
    told = turn(1_000, a=item("command", 100, 600), b=item("mcp_tool", 300, 800))
    assert cut(told).tools == 700


def test_a_tool_left_in_the_background_stops_counting_when_the_model_speaks() -> None:
    told = turn(1_000, a=item("command", 100, None), m=item("message", 400, 900))
    assert cut(told).tools == 300


def test_the_time_until_the_prompt_is_taken_up_is_start_delay() -> None:
    told = turn(1_000, u=item("user_message", 80, 80), m=item("message", 300, 990))
    found = cut(told)
    assert (found.start_delay, found.model, found.unexplained) == (80, 910, 10)


def test_a_wait_for_servers_after_the_prompt_is_start_delay_too() -> None:
    told = turn(1_000, u=item("user_message", 80, 80), m=item("message", 800, 1_000))
    told.starts = {Clock.CODEX_MS: T0 + 50}
    told.startups = {"a": server(-30, 600), "b": server(10, 200)}
    row = settle_turn(told)
    assert (row.start_delay_ms, row.mcp_startup_ms, row.model_ms) == (600, 550, 400)


def test_a_turn_that_speaks_waits_for_no_server_any_more() -> None:
    """Whatever became of one that was never heard to be there."""
    told = turn(1_000, u=item("user_message", 80, 80), m=item("message", 400, 1_000))
    told.startups = {"a": server(0, None)}
    row = settle_turn(told)
    assert (row.start_delay_ms, row.mcp_startup_ms, row.model_ms) == (400, 400, 600)


def test_a_retry_runs_until_the_next_output() -> None:
    told = turn(1_000, u=item("user_message", 10, 10), m=item("message", 700, 1_000))
    told.events["retry:1"] = EventFacts("retry", starts={Clock.CODEX_MS: T0 + 300})
    assert cut(told).retry == 400


def test_a_running_turn_has_no_parts_yet() -> None:
    told = turn(0, m=item("message", 10, 20))
    told.duration = told.status = None
    row = settle_turn(told)
    assert (row.status, row.duration_ms, row.model_ms, row.unexplained_ms) == (
        "in_progress",
        None,
        None,
        None,
    )


def logged(duration: int, **items: ItemFacts) -> TurnFacts:
    """Of a log that tells its items' times (0.155 on)."""
    told = turn(duration, **items)
    told.sources, told.counts = Source.ROLLOUT, {TIMED: len(items)}
    for each in told.items.values():
        each.starts.pop(Clock.WIRE, None)
        each.ends.pop(Clock.WIRE, None)
    return told


def test_a_log_without_times_has_no_parts() -> None:
    told = logged(1_000, run=item("command", 100, 300))
    told.counts = {}
    row = settle_turn(told)
    assert (row.tools_ms, row.parts_source) == (None, None)


def test_what_a_log_cannot_see_is_unknown() -> None:
    row = settle_turn(logged(1_000, u=item("user_message", 80, 80), m=item("message", 300, 990)))
    assert row.parts_source == "rollout"
    assert (row.approval_ms, row.hooks_ms, row.retry_ms) == (None, None, None)
    assert (row.start_delay_ms, row.model_ms, row.tools_ms, row.unexplained_ms) == (80, 910, 0, 10)


def test_by_a_log_a_tools_wait_is_unexplained() -> None:
    """Its item lasts from the request for an approval on, and Codex counts how long it ran."""
    told = logged(1_000, u=item("user_message", 0, 0), run=item("command", 100, 700))
    told.items[ItemId("run")].duration = Said(150, Weight.ROLLOUT)
    assert cut(told)[2:] == (0, 150, None, 0, 100, 750)


def test_by_a_log_a_tool_left_in_the_background_did_not_wait() -> None:
    told = logged(1_000, run=item("command", 100, 900), m=item("message", 400, 1_000))
    told.items[ItemId("run")].duration = Said(800, Weight.ROLLOUT)
    assert (cut(told).tools, cut(told).unexplained) == (300, 0)


def test_by_a_log_a_call_that_never_ran_was_held_up() -> None:
    """Nothing but the lines of the call and of its answer tells of it."""
    told = logged(1_000, u=item("user_message", 0, 0), m=item("message", 800, 1_000))
    no = ItemFacts("command", status=Said("declined", Weight.ROLLOUT))
    no.starts, no.ends = {Clock.LOG: T0 + 100}, {Clock.LOG: T0 + 700}
    told.items[ItemId("no")] = no
    assert (cut(told).tools, cut(told).model, cut(told).unexplained) == (0, 400, 600)


def test_by_a_log_an_approval_before_the_item_starts_is_not_the_models_time() -> None:
    told = logged(2_000, u=item("user_message", 0, 0), run=item("command", 900, 1_000))
    told.items[ItemId("run")].starts[Clock.LOG] = T0 + 100
    assert (cut(told).tools, cut(told).model, cut(told).unexplained) == (100, 100, 1_800)
    told.items[ItemId("run")].starts[Clock.LOG] = T0 + 700
    assert (cut(told).tools, cut(told).model, cut(told).unexplained) == (100, 900, 1_000)


def test_the_stream_tells_the_parts_where_it_was_heard_from_end_to_end() -> None:
    told = turn(1_000, run=item("command", 100, 700))
    told.sources, told.counts = Source.LIVE | Source.ROLLOUT, {TIMED: 1}
    told.requested, told.ends = {Clock.WIRE: T0}, {Clock.WIRE: T0 + 1_000}
    assert settle_turn(told).parts_source == "live"
    missing: list[dict[str, Any]] = [
        {"unheard": frozenset({"item/started"}), "items": {}},
        {"requested": {}},
        {"ends": {}},
    ]
    for unheard in missing:
        assert settle_turn(replace(told, **unheard)).parts_source == "rollout"
        without_times = replace(told, counts={}, **unheard)
        assert settle_turn(without_times).parts_source is None


def test_times_of_two_clocks_are_never_subtracted() -> None:
    told = TurnFacts(TurnId(f"{THREAD}:L:0"), starts={Clock.WIRE: 5_000}, ends={Clock.LOG: 9_000})
    assert window(told, None) == Window(Clock.WIRE, 5_000, None)

"""What a client opted out of hearing is unknown: null, never 0, and never another part's."""

import pytest
from msgspec.structs import replace

import scenes
from codex_telemetry.core.facts import Clock, ItemFacts, Source, TurnFacts
from codex_telemetry.core.identity import ItemId
from codex_telemetry.core.parts import Parts
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import settle_turn

PARTS = tuple(f"{part}_ms" for part in Parts._fields)


def heard(items: dict[ItemId, ItemFacts] | None = None, *unheard: str) -> TurnRow:
    """A turn as it comes out for a client that doesn't hear some notifications."""
    turn = scenes.busy_turn(scenes.session())
    if items is not None:
        turn.items = items
    return settle_turn(replace(turn, unheard=frozenset(unheard)))


def without(side: str) -> dict[ItemId, ItemFacts]:
    turn = scenes.busy_turn(scenes.session())
    return {key: replace(item, **{side: {}}) for key, item in turn.items.items()}


def unknown(row: TurnRow) -> set[str]:
    return {name for name in row.__struct_fields__ if getattr(row, name) is None}


def adds_up(row: TurnRow) -> bool:
    return sum(getattr(row, part) or 0 for part in PARTS) == row.duration_ms


def lost(row: TurnRow) -> set[str]:
    """What is unknown of it and wouldn't be, had everything been heard."""
    return unknown(row) - unknown(heard())


def test_what_tells_nothing_of_a_turn_costs_nothing() -> None:
    assert lost(heard(None, "item/agentMessage/delta", "turn/diff/updated")) == set()


@pytest.mark.parametrize("hooks", ["hook/started", "hook/completed"])
def test_without_hooks_their_time_is_unknown(hooks: str) -> None:
    row = heard(None, hooks)
    assert lost(row) == {"hooks_ms"}
    assert adds_up(row)


def test_without_errors_there_may_have_been_any_number() -> None:
    turn = replace(scenes.busy_turn(scenes.session()), events={}, unheard=frozenset({"error"}))
    row = settle_turn(turn)
    assert lost(row) == {"retries", "errors", "retry_ms"}
    assert adds_up(row)


def test_without_starts_nobody_knows_what_took_the_time() -> None:
    row = heard(without("starts"), "item/started")
    assert lost(row) == {"model_ms", "tools_ms", "compaction_ms", "ttft_ms", "ttfm_ms"}
    assert row.tool_calls == 3
    assert adds_up(row)
    assert row.unexplained_ms is not None
    assert row.unexplained_ms > 2_000


def test_an_end_that_says_when_its_item_started_is_enough() -> None:
    """As from 0.166 on."""
    assert lost(heard(None, "item/started")) == set()


def test_without_ends_tools_may_have_run_for_any_time() -> None:
    row = heard({k: replace(i, status=None) for k, i in without("ends").items()}, "item/completed")
    assert lost(row) == {"model_ms", "tools_ms", "compaction_ms", "tool_failures"}
    assert adds_up(row)


def test_without_items_nothing_of_them_is_counted_as_none() -> None:
    row = heard({}, "item/started", "item/completed")
    assert lost(row) == {
        *("model_ms", "tools_ms", "compaction_ms", "ttft_ms", "ttfm_ms"),
        *("prompts", "messages", "reasoning_items", "tool_calls", "tool_failures"),
    }
    assert row.approvals == 2
    assert adds_up(row)


def test_what_a_log_tells_is_known_all_the_same() -> None:
    turn = replace(
        scenes.busy_turn(scenes.session()),
        unheard=frozenset({"item/started", "item/completed"}),
        sources=Source.LIVE | Source.ROLLOUT,
    )
    assert lost(settle_turn(turn)) == set()


def test_a_start_is_known_by_the_notice_or_by_the_prompt() -> None:
    def delay(turn: TurnFacts) -> int | None:
        return settle_turn(turn).start_delay_ms

    turn = replace(
        scenes.busy_turn(scenes.session()),
        items={},
        unheard=frozenset({"turn/started", "item/started", "item/completed"}),
    )
    assert delay(turn) == 40
    assert delay(replace(turn, starts={}, requested={Clock.WIRE: scenes.T0})) is None

"""A tool left in the background: it counts while the turn waits for it, and the model while that works."""

from codex_telemetry.core.background import course, waited_for
from codex_telemetry.core.facts import (
    Clock,
    ItemFacts,
    ResponseFacts,
    Said,
    Source,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.identity import ItemId, TurnId
from codex_telemetry.core.spans import Span, Window, merged, timed


def at(ms: int | None) -> dict[int, int]:
    return {} if ms is None else {Clock.WIRE: ms}


def waits(tool: Span, *, done: tuple[int, ...] = (), **said: tuple[int, int | None]) -> list[Span]:
    """When a turn of a second waited for a tool, where responses had their tools' outputs at `done`
    and messages were `said` from, to."""
    turn = TurnFacts(
        TurnId("t"),
        sources=Source.LIVE,
        status=Said("completed", Weight.LIVE),
        items={
            ItemId(name): ItemFacts("message", starts=at(start), ends=at(end))
            for name, (start, end) in said.items()
        },
        responses={n: ResponseFacts(tools_done=at(ms)) for n, ms in enumerate(done)},
    )
    frame = Window(Clock.WIRE, 0, 1_000)
    return merged(waited_for([tool], course(turn, timed(turn, frame), frame)))


def test_a_tool_counts_from_its_start_to_its_end() -> None:
    assert waits((100, 600), done=(610, 900), m=(700, 890)) == [(100, 600)]


def test_a_message_of_the_same_response_leaves_its_tool_alone() -> None:
    """The call comes first, the model talks on, the tool takes longer."""
    assert waits((100, 600), done=(610, 900), a=(150, 400), m=(700, 890)) == [(100, 600)]


def test_a_tool_handed_back_counts_until_the_model_has_it() -> None:
    assert waits((100, 950), done=(300, 900), m=(500, 890)) == [(100, 300), (890, 900)]


def test_a_tool_handed_back_counts_again_while_a_later_response_waits() -> None:
    """It thinks, and then asks for the rest of the output."""
    spans = waits((100, 700), done=(300, 710, 900), r=(400, 450), m=(800, 890))
    assert spans == [(100, 300), (450, 700)]


def test_a_response_that_only_waits_counts_whole() -> None:
    spans = waits((100, 850), done=(300, 500, 900), m=(700, 890))
    assert spans == [(100, 500)]


def test_a_tool_that_nobody_speaks_beside_counts_whole() -> None:
    """It was waited for by calls that are no items."""
    assert waits((100, 700), done=(300, 710, 900), m=(800, 890)) == [(100, 700)]


def test_an_item_that_ends_late_ends_when_the_model_had_its_output() -> None:
    """0.125: the next response has begun, though it hasn't spoken yet."""
    assert waits((100, 400), done=(300,), m=(500, 890)) == [(100, 300)]


def test_what_a_cut_message_says_last_is_the_models() -> None:
    assert waits((100, 1_000), done=(300,), m=(500, None)) == [(100, 300)]


def test_without_a_word_of_when_tools_were_done_whoever_speaks_has_gone_on() -> None:
    assert waits((100, 950), m=(500, 890)) == [(100, 500)]
    assert waits((100, 950)) == [(100, 950)]


def test_a_tool_whose_response_never_had_its_output_counts_whole() -> None:
    """An interrupt came first."""
    assert waits((500, 1_000), done=(300,), m=(520, 600)) == [(500, 1_000)]

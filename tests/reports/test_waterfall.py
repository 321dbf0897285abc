"""Bars, parts and marks stand where things happened; the drawing of them fits and leaves nothing out."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.turn_words import FILL
from codex_telemetry.cli.waterfall import drawing
from codex_telemetry.core.facts import EventFacts, Said, SessionFacts, Source, TurnFacts
from codex_telemetry.core.identity import ItemId, TurnId
from codex_telemetry.core.parts import Parts
from codex_telemetry.core.unheard import TIMED
from codex_telemetry.reports.seen import seen
from codex_telemetry.reports.shapes import TurnDetail
from codex_telemetry.reports.waterfall import KEPT, SILENT_MS, Bar, Waterfall, waterfall
from codex_telemetry.store import queries

T0 = scenes.T0
UTC = Zone("UTC")


class Told(NamedTuple):
    detail: TurnDetail
    model: Waterfall

    def bar(self, item: str) -> Bar:
        ids = [row.item_id for row in self.detail.items]
        return self.model.bars[ids.index(item)]

    def lines(self, width: int = 80) -> list[str]:
        drawn = drawing(self.detail, self.model, width, UTC, home=None)
        return ["".join(span.text for span in line) for line in drawn]


def told(folder: Path, session: SessionFacts, turn: TurnFacts, *, now: int = T0) -> Told:
    path = scenes.write(folder / "telemetry.db", session, turn)
    with queries.reading(path) as db:
        row = queries.last_turn(db)
        assert row is not None
        found = seen(db, row)
    return Told(found.turn, found.waterfall(now))


@pytest.fixture
def busy(tmp_path: Path) -> Told:
    session = scenes.session()
    return told(tmp_path, session, scenes.busy_turn(session, T0))


def test_the_parts_are_the_turns_own_and_add_up(busy: Told) -> None:
    assert sum(share.ms for share in busy.model.shares) == busy.detail.duration_ms == 4_220
    assert [share.ms for share in busy.model.shares] == sorted(
        (share.ms for share in busy.model.shares), reverse=True
    )
    assert all(share.ms == getattr(busy.detail, f"{share.part}_ms") for share in busy.model.shares)


def test_the_strip_covers_the_turn_once(busy: Told) -> None:
    strip = busy.model.strip
    assert strip[0].start == 0
    assert strip[-1].end == busy.model.length_ms
    assert all(a.end == b.start for a, b in pairwise(strip))


def test_a_bar_stands_where_its_item_ran(busy: Told) -> None:
    (stretch,) = busy.bar("i2").stretches
    assert stretch == ("tools", 800, 1_820)
    (stretch,) = busy.bar("i5").stretches
    assert stretch == ("model", 3_900, 4_180)


def test_the_wait_for_an_approval_comes_before_the_rest_of_its_bar(busy: Told) -> None:
    assert busy.bar("i3").stretches == (("approval", 2_000, 2_600), ("tools", 2_600, 2_900))
    # What was declined never ran.
    assert busy.bar("i4").stretches == (("approval", 2_950, 3_250),)


def test_longer_is_longer(tmp_path: Path) -> None:
    def width(ms: int) -> int:
        session = scenes.session()
        items = {ItemId("i1"): scenes.item("command", T0 + 100, T0 + 100 + ms, "sleep")}
        folder = tmp_path / str(ms)
        folder.mkdir()
        drawn = told(folder, session, scenes.turn(session, T0, 4_000, items=items)).lines()
        return next(line for line in drawn if "$ sleep" in line).count(FILL["tools"])

    short, one, two, three = (width(ms) for ms in (10, 1_000, 2_000, 3_000))
    assert 0 < short < one < two < three
    assert two == pytest.approx(2 * one, abs=1)


def test_a_turn_that_runs_is_drawn_to_now(tmp_path: Path) -> None:
    session = scenes.session()
    items = {ItemId("i1"): scenes.item("command", T0 + 500, None, "make")}
    running = told(tmp_path, session, scenes.turn(session, T0, None, items=items), now=T0 + 60_000)
    assert running.model.length_ms == 60_000
    assert not running.model.silent
    assert running.bar("i1").stretches == (("tools", 500, 60_000),)
    assert dict(running.model.shares) == {
        "tools": 59_500, "model": 460, "start_delay": 40,
    }  # fmt: skip
    text = "\n".join(running.lines())
    assert "in progress  1 min 00 s so far" in text
    assert "running" in text


def test_a_turn_that_was_never_heard_to_end_stops_at_its_last_sign(tmp_path: Path) -> None:
    session = scenes.session()
    items = {ItemId("i1"): scenes.item("message", T0 + 500, T0 + 900)}
    later = T0 + 900 + SILENT_MS + 1
    silent = told(tmp_path, session, scenes.turn(session, T0, None, items=items), now=later)
    assert silent.model.length_ms == 900
    assert "never heard to end" in silent.lines()[0]


def test_an_unfinished_item_runs_to_the_turns_end(tmp_path: Path) -> None:
    session = scenes.session()
    items = {ItemId("i1"): scenes.item("command", T0 + 500, None, "sleep")}
    turn = scenes.turn(session, T0, 2_000, items=items, status=scenes.told("interrupted"))
    cut = told(tmp_path, session, turn)
    assert cut.bar("i1").stretches == (("tools", 500, 2_000),)
    assert any(line.endswith("unfinished") for line in cut.lines())


def test_an_item_that_ends_after_its_turn_is_clipped(tmp_path: Path) -> None:
    session = scenes.session()
    items = {ItemId("i1"): scenes.item("command", T0 + 500, T0 + 9_000, "x")}
    cut = told(tmp_path, session, scenes.turn(session, T0, 1_000, items=items))
    assert cut.bar("i1").stretches == (("tools", 500, 1_000),)


def test_an_item_of_unknown_time_has_a_row_and_no_bar(tmp_path: Path) -> None:
    session = scenes.session()
    bare = scenes.item("command", T0, T0, "x")
    bare.starts, bare.ends = {}, {}
    cut = told(tmp_path, session, scenes.turn(session, T0, 1_000, items={ItemId("i1"): bare}))
    assert cut.bar("i1").stretches == ()
    assert any("$ x" in line for line in cut.lines())


def test_what_happened_is_marked_in_a_row_of_its_own(tmp_path: Path) -> None:
    session = scenes.session()
    events = {
        kind: EventFacts(kind, starts=scenes.by(T0 + at), sources=Source.LIVE)
        for kind, at in (("steer", 500), ("interrupt", 900), ("model_rerouted", 100))
    }
    lines = told(tmp_path, session, scenes.turn(session, T0, 1_000, events=events)).lines()
    for label, mark in (("steer", "▸"), ("interrupt", "■"), ("reroute", "⇄")):
        (line,) = [line for line in lines if line.startswith(f"  {label} ")]
        assert line.count(mark) == 1


def test_an_automatic_review_has_a_bar_of_its_own_among_the_items(tmp_path: Path) -> None:
    session = scenes.session()
    items = {
        ItemId("i1"): scenes.item("command", T0 + 100, T0 + 900, "make"),
        ItemId("i2"): scenes.item("message", T0 + 900, T0 + 950),
    }
    review = EventFacts(
        "auto_review",
        starts=scenes.by(T0 + 150),
        ends=scenes.by(T0 + 650),
        status=scenes.told("approved"),
        item_id=ItemId("i1"),
        sources=Source.LIVE,
    )
    turn = scenes.turn(session, T0, 1_000, items=items, events={"r": review})
    drawn = told(tmp_path, session, turn)
    assert [bar.kind for bar in drawn.model.bars] == ["command", "auto_review", "message"]
    (stretch,) = drawn.model.bars[1].stretches
    assert stretch == ("tools", 150, 650)
    assert drawn.detail.approvals == 0


def test_the_start_of_a_server_shows_in_the_turn_it_reaches_into(tmp_path: Path) -> None:
    def startup(at: int, ms: int) -> EventFacts:
        return EventFacts(
            "mcp_server_startup",
            name=scenes.told("slow"),
            starts=scenes.by(at),
            ends=scenes.by(at + ms),
            sources=Source.LIVE,
        )

    events = {"mcp:slow": startup(T0 - 100, 700), "mcp:early": startup(T0 - 900, 100)}
    session = scenes.session(events=events)
    drawn = told(tmp_path, session, scenes.turn(session, T0, 1_000))
    (bar,) = drawn.model.bars
    assert (bar.kind, bar.name, bar.duration_ms) == ("mcp_server_startup", "slow", 700)
    assert bar.stretches == (("start_delay", 0, 600),)


def test_a_compaction_says_what_it_left_and_an_edit_its_lines(tmp_path: Path) -> None:
    session = scenes.session()
    compaction = scenes.item("compaction", T0 + 100, T0 + 400)
    compaction.context_before, compaction.context_after = Said(26_111, 2), Said(6_906, 2)
    edit = scenes.item("file_change", T0 + 500, T0 + 600)
    edit.lines_added, edit.lines_removed = Said(12, 2), Said(3, 2)
    items = {ItemId("i1"): compaction, ItemId("i2"): edit}
    lines = told(tmp_path, session, scenes.turn(session, T0, 1_000, items=items)).lines()
    assert any(line.endswith("26,111 → 6,906") for line in lines)
    assert any(line.endswith("+12 -3") for line in lines)


def test_nothing_but_an_id_is_drawn_too(tmp_path: Path) -> None:
    session = scenes.session()
    bare = TurnFacts(TurnId("old:1:0"), tellers={session.session_id: None}, sources=1)
    assert told(tmp_path, session, bare, now=T0).lines()[0].startswith("turn ")


def test_a_turn_that_only_a_log_told_of_says_why_it_has_no_parts(tmp_path: Path) -> None:
    session = scenes.session(sources=Source.ROLLOUT)
    turn = scenes.turn(session, T0, sources=Source.ROLLOUT)
    logged = told(tmp_path, session, turn)
    assert logged.model.shares == []
    assert "only its log told of it" in "\n".join(logged.lines())


def test_a_turn_of_a_log_with_times_says_what_its_log_cannot_see(tmp_path: Path) -> None:
    session = scenes.session(sources=Source.ROLLOUT)
    items = {
        ItemId("u"): scenes.item("user_message", T0 + 50, T0 + 50),
        ItemId("m"): scenes.item("message", T0 + 400, T0 + 990),
    }
    turn = scenes.turn(session, T0, sources=Source.ROLLOUT, items=items, counts={TIMED: 2})
    logged = told(tmp_path, session, turn)
    assert {share.part for share in logged.model.shares} == {"start_delay", "model", "unexplained"}
    assert "  by its log alone: approval, hooks, retry can't be seen" in logged.lines()


def test_every_item_is_shown_or_counted(tmp_path: Path) -> None:
    session = scenes.session()
    many = told(tmp_path, session, scenes.long_turn(session, 500))
    assert sum(bar.items for bar in many.model.bars) == 500
    assert len(many.model.bars) <= 2 * KEPT + 1
    named = [bar.name for bar in many.model.bars if bar.kind == "command"]
    assert {"cmd0", "cmd50", "cmd150", "cmd450", "cmd499"} <= set(named)
    hidden = sum(bar.items for bar in many.model.bars if bar.kind == "folded")
    assert f"  {hidden:,} shorter items folded; --json has them all" in many.lines()


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(
        st.tuples(
            st.integers(-500, 5_000),
            st.none() | st.integers(0, 4_000),
            st.none() | st.integers(0, 900),
        ),
        max_size=40,
    ),
    duration=st.none() | st.integers(0, 4_000_000),
    width=st.integers(48, 200),
    name=st.none() | st.text(max_size=30),
)
def test_whatever_is_told_the_drawing_fits(
    spans: list[tuple[int, int | None, int | None]],
    duration: int | None,
    width: int,
    name: str | None,
) -> None:
    from codex_telemetry.reports.moments import written
    from codex_telemetry.reports.shapes import Item

    items = [
        Item(
            f"i{n}", "command", name, "completed" if took is not None else "unfinished",
            written(T0 + start), None if took is None else written(T0 + start + took), took, waited,
            *[None] * (len(Item.__struct_fields__) - 8),
        )
        for n, (start, took, waited) in enumerate(spans)
    ]  # fmt: skip
    detail = _blank(items, duration)
    model = waterfall(detail, None, [], T0 + 10_000)
    lines = Told(detail, model).lines(width)
    assert max(_cells(line.rstrip()) for line in lines) <= width
    assert sum(bar.items for bar in model.bars) == len(items)
    for bar in model.bars:
        for stretch in bar.stretches:
            assert 0 <= stretch.start <= stretch.end <= model.length_ms


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _blank(items: Sequence[object], duration: int | None) -> TurnDetail:
    from codex_telemetry.reports.moments import written
    from codex_telemetry.reports.shapes import TurnContext, TurnCounts

    values: dict[str, object] = dict.fromkeys(TurnDetail.__struct_fields__)
    values |= {
        "session_id": "s",
        "turn_id": "t",
        "turn_index": 0,
        "status": "completed" if duration is not None else "in_progress",
        "started_at": written(T0),
        "duration_ms": duration,
        "sources": ["live"],
        "items": items,
        "token_responses": [],
        "context": TurnContext(*[None] * len(TurnContext.__struct_fields__)),
        "counts": TurnCounts(*[None] * len(TurnCounts.__struct_fields__)),
        **{f"{part}_ms": None for part in Parts._fields},
    }
    return TurnDetail(**values)  # type: ignore[arg-type]

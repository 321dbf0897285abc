"""Somebody looks at what runs: keys, filters, one turn, and a database that things happen to."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import scenes
from at_work import NOW, RUNNING, fill
from cli.test_screen import FORBIDDEN, HOSTILE
from codex_telemetry.cli.options import Narrow
from codex_telemetry.core.facts import ResponseFacts
from codex_telemetry.core.identity import ItemId
from codex_telemetry.store import db as schema
from codex_telemetry.store import ours
from codex_telemetry.tui import screens
from codex_telemetry.tui.app import Told
from codex_telemetry.tui.watch import News
from tui.conftest import Watching, write

MARKUP = "[red]x[/] [link=file:///]y[/link] "


async def test_a_bar_grows_with_the_clock_and_not_past_its_axis(
    full: Path, watching: Watching
) -> None:
    moment = [NOW]
    async with watching(clock=lambda: moment[0]) as at:

        def tools() -> int:
            line = next(line for line in at.text.splitlines() if RUNNING[:13] in line)
            return line.count("█")

        await at.shows("45.0 s")
        before = tools()
        moment[0] += 4_000
        await at.shows("49.0 s")
        assert tools() > before


async def test_nothing_is_drawn_while_nothing_runs_and_nothing_changes(
    database: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = scenes.session()
    await write(database, session, scenes.busy_turn(session))
    async with watching() as at:
        await at.shows("completed")
        drawn: list[int] = []
        monkeypatch.setattr(screens.Page, "redraw", lambda self: drawn.append(1))
        await at.pilot.pause(1.5)
        assert not drawn


async def test_what_is_written_is_shown(full: Path, watching: Watching) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        session = scenes.session(NOW - 9_000, n=9)
        await write(full, session, scenes.turn(session, NOW - 9_000, None, n=7), origin="other")
        await at.shows("3 in progress")


async def test_a_turn_stays_chosen_when_others_come(full: Path, watching: Watching) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        await at.press("down")
        assert f"▸ {RUNNING[:13]}" in at.text
        session = scenes.session(NOW - 9_000, n=9)
        await write(full, session, scenes.turn(session, NOW - 9_000, None, n=7), origin="other")
        assert f"▸ {RUNNING[:13]}" in await at.shows("3 in progress")


async def test_enter_opens_a_turn_and_escape_comes_back(full: Path, watching: Watching) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        await at.press("end", "enter")
        text = await at.shows("Esc back")
        text = await at.shows("$ sleep")
        assert "▒ model 34 % 1.43 s  █ tools 31 % 1.32 s" in text
        await at.press("escape")
        await at.shows("▸ 019cadc6-9e68")


async def test_a_turn_longer_than_the_screen_is_scrolled(
    database: Path, watching: Watching
) -> None:
    session = scenes.session()
    await write(database, session, scenes.long_turn(session, 500))
    async with watching() as at:
        await at.shows("completed")
        await at.press("enter")
        first = await at.shows("$ cmd0")
        await at.press("end")
        assert "shorter items folded" in await at.shows(lambda text: text != first)
        await at.press("home")
        assert at.text == first


async def test_it_is_drawn_anew_when_the_terminal_is_resized(
    full: Path, watching: Watching
) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        for size in ((120, 40), (200, 60), (40, 10), (12, 3), (80, 24)):
            await at.pilot.resize_terminal(*size)
            await at.pilot.pause()
            assert len(at.page.lines.drawn) == size[1]
            assert max(map(len, at.page.lines.drawn)) <= size[0]
        assert "2 in progress" in at.text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("model:gpt-5.5-mini", "nothing"),
        ("status:failed", "none"),
        ("session:019cae35", "2 in progress"),
        ("project:/home/me/other", "none"),
        ("since:30m", "since 30m"),
        ("today", "today"),
    ],
)
async def test_a_filter_is_typed_and_taken_away(
    full: Path, watching: Watching, typed: str, shown: str
) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        await at.filter(typed)
        await at.shows(lambda text: typed in text.splitlines()[0] and shown in text)
        await at.press("escape")
        await at.shows(lambda text: typed not in text and "2 in progress" in text)


async def test_what_is_no_filter_is_said_and_changes_nothing(
    full: Path, watching: Watching
) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        await at.filter("colour:red")
        await at.shows("there is no filter colour:red; since:… until:…")
        await at.press("escape")
        assert "Enter open" in at.text
        assert at.app.filters == ""


async def test_options_are_filters_too(full: Path, watching: Watching) -> None:
    async with watching(narrow=Narrow(model="gpt-5.5", last=3)) as at:
        text = await at.shows("completed")
        assert "last:3 model:gpt-5.5" in text
        assert text.count("completed") == 3


async def test_a_session_that_there_is_not_is_said(full: Path, watching: Watching) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        await at.filter("session:nobody")
        await at.shows("no session has an id that starts with nobody")
        await at.press("escape")
        await at.shows("Enter open")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "BUSY_MS", 50)


@pytest.mark.usefixtures("impatient")
async def test_a_locked_database_is_said_and_read_when_it_is_free(
    full: Path, watching: Watching
) -> None:
    with closing(sqlite3.connect(full, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("UPDATE saves SET number = number + 1")
        async with watching() as at:
            await at.shows("is locked")
            await at.press("question_mark")  # keys don't wait for it
            await at.shows("choose a turn")
            await at.press("escape")
            other.close()
            await at.shows("2 in progress")


async def test_a_replaced_database_is_read_instead(
    full: Path, watching: Watching, tmp_path: Path
) -> None:
    session = scenes.session(NOW - 60_000, n=5)
    other = await write(
        tmp_path / "other.db", session, scenes.turn(session, NOW - 5_000, None, n=5)
    )
    async with watching() as at:
        await at.shows("2 in progress")
        os.replace(other, full)
        await at.shows("1 in progress")


async def test_a_database_that_is_gone_is_said_and_awaited(
    full: Path, watching: Watching, tmp_path: Path
) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        for beside in full.parent.glob("telemetry.db*"):
            beside.unlink()
        assert "2 in progress" in await at.shows("there is no database yet")
        await asyncio.to_thread(fill, full)
        await at.shows(lambda text: "no database" not in text and "2 in progress" in text)


async def test_a_database_that_became_too_new_is_said(full: Path, watching: Watching) -> None:
    async with watching() as at:
        await at.shows("2 in progress")
        with closing(sqlite3.connect(full)) as other:
            other.execute(f"PRAGMA user_version={schema.version() + 1}")
        await at.shows("was written by a newer version")


@pytest.mark.parametrize("name", [HOSTILE, MARKUP, "\\[bold]", "好" * 30])
async def test_a_hostile_name_is_inert(database: Path, watching: Watching, name: str) -> None:
    told = scenes.told(name)
    session = scenes.session(NOW - 60_000, cwd=told, client_name=told)
    items = {ItemId(name): scenes.item("command", NOW - 50_000, None, name)}
    items[ItemId("i2")] = scenes.item("mcp_tool", NOW - 50_000, NOW - 49_000, name)
    turn = {"model": told, "effort": told, "cwd": told, "cli_version": told, "items": items}
    limit = scenes.reading(NOW - 1_000, 5, NOW + 5_000, limit_id=name, plan_type=name)
    await write(
        database,
        session,
        scenes.turn(session, NOW - 55_000, None, n=1, **turn),
        scenes.turn(session, NOW - 59_000, 2_000, n=2, error_kind=told, **turn),
        limit,
    )
    # What textual would obey isn't in any text that it is given.
    for size in ((80, 24), (160, 40)):
        async with watching(size) as at:
            board = await at.shows("1 in progress")
            await at.press("enter")
            turn_page = await at.shows("so far")
            for text in (board, turn_page):
                assert not [c for c in FORBIDDEN if c in text]
                assert name != HOSTILE or "red" in text
            assert name[:6] in turn_page or name == HOSTILE
            await at.press("escape")
            await at.filter("model:[red]x[/]")
            await at.shows("model:[red]x[/]")


async def test_names_are_labels_where_the_config_wants_them(
    full: Path, watching: Watching, home: Path
) -> None:
    from codex_telemetry.cli.labelled import label_as
    from codex_telemetry.cli.options import Where

    label_as(lambda: Where().labels(redact=True))
    try:
        async with watching((200, 30)) as at:
            text = await at.shows("completed")
            assert "folder-" in text
            assert "~/project" not in text
    finally:
        label_as(lambda: Where().labels(redact=False))


@pytest.mark.parametrize("colour", [True, False])
async def test_without_colour_there_is_none(
    full: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    async with watching() as at:
        await at.shows("completed")
        strips = at.app.screen._compositor.render_strips(at.app.size)
        told = {
            segment.style.color.name
            for strip in strips
            for segment in strip.apply_filter(
                at.app._filters[-1], at.app.screen.background_colors[1]
            )
            if segment.style is not None and segment.style.color is not None
        }
        assert (told - {"default"} != set()) == colour


async def test_what_is_told_once_it_has_closed_is_no_error(
    database: Path, watching: Watching
) -> None:
    async with watching() as at:
        await at.shows("there is no database yet")
    at.app.on_told(Told(News(None, trouble=at.app.trouble)))
    assert at.app.crash is None


async def test_tokens_are_by_minute_and_the_last_full_one_is_told(
    database: Path, watching: Watching
) -> None:
    session = scenes.session()
    minute = NOW // 60_000 * 60_000
    at = {minute - 30_000: 700, minute - 10_000: 1_234, minute - 5 * 60_000: 5_000, minute: 9}
    responses: dict[int, ResponseFacts] = {}
    for moment, used in sorted(at.items()):
        responses[sum(responses) + used] = scenes.response(moment, used + 100)
    turn = scenes.turn(session, minute - 6 * 60_000, 380_000, responses=responses)
    await write(database, session, turn)
    async with watching() as at_it:
        await at_it.shows("2,134 last minute  5,100 at most")

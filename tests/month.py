"""A month of turns, to be shown in reports: three folders of which two are worktrees of a repository,
two models, tools of every kind, and the end of winter time (29 March 2026, Europe/Berlin)."""

from pathlib import Path

import scenes
from codex_telemetry.core.facts import (
    AskFacts,
    EventFacts,
    ItemFacts,
    Said,
    SessionFacts,
    Source,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.identity import ItemId
from scenes import by, item, told

TURNS = 84
BEGUN = scenes.T0 + 4 * scenes.DAY
BETWEEN = 8 * scenes.HOUR + 7 * 60_000
COMMANDS = ("rg", "sed", "git", "pytest", "rg", None)


def write(database: Path) -> Path:
    repo = {"git_repo": told("a" * 32)}
    sessions = [
        scenes.session(BEGUN),
        scenes.session(BEGUN, n=1, cwd=told("/home/me/repo"), **repo),
        scenes.session(BEGUN, n=2, cwd=told("/home/me/.worktrees/7/repo"), **repo),
        scenes.session(BEGUN, n=3, client_name=None, originator=told("codex_cli_rs")),
    ]
    turns = [_turn(sessions[n % 4], n) for n in range(TURNS)]
    return scenes.write(database, *sessions, *turns)


def _turn(session: SessionFacts, n: int) -> TurnFacts:
    at = BEGUN + n * BETWEEN
    # From half a second to an hour, in no order.
    ms = int(500 * 1.115 ** (n * 37 % TURNS))
    turn = scenes.turn(
        session,
        at,
        ms,
        n=n,
        cwd=session.cwd,
        model=told("gpt-5.5" if n % 3 else "gpt-5.5-mini"),
        effort=told(("low", "medium", "high")[n % 3]),
        cli_version=told("0.169.0" if n > 40 else "0.155.0"),
        status=told("failed" if n % 17 == 3 else "interrupted" if n % 13 == 5 else "completed"),
        ttft=Said(300 + 29 * (n * 31 % 50), Weight.LIVE),
    )
    turn.items = {ItemId(f"i{k}"): _call(at, ms, n, k) for k in range(n % 7)}
    if n % 7 > 2:
        turn.asks = {"a": _ask(at, ms, "decline" if n % 7 == 5 else "accept")}
    if n % 9 == 4:
        turn.events = {"e": EventFacts("retry", starts=by(at + ms // 2), sources=Source.LIVE)}
    return turn


def _call(at: int, ms: int, n: int, k: int) -> ItemFacts:
    start = at + ms * (k + 1) // 10
    kind = ("command", "command", "file_change", "mcp_tool", "web_search", "command")[k]
    name = {"command": COMMANDS[(n + k) % 6], "mcp_tool": "search"}.get(kind)
    made = item(kind, start, start + ms // 12, name)
    if kind == "mcp_tool":
        made.server = told("docs" if n % 2 else "github")
    if n % 7 == 5 and k == 2:
        made.status = told("declined")
    elif (n + k) % 8 == 1:
        made.status = told("failed")
    return made


def _ask(at: int, ms: int, decision: str) -> AskFacts:
    asked = at + ms * 3 // 10
    return AskFacts(
        "approval",
        item_id=ItemId("i2"),
        starts=by(asked),
        ends=by(asked + ms // 15),
        decision=told(decision),
    )

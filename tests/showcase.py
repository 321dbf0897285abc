"""A month of a small team's work, made up and always the same: what the docs' pictures show.

Nothing of it is anybody's. It ends at `NOW`, in the middle of a turn.
"""

import random
from pathlib import Path

import scenes
from codex_telemetry.core.facts import (
    AskFacts,
    Clock,
    EventFacts,
    Fact,
    ItemFacts,
    LimitSample,
    ResponseFacts,
    Said,
    SessionFacts,
    Source,
    TurnFacts,
    Usage,
    Weight,
)
from codex_telemetry.core.identity import ItemId, SessionId
from codex_telemetry.core.prices import Price, PriceModel
from codex_telemetry.store.price_list import PriceList
from scenes import by, item, told

NOW = scenes.T0 + 30 * scenes.DAY + 5 * scenes.HOUR + 23 * 60_000 + 41_000
"""2026-04-01 14:23:41 UTC, a Wednesday."""

HOME = "/home/ada"
DAYS = 30
OPENS = 160
"""Minutes into a day at which the second window of five hours opens."""
WINDOW = 258_400
MODELS = {"gpt-5.5": (5.0, 0.5, 30.0), "gpt-5.5-mini": (0.6, 0.06, 4.0), "gpt-5.4-codex": (2.0, 0.2, 14.0)}  # fmt: skip
"""US dollars per million tokens of input, cached input and output."""

PROJECTS = (
    ("/home/ada/src/atlas-api", "main", "vscode"),
    ("/home/ada/src/atlas-web", "checkout-flow", "vscode"),
    ("/home/ada/src/tile-renderer", "simd", "codex_cli_rs"),
    ("/home/ada/src/infra", "main", "codex_cli_rs"),
    ("/home/ada/notes", None, "zed"),
)
TOOLS = (
    ("command", "rg", 40, 300), ("command", "sed", 30, 90), ("command", "git", 60, 700),
    ("command", "pytest", 4_000, 70_000), ("command", "cargo", 6_000, 95_000),
    ("command", "npm", 3_000, 40_000), ("command", "kubectl", 400, 9_000),
    ("file_change", None, 20, 160), ("mcp_tool", "search_issues", 300, 5_000),
    ("mcp_tool", "query_traces", 900, 14_000), ("web_search", None, 800, 5_000),
)  # fmt: skip
SERVERS = {"search_issues": "github", "query_traces": "grafana"}


def write(database: Path) -> Path:
    return scenes.write(database, *facts(), prices=prices())


def prices() -> PriceList:
    known = [
        PriceModel(n, "package", name, rf"\A{name}\Z".replace(".", r"\.").replace("-", r"\-"))
        for n, name in enumerate(MODELS)
    ]
    listed = [
        Price(n, "default", None, None, 0, read, cached, None, out)
        for n, (read, cached, out) in enumerate(MODELS.values())
    ]
    return scenes.price_list()._replace(read=lambda: (known, listed))


def facts() -> list[Fact]:
    chance = random.Random(2_026)
    made: list[Fact] = []
    for day in range(DAYS + 1):
        begun = scenes.T0 + day * scenes.DAY
        if day % 7 > 4 and chance.random() < 0.7:
            continue
        for n in range(chance.randint(2, 4)):
            at = begun + chance.randint(0, 7 * scenes.HOUR)
            made += _session(chance, at, 100 * day + n)
    made = [fact for fact in made if _is_over(fact)]
    return [*made, *_shown(), *_running(), *_limits(chance)]


def _is_over(fact: Fact) -> bool:
    """Before the turns that are made one by one."""
    if isinstance(fact, SessionFacts):
        return min(fact.created.values()) < NOW - scenes.HOUR
    return isinstance(fact, TurnFacts) and max(fact.ends.values()) < NOW - scenes.HOUR


def _session(chance: random.Random, at: int, n: int) -> list[Fact]:
    cwd, branch, client = chance.choice(PROJECTS)
    session = scenes.session(
        at, n=n, cwd=told(cwd), client_name=told(client), cli_version=told(_release(at)),
        git_branch=told(branch) if branch else None,
    )  # fmt: skip
    made: list[Fact] = [session]
    begin, total = at + 3_000, 0
    model = chance.choices([*MODELS], [6, 3, 2])[0]
    for k in range(chance.randint(3, 9)):
        turn, total = _turn(chance, session, begin, k + 1, model, total)
        made.append(turn)
        begin = max(turn.ends.values()) + chance.randint(20_000, 900_000)
    session.last_at = begin
    return made


def _turn(
    chance: random.Random, of: SessionFacts, at: int, n: int, model: str, total: int
) -> tuple[TurnFacts, int]:
    ms = at + chance.randint(40, 160) + chance.randint(500, 2_600)
    first = ms
    items: dict[str, ItemFacts] = {"u": item("user_message", at + 60, at + 60)}
    asks: dict[str, AskFacts] = {}
    events: dict[str, EventFacts] = {}
    responses: dict[int, ResponseFacts] = {}
    context = chance.randint(9_000, 60_000)
    status = chance.choices(["completed", "interrupted", "failed"], [92, 5, 3])[0]
    for k in range(min(18, int(chance.paretovariate(0.9)))):
        items[f"r{k}"] = item("reasoning", ms, ms + (thought := chance.randint(300, 6_000)))
        ms += thought
        total, context = _answer(chance, responses, ms, total, context)
        kind, name, least, most = chance.choice(TOOLS)
        took = int(least * (most / least) ** chance.random())
        waited = 0
        if kind in ("command", "file_change") and chance.random() < 0.08:
            waited = chance.randint(1_500, 40_000)
            decline = chance.random() < 0.2
            asks[f"a{k}"] = AskFacts(
                "approval", item_id=ItemId(f"t{k}"), starts=by(ms), ends=by(ms + waited),
                decision=told("decline" if decline else "accept"),
            )  # fmt: skip
        call = item(kind, ms, ms + waited + took, name, duration=Said(took, Weight.LIVE))
        if name in SERVERS:
            call.server = told(SERVERS[name])
        if asks.get(f"a{k}") and asks[f"a{k}"].decision == told("decline"):
            call.status = told("declined")
        elif chance.random() < (0.22 if name in ("pytest", "cargo") else 0.04):
            call.status, call.exit_code = told("failed"), Said(1, Weight.LIVE)
        items[f"t{k}"] = call
        ms += waited + took + chance.randint(10, 60)
        if chance.random() < 0.03:
            events[f"e{k}"] = EventFacts("retry", starts=by(ms), sources=Source.LIVE)
            ms += chance.randint(900, 6_000)
    total, context = _answer(chance, responses, ms + 900, total, context)
    items["m"] = item("message", ms, ms + (said := chance.randint(700, 7_000)))
    ms += said
    turn = scenes.turn(
        of, at, ms - at + 15, n=n, items={ItemId(key): value for key, value in items.items()},
        asks=asks, events=events, responses=responses, status=told(status), model=told(model),
        effort=told(chance.choice(["medium", "high", "xhigh"])), cwd=of.cwd,
        cli_version=of.cli_version, ttft=Said(first - at, Weight.LIVE),
    )  # fmt: skip
    if status == "failed":
        turn.error_kind = told(chance.choice(["response_stream_disconnected", "server_overloaded"]))
    return turn, total


def _answer(
    chance: random.Random, into: dict[int, ResponseFacts], at: int, total: int, context: int
) -> tuple[int, int]:
    """A response of the model; what the thread and its context come to."""
    out = chance.randint(80, 1_600)
    context = min(WINDOW - 20_000, context + chance.randint(300, 9_000))
    usage = Usage(context + out, context, int(context * 0.86), out, int(out * 0.4))
    total += context + out
    into[total] = ResponseFacts(usage=Said(usage, Weight.LIVE), times=by(at))
    return total, context


def _release(at: int) -> str:
    return "0.160.0" if at < scenes.T0 + 11 * scenes.DAY else "0.169.0"


SHOWN_AT = NOW - 21 * 60_000
SESSION = SessionId(scenes.uuid7(SHOWN_AT - 60_000, 0x501))
TURN = scenes.uuid7(SHOWN_AT, 0x502)
"""A turn with one of everything, and its session."""


def _shown() -> list[Fact]:
    chance = random.Random(7)
    cwd = told("/home/ada/src/tile-renderer")
    session = scenes.session(
        SHOWN_AT - 60_000, n=0x501, cwd=cwd, client_name=told("codex_cli_rs"), git_branch=told("simd"),
        last_at=SHOWN_AT + 200_000,
    )  # fmt: skip
    worker = scenes.session(
        SHOWN_AT + 31_000, n=0x503, cwd=cwd, relation=told("subagent"),
        parent_session_id=told(session.session_id), client_name=None,
    )  # fmt: skip
    at = SHOWN_AT
    plan = (
        ("reasoning", None, 2_150, 3_900), ("command", "rg", 6_100, 240), ("command", "sed", 6_500, 70),
        ("reasoning", None, 6_700, 5_300), ("file_change", None, 12_300, 90),
        ("command", "cargo", 13_100, 18_200), ("reasoning", None, 31_400, 2_700),
        ("subagent", "spawn_agent", 34_300, 21_700), ("mcp_tool", "search_issues", 35_000, 3_900),
        ("compaction", None, 57_200, 6_400), ("reasoning", None, 64_100, 4_400),
        ("command", "cargo", 79_300, 15_900), ("reasoning", None, 95_600, 2_000),
        ("file_change", None, 98_000, 80), ("command", "cargo", 98_500, 12_300),
        ("message", None, 111_600, 5_700),
    )  # fmt: skip
    items = {ItemId("u"): item("user_message", at + 90, at + 90)}
    for n, (kind, name, start, took) in enumerate(plan):
        items[ItemId(f"i{n:02}")] = item(kind, at + start, at + start + took, name)
    first, asked, compacted = items[ItemId("i05")], items[ItemId("i11")], items[ItemId("i09")]
    first.status, first.exit_code = told("failed"), Said(101, Weight.LIVE)
    asked.starts, asked.duration = by(at + 69_100), Said(15_900, Weight.LIVE)
    compacted.context_before, compacted.context_after = Said(231_400, 1), Said(38_200, 1)
    items[ItemId("i07")].threads = frozenset({worker.session_id})
    items[ItemId("i08")].server = told("github")
    responses: dict[int, ResponseFacts] = {}
    total, context = 0, 150_000
    for ms in (6_000, 12_200, 31_300, 34_200, 57_000):
        total, context = _answer(chance, responses, at + ms, total, context + 16_000)
    context = 38_200
    for ms in (69_000, 97_900, 117_200):
        total, context = _answer(chance, responses, at + ms, total, context)
    turn = scenes.turn(
        session, at, 117_600, n=0x502, cwd=cwd, items=items, responses=responses,
        asks={"a": AskFacts("approval", item_id=ItemId("i11"), starts=by(at + 69_100),
                            ends=by(at + 79_300), decision=told("accept"))},
        events={"e": EventFacts("retry", starts=by(at + 32_000), sources=Source.LIVE)},
        ttft=Said(2_150, Weight.LIVE),
    )  # fmt: skip
    small, _ = _turn(chance, worker, at + 34_600, 0x504, "gpt-5.5-mini", 0)
    small.duration, small.ends = Said(20_900, Clock.CODEX_MS), by(at + 55_500)
    small.asks, small.events, small.status = {}, {}, told("completed")
    small.items = {
        ItemId("r0"): item("reasoning", at + 36_700, at + 39_900),
        ItemId("t0"): item("command", at + 40_000, at + 40_280, "rg"),
        ItemId("r1"): item("reasoning", at + 40_300, at + 47_100),
        ItemId("t1"): item("command", at + 47_200, at + 47_260, "sed"),
        ItemId("m"): item("message", at + 48_000, at + 55_400),
    }
    return [session, worker, turn, small]


def _running() -> list[Fact]:
    """A turn that waits for `pytest`."""
    chance = random.Random(8)
    at = NOW - 48_700
    session = scenes.session(
        at - 400_000, n=0x601, cwd=told("/home/ada/src/atlas-api"), client_name=told("vscode"),
        git_branch=told("main"), last_at=NOW,
    )  # fmt: skip
    items = {
        "u": item("user_message", at + 70, at + 70),
        "r0": item("reasoning", at + 1_900, at + 7_400),
        "t0": item("command", at + 7_600, at + 7_900, "rg"),
        "t1": item("command", at + 8_100, at + 8_200, "sed"),
        "r1": item("reasoning", at + 8_300, at + 15_100),
        "t2": item("file_change", at + 15_300, at + 21_900, duration=Said(110, Weight.LIVE)),
        "t3": item("mcp_tool", at + 22_200, at + 27_600, "query_traces", server=told("grafana")),
        "r2": item("reasoning", at + 27_700, at + 31_400),
        "t4": item("command", at + 31_600, None, "pytest"),
    }
    responses: dict[int, ResponseFacts] = {}
    total, context = 0, 41_000
    for ms in (7_500, 15_200, 22_100, 31_500):
        total, context = _answer(chance, responses, at + ms, total, context)
    turn = scenes.turn(
        session, at, None, n=0x602, cwd=session.cwd, responses=responses,
        items={ItemId(key): value for key, value in items.items()}, ttft=Said(1_900, Weight.LIVE),
        asks={"a": AskFacts("approval", item_id=ItemId("t2"), starts=by(at + 15_300),
                            ends=by(at + 21_700), decision=told("accept"))},
    )  # fmt: skip
    return [session, turn]


def _limits(chance: random.Random) -> list[LimitSample]:
    """Windows of five hours and a week; the week won't last."""
    minute, found = 60_000, []
    week_used = 0.0
    for day in range(DAYS + 1):
        begun = scenes.T0 + day * scenes.DAY
        week_ends = scenes.T0 + (day // 7 + 1) * 7 * scenes.DAY
        week_used = 0.0 if day % 7 == 0 else week_used
        used = 0.0
        for n in range(20, 8 * 60, 20):
            at = begun + n * minute
            if at > NOW:
                break
            if n == OPENS:
                used = 0.0
            used = min(100.0, used + chance.random() * 11)
            week_used = min(100.0, week_used + chance.random() * (2.6 if day > DAYS - 3 else 1.1))
            ends = begun + (OPENS - 20 + (300 if n >= OPENS else 0)) * minute
            found.append(scenes.reading(at, round(used), ends, plan_type="pro"))
            found.append(scenes.reading(at, round(week_used), week_ends, 10_080, plan_type="pro"))
    return found

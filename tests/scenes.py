"""A database made by hand: a few sessions and turns at known times, told as claims, saved by the writer.

Everything is after `T0`, 2026-03-02 09:00:00 UTC, a Monday.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import (
    AskFacts,
    Captured,
    Clock,
    EventFacts,
    Fact,
    ItemFacts,
    LimitSample,
    ResponseFacts,
    Said,
    SessionFacts,
    Snapshot,
    Source,
    Times,
    TurnFacts,
    Usage,
    Weight,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.core.prices import Price, PriceModel
from codex_telemetry.pricing import wanted
from codex_telemetry.settings import Settings
from codex_telemetry.store.price_list import PriceList
from codex_telemetry.store.writer import Writer

F = TypeVar("F")

T0 = 1_772_442_000_000
HOUR = 3_600_000
PACKAGE = "1.2.3"
"""The release of the package of prices that the database says it holds."""
DAY = 24 * HOUR

LIMITED_AT = T0 + 2 * HOUR + 120_000
"""When `limits` have just been read."""


def uuid7(ms: int, n: int = 0) -> str:
    """An id that Codex could have made at that moment."""
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{n:03x}-8000-{n:012x}"


def by(ms: int) -> Times:
    """A moment that Codex told and we heard."""
    return {Clock.CODEX_MS: ms, Clock.WIRE: ms}


def told(value: str) -> Said[str]:
    return Said(value, Weight.LIVE)


def session(at: int = T0, *, n: int = 0, **fields: object) -> SessionFacts:
    facts = SessionFacts(
        SessionId(uuid7(at, n)),
        sources=Source.LIVE,
        captured=Captured(at, 60),
        created=by(at),
        last_at=at + HOUR,
        client_name=told("an_editor"),
        cli_version=told("0.169.0"),
        cwd=told("/home/me/project"),
    )
    return _with(facts, fields)


def turn(
    of: SessionFacts, at: int, ms: int | None = 1000, *, n: int = 1, **fields: object
) -> TurnFacts:
    """A turn of `ms`; None: it runs."""
    facts = TurnFacts(
        TurnId(uuid7(at, n)),
        tellers={of.session_id: None},
        sources=Source.LIVE,
        captured=Captured(at, 60),
        status=told("completed") if ms is not None else None,
        starts=by(at + 40),
        ends=by(at + ms) if ms is not None else {},
        requested={Clock.WIRE: at},
        duration=Said(ms, Clock.CODEX_MS) if ms is not None else None,
        model=told("gpt-5.5"),
        effort=told("high"),
        cli_version=told("0.169.0"),
        cwd=told("/home/me/project"),
        context_window=Said(258_400, Weight.LIVE),
    )
    return _with(facts, fields)


def item(
    kind: str, start: int, end: int | None, name: str | None = None, **fields: object
) -> ItemFacts:
    facts = ItemFacts(
        kind,
        name=told(name) if name is not None else None,
        status=told("completed") if end is not None else None,
        starts=by(start),
        ends=by(end) if end is not None else {},
    )
    return _with(facts, fields)


def response(at: int, total: int, model: str | None = None) -> ResponseFacts:
    usage = Usage(total, total - 100, (total - 100) // 2, 100, 40)
    return ResponseFacts(
        usage=Said(usage, Weight.LIVE), times=by(at), model=told(model) if model else None
    )


def reading(
    at: int, used: float | None, resets_at: int | None, minutes: int = 300, **fields: Any
) -> LimitSample:
    """A rate-limit window as it was read at that moment."""
    told: dict[str, Any] = {"limit_id": "codex", "plan_type": "plus", "has_credits": False}
    told |= fields
    return LimitSample(
        window_minutes=minutes, observed_at=at, used_percent=used, resets_at=resets_at, **told
    )


def limits() -> list[LimitSample]:
    """Two hours of two windows of one limit, and one window of another: 42 % after a fall from 45 %,
    and a week that won't last."""
    minute = HOUR // 60
    ends, week_ends = T0 + 4 * HOUR, T0 + 3 * DAY
    found = []
    for n in range(13):
        at, used = T0 + n * 10 * minute, 9 + n * 3
        # What is said to be one reset differs by seconds.
        found.append(reading(at, used, ends + n % 3 * 1_000))
        found.append(reading(at, 70 + n * 0.5, week_ends - n % 2 * 1_000, 10_080))
    found.append(reading(T0 + 121 * minute, 42, ends))
    other = {"limit_id": "codex_other", "plan_type": None, "credit_balance": "12.50"}
    found.append(reading(T0, 3, T0 + DAY, 90 * 60, **other))
    return found


def busy_turn(of: SessionFacts, at: int = T0 + 1_000) -> TurnFacts:
    """Reasoning, a command, one that was asked for and failed, an edit declined, a retry, a message."""
    items = {
        "i0": item("user_message", at + 50, at + 50),
        "i1": item("reasoning", at + 400, at + 700),
        "i2": item("command", at + 800, at + 1_820, "sleep"),
        "i3": item(
            "command",
            at + 2_000,
            at + 2_900,
            "make",
            status=told("failed"),
            exit_code=Said(2, Weight.LIVE),
            duration=Said(300, Weight.LIVE),
        ),
        "i4": item("file_change", at + 2_950, at + 3_250, status=told("declined")),
        "i5": item("message", at + 3_900, at + 4_180),
    }
    asks = {
        "a1": _ask("i3", at + 2_000, at + 2_600, "accept"),
        "a2": _ask("i4", at + 2_950, at + 3_250, "decline"),
    }
    retry = EventFacts("retry", starts=by(at + 3_400), sources=Source.LIVE)
    return turn(
        of,
        at,
        4_220,
        items={ItemId(key): value for key, value in items.items()},
        asks=asks,
        events={"e1": retry},
        responses={
            1_200: response(at + 750, 1_200),
            2_500: response(at + 1_950, 1_300),
            3_900: response(at + 4_200, 1_400, "gpt-5.5-mini"),
        },
    )


def long_turn(of: SessionFacts, n_items: int, at: int = T0 + HOUR) -> TurnFacts:
    """Very many short commands, and a few that took their time."""
    items = {}
    start = at + 100
    for n in range(n_items):
        took = 5_000 + n if n % 100 == 50 else 20
        items[ItemId(f"i{n:04}")] = item("command", start, start + took, f"cmd{n}")
        start += took + 10
    return turn(of, at, start - at + 200, n=2, items=items)


def old_turn(of: SessionFacts, at: int, n: int = 0) -> TurnFacts:
    """Of a release that counted turns by thread and process."""
    return turn(of, at, 500, turn_id=TurnId(f"{of.session_id}:1aunch:{n}"))


def snapshots() -> list[Snapshot]:
    """A panel, and the line that its session ended with."""
    at = T0 + 2 * HOUR
    return [
        Snapshot(
            at, "panel", uuid7(T0), "gpt-5.5", "/home/me/project", 2_200, 1_900, None, 300, None,
            1_400, 258_000, 89, T0 + 4 * HOUR, 59, T0 + 3 * DAY,
        ),
        Snapshot(at + 60_000, "exit", uuid7(T0), None, None, 2_231, 1_931, 1_800, 300, 120),
    ]  # fmt: skip


def week() -> list[Fact]:
    """Two sessions and six turns over some days; the busy one comes first."""
    first = session()
    second = session(T0 + 3 * DAY, cwd=told("/home/me/other"), client_name=None)
    return [
        first,
        second,
        busy_turn(first),
        turn(first, T0 + DAY, 65_000, status=told("interrupted")),
        turn(
            second,
            T0 + 3 * DAY,
            2_000,
            model=told("gpt-5.5-mini"),
            cwd=told("/home/me/other/deep"),
        ),
        turn(
            second,
            T0 + 3 * DAY + 5_000,
            150,
            status=told("failed"),
            error_kind=told("usage_limit_exceeded"),
            cwd=None,
        ),
        old_turn(second, T0 + 3 * DAY + 9_000),
        turn(second, T0 + 4 * DAY, None),
    ]


def write(
    path: Path,
    *facts: Fact,
    kind: str = "live",
    origin: str = "launch",
    prices: PriceList | None = None,
) -> Path:
    """Save all of it as one origin would, and give the path back."""
    asyncio.run(_write(path, facts, kind, origin, prices or price_list()))
    return path


def price_list() -> PriceList:
    """What the package would say if it knew one model at round prices; reports take it for the real
    list, and don't read that."""
    models = [PriceModel(0, "package", "gpt-5.5", r"\Agpt-5\.5\Z")]
    prices = [Price(0, "default", None, None, 0, 10.0, 1.0, None, 100.0)]
    return wanted(Settings())._replace(package_version=PACKAGE, read=lambda: (models, prices))


async def _write(
    path: Path, facts: Iterable[Fact], kind: str, origin: str, prices: PriceList
) -> None:
    batch = Batch(kind, origin, "0.169.0")
    for fact in facts:
        batch.add(fact, T0)
    writer = await Writer.open(path, prices=prices)
    try:
        await writer.save(batch)
    finally:
        await writer.close()


def _ask(of: str, at: int, answered: int, decision: str) -> AskFacts:
    return AskFacts(
        "approval", item_id=ItemId(of), starts=by(at), ends=by(answered), decision=told(decision)
    )


def _with(facts: F, fields: dict[str, object]) -> F:
    for name, value in fields.items():
        setattr(facts, name, value)
    return facts

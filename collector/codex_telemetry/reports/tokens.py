"""How many tokens were used, and what they would have cost at the API: by time, model, tier, project
or session. Every sum is over the same responses, however they are told apart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from codex_telemetry.core.prices import tier_of
from codex_telemetry.core.settle_items import total
from codex_telemetry.reports.elsewhere import AnyRow, Elsewhere, SumKey
from codex_telemetry.reports.roots import Roots
from codex_telemetry.reports.shapes_tokens import Tokens
from codex_telemetry.store import usage
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.usage import Offsets, Sessions

By = Literal["day", "week", "month", "model", "project", "session", "tier"]
BY_TIME: Final = ("day", "week", "month")

ZERO: Final = ((None, 0),)
"""No zone matters."""

_COLUMNS: Final[Mapping[str, SumKey]] = {
    "model": "model",
    "tier": "service_tier",
    "project": "project",
}
_1970 = date(1970, 1, 1).toordinal()


class Calendar(NamedTuple):
    """How days and weeks are cut."""

    offsets: Callable[[int, int], Offsets]
    """Of a zone, between two moments."""
    from_sunday: bool = False
    """Weeks are."""

    def name(self, by: By, day: int | None) -> str | None:
        """Of the day, week or month that a day (from 1970 on) is of; a week from Sunday has the
        number of the Monday in it."""
        if day is None:
            return None
        named = date.fromordinal(_1970 + day)
        if by == "week":
            year, week, _ = (named + timedelta(days=int(self.from_sunday))).isocalendar()
            return f"{year:04d}-W{week:02d}"
        return named.isoformat()[: 7 if by == "month" else 10]


class Used(NamedTuple):
    rows: list[Tokens]
    total: Tokens
    """Of all that match, also where `rows` are only the last of them. Its key is None."""


class _Group:
    """What falls under one key."""

    __slots__ = ("last_used", "sums")

    def __init__(self, row: Sequence[Any]) -> None:
        _, last_used, *self.sums = row
        self.last_used = last_used or 0

    def add(self, row: Sequence[Any]) -> None:
        _, last_used, *sums = row
        self.sums = list(map(_sum, self.sums, sums))
        self.last_used = max(self.last_used, last_used or 0)


def tokens(
    db: Store | Elsewhere, filters: Filters, by: By, calendar: Calendar, *, roll_up: bool
) -> Used:
    """By time in its order; by all else the most used first.

    `roll_up`: what a subagent used counts for the session of the person who started it.
    """
    told = db if isinstance(db, Elsewhere) else _InSqlite(db)
    matters = by in ("project", "session") or filters.session_id or filters.projects
    roots = Roots(told.tree()) if roll_up and matters else None
    only: list[Sessions] = []
    if filters.session_id is not None:
        own = told.keys_of(filters.session_id)
        only.append(Sessions(own | roots.under(filters.session_id) if roots else own))
    if roots is not None and filters.projects:
        only.append(Sessions(roots.inside(filters.projects)))
        filters = filters._replace(projects=())
    groups: dict[str | None, _Group] = {}
    for key, row in _told(told, filters, by, calendar, only, roots):
        if (group := groups.get(key)) is None:
            groups[key] = _Group(row)
        else:
            group.add(row)
    whole = [total(column) for column in zip(*(g.sums for g in groups.values()), strict=True)]
    return Used(_ordered(groups, by, filters.last), _shaped(None, whole or [0, *[None] * 7, 0]))


def _told(
    told: "_InSqlite | Elsewhere",
    filters: Filters,
    by: By,
    calendar: Calendar,
    only: Sequence[Sessions],
    roots: Roots | None,
) -> Iterator[tuple[str | None, Sequence[Any]]]:
    match by:
        case "session":
            names = told.names() | (roots.counted_by if roots else {})
            for row in told.sums("session_key", filters, only, ZERO):
                yield names[row[0]], row
        case "model" | "tier" | "project":
            rolled = roots.counted_by if roots is not None and by == "project" else {}
            # What counts for another session has that one's project.
            mine = [*only, Sessions(rolled, others=True)] if rolled else only
            for row in told.sums(_COLUMNS[by], filters, mine, ZERO):
                yield tier_of(row[0]) if by == "tier" else row[0], row
            if roots is not None and rolled:
                for row in told.sums("session_key", filters, [*only, Sessions(rolled)], ZERO):
                    yield roots.project(row[0]), row
        case _:
            offsets = calendar.offsets(*told.extent())
            for row in told.sums("day", filters, only, offsets):
                yield calendar.name(by, row[0]), row


class _InSqlite:
    """What is asked of usage, in the store."""

    def __init__(self, db: Store) -> None:
        self._db = db

    def sums(
        self, key: SumKey, filters: Filters, sessions: Sequence[Sessions], offsets: Offsets
    ) -> Iterator[Sequence[Any]]:
        """By names where a usage group has one."""
        if key in ("day", "session_key"):
            yield from map(tuple, usage.sums(self._db, key, filters, sessions, offsets))
            return
        listed = usage.projects(self._db) if key == "project" else usage.groups(self._db)
        names = {row["usage_group"]: row[key] for row in listed}
        for group, *sums in usage.sums(self._db, "usage_group", filters, sessions):
            yield names[group], *sums

    def extent(self) -> tuple[int, int]:
        return usage.extent(self._db)

    def tree(self) -> Iterator[AnyRow]:
        return usage.tree(self._db)

    def names(self) -> dict[int, str]:
        return usage.names(self._db)

    def keys_of(self, session_id: str) -> set[int]:
        return usage.keys_of(self._db, session_id)


def _ordered(groups: Mapping[str | None, _Group], by: By, last: int | None) -> list[Tokens]:
    kept = sorted(groups, key=lambda key: (groups[key].last_used, key or ""))
    rows = [_shaped(key, groups[key].sums) for key in kept[-last if last is not None else 0 :]]
    if by in BY_TIME:
        # What has no known time comes first.
        return sorted(rows, key=lambda row: row.key or "")
    return sorted(rows, key=lambda row: (-(row.total_tokens or 0), row.key or ""))


def _shaped(key: str | None, sums: Sequence[Any]) -> Tokens:
    responses, read, cached, written, out, reasoned, total, usd, unpriced = sums
    return Tokens(
        key=key,
        responses=responses,
        input_tokens=read,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=out,
        reasoning_output_tokens=reasoned,
        total_tokens=total,
        cost_usd=None if usd is None else round(usd, 9),
        unpriced_tokens=unpriced,
        cache_hit_rate=round(cached / read, 4) if read and cached is not None else None,
    )


def _sum(one: Any, other: Any) -> Any:
    """Unknown is not 0, and adds nothing."""
    return one if other is None else other if one is None else one + other

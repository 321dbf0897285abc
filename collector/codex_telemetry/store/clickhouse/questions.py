"""What reports ask of a ClickHouse: SQL a person can read. FINAL has what counts of what was sent twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from codex_telemetry.core.parts import TOOLS
from codex_telemetry.store.changes import DAY_MS
from codex_telemetry.store.clickhouse import narrowed
from codex_telemetry.store.clickhouse.connection import Connection
from codex_telemetry.store.clickhouse.narrowed import (
    FOLDER,
    PROJECT,
    WITH_PROJECTS,
    WITH_SESSIONS,
    Narrowed,
    ms,
)
from codex_telemetry.store.clickhouse.schema import columns
from codex_telemetry.store.find import SHOWN, ambiguous, unknown
from codex_telemetry.store.measured import MEASURES, By
from codex_telemetry.store.queries import Filters
from codex_telemetry.store.statements import QUARTER_MS
from codex_telemetry.store.summing import SUMMED
from codex_telemetry.store.usage import Offsets, Sessions

PERCENTS: Final = (50, 90, 95, 99, 100)

_RANKS: Final = f"quantilesExactWeighted({', '.join(str(p / 100) for p in PERCENTS)})"
"""By nearest rank, as ours: the least value of which and of smaller ones there are enough."""

_CALLS: Final = f"kind IN ({', '.join(repr(kind) for kind in sorted(TOOLS))})"
_OURS: Final = ("machine", "user", "day", "database", "version", "is_deleted")
_NEWEST: Final = {
    "turns": ("started_at", "machine", "turn_key"),
    "sessions": ("last_at", "machine", "session_key"),
}


class Row:
    """By names and by places, as `sqlite3.Row` is."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: tuple[str, ...], values: Sequence[Any]) -> None:
        self._names, self._values = names, values

    def keys(self) -> Sequence[str]:
        return self._names

    def __getitem__(self, at: int | str, /) -> Any:
        return self._values[at if isinstance(at, int) else self._names.index(at)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)


def listed(there: Connection, table: str, filters: Filters) -> Iterator[Row]:
    """Turns or sessions, newest last; times are ms."""
    where = _where(table, filters)
    names = [
        f"{ms('t.' + name)} AS {name}" if "DateTime64" in type_ else f"t.{name} AS {name}"
        for name, type_ in columns(table)
        if "." not in name and name not in _OURS[1:]
    ]
    sql = f"SELECT {', '.join(names)} FROM {_of(table, filters)} WHERE {where.sql}"
    if filters.last is not None:
        sql = f"SELECT * FROM ({sql} {_newest_first(table, '')} LIMIT {int(filters.last)})"
    order = ", ".join(f"{name} ASC NULLS FIRST" for name in _NEWEST[table])
    return _rows(there, f"{sql} ORDER BY {order}", where.values)


def count(there: Connection, table: str, filters: Filters) -> int:
    """How many match; never more than `last`."""
    where = _where(table, filters)
    sql = f"SELECT count() FROM {_of(table, filters)} WHERE {where.sql}"
    found = int(next(_rows(there, sql, where.values))[0])
    return found if filters.last is None else min(found, filters.last)


def times(
    there: Connection, filters: Filters, by: By | None, offsets: Offsets, edges: Sequence[int]
) -> Iterator[Row]:
    """By key: how many turns; of each measure how many are known, their sum and their ranks; and how
    many durations are below each edge. A day is a number from 1970 on."""
    where = narrowed.turns(filters)
    key = {
        None: "NULL",
        "day": _day(ms("t.started_at"), offsets),
        "project": PROJECT,
        "client": "coalesce(s.client_name, s.originator)",
        "version": "t.cli_version",
    }.get(by, f"t.{by}")
    joined = WITH_PROJECTS if by == "project" else WITH_SESSIONS
    needed = by in ("project", "client") or filters.projects
    took = ", ".join(f"t.{measure}_ms AS {measure}" for measure in MEASURES)
    turns = f"""
        SELECT {key} AS key, {took} FROM turns AS t FINAL {joined if needed else ""}
        WHERE {where.sql} {_only_last("turns", filters)}"""
    asked = ", ".join(f"count({m}), sum({m}), {_RANKS}({m}, 1)" for m in MEASURES)
    below = ", ".join(f"countIf(ifNull(duration < {int(edge)}, 0))" for edge in edges)
    grouped = "" if by is None else "GROUP BY key"
    chosen = "NULL" if by is None else "key"
    sql = f"SELECT {chosen}, count(), {asked}, {below} FROM ({turns}) {grouped}"
    return _rows(there, sql, where.values)


def calls(there: Connection, filters: Filters, by: str) -> Iterator[Row]:
    """By key and kind: calls, failures, declines; how many durations are known, their sum and ranks."""
    where = narrowed.turns(filters)
    key = {"kind": "kind", "server": "server"}.get(by, "name")
    only = {"command": "kind = 'command'", "server": "kind = 'mcp_tool'"}.get(by, _CALLS)
    nested = ("kind", "name", "server", "status", "duration_ms")
    turns = f"""
        SELECT {", ".join(f"t.`items.{name}` AS {name}s" for name in nested)}
        FROM turns AS t FINAL {WITH_SESSIONS if filters.projects else ""}
        WHERE {where.sql} {_only_last("turns", filters)}"""
    sql = f"""
        SELECT {key} AS its_key, kind, count(), countIf(status = 'failed'),
            countIf(status = 'declined'), count(ran), sum(ran), {_RANKS}(ran, 1)
        FROM (
            SELECT kind, name, server, status, if(status = 'declined', NULL, duration_ms) AS ran
            FROM ({turns})
            ARRAY JOIN {", ".join(f"{name}s AS {name}" for name in nested)}
            WHERE {only}
        ) GROUP BY its_key, kind"""
    return _rows(there, sql, where.values)


def sums(
    there: Connection,
    key: str,
    filters: Filters,
    sessions: Sequence[Sessions] = (),
    offsets: Offsets = ((None, 0),),
) -> Iterator[Row]:
    """By key: it, the quarter of an hour of its latest use, and the sums. Costs are summed up as SQLite
    has them: of each session and quarter first."""
    where = narrowed.used(filters)
    chosen = _day("(quarter * 900000)", offsets) if key == "day" else key
    common = ("session_key", "quarter", "model", "service_tier", "status", "folder", "project")
    sql = f"""
        SELECT {chosen} AS its_key, max(quarter), {_summed(SUMMED)}
        FROM (
            SELECT {_SESSION_KEY} AS session_key, intDiv(t.used_ms, {QUARTER_MS}) AS quarter,
                t.model AS model, t.service_tier AS service_tier, t.status AS status,
                {FOLDER} AS folder, {PROJECT} AS project,
                count() AS responses, {_summed(SUMMED[1:7], of="t.its_")},
                round(sumKahan(t.its_cost_usd), 12) AS cost_usd,
                ifNull(sumIf(t.its_total_tokens, isNull(t.its_cost_usd)), 0) AS unpriced_tokens
            FROM ({_RESPONSES}) AS t {WITH_PROJECTS}
            WHERE {where.sql} {"".join(map(_only, sessions))}
            GROUP BY {", ".join(common)}
        ) GROUP BY its_key SETTINGS max_query_size = 1000000000"""
    return _rows(there, sql, where.values)


def extent(there: Connection) -> tuple[int, int]:
    """The first and the last moment (ms UTC) of what responses used; of turns that have none, of none."""
    return _between(there, f"SELECT min(used_ms), max(used_ms) FROM ({_RESPONSES})")


def extent_of_turns(there: Connection) -> tuple[int, int]:
    moment = ms("started_at")
    return _between(there, f"SELECT min({moment}), max({moment}) FROM turns FINAL")


def tree(there: Connection) -> Iterator[Row]:
    """Every session with its project, and the sessions above it."""
    return _rows(
        there,
        f"""
        SELECT {_SESSION_KEY} AS session_key, t.session_id AS session_id, t.relation AS relation,
            t.root_session_id AS root_session_id, t.parent_session_id AS parent_session_id,
            t.cwd AS cwd, coalesce(r.folder, t.cwd) AS project
        FROM sessions AS t FINAL LEFT JOIN {narrowed.REPOSITORIES} AS r ON r.git_repo = t.git_repo
        """,
    )


def names(there: Connection, session_id: str | None = None) -> dict[int, str]:
    """The id of each session, or of those of one id, by its key."""
    where = "1" if session_id is None else "t.session_id = {session:String}"
    sql = f"SELECT {_SESSION_KEY}, t.session_id FROM sessions AS t FINAL WHERE {where}"
    values = {} if session_id is None else {"session": session_id}
    return {row[0]: row[1] for row in _rows(there, sql, values)}


def find_session(there: Connection, wanted: str) -> str:
    """Raises `UserError` where none matches, or several."""
    for spelling in dict.fromkeys((wanted, wanted.lower())):
        sql = f"""
            SELECT DISTINCT session_id FROM sessions FINAL
            WHERE startsWith(session_id, {{wanted:String}}) ORDER BY session_id LIMIT {SHOWN + 1}"""
        found: list[str] = [row[0] for row in _rows(there, sql, {"wanted": spelling})]
        if found and (len(found) == 1 or found[0] == spelling):
            return found[0]
        if found:
            raise ambiguous("session", wanted, found)
    raise unknown("session", "sessions", wanted)


def _rows(there: Connection, sql: str, values: Mapping[str, Any] = {}) -> Iterator[Row]:
    names_, rows = there.rows(sql, values)
    return (Row(names_, row) for row in rows)


def _between(there: Connection, sql: str) -> tuple[int, int]:
    first, last = next(_rows(there, sql))
    return first or 0, last or 0


def _where(table: str, filters: Filters) -> Narrowed:
    return (narrowed.turns if table == "turns" else narrowed.sessions)(filters)


def _of(table: str, filters: Filters) -> str:
    joined = WITH_SESSIONS if table == "turns" and filters.projects else ""
    return f"{table} AS t FINAL {joined}"


def _newest_first(table: str, of: str) -> str:
    order = ", ".join(f"{of}{name} DESC NULLS LAST" for name in _NEWEST[table])
    return f"ORDER BY {order}"


def _only_last(table: str, filters: Filters) -> str:
    if filters.last is None:
        return ""
    return f"{_newest_first(table, 't.')} LIMIT {int(filters.last)}"


def _day(moment: str, offsets: Offsets) -> str:
    """The day since 1970 of a moment (ms UTC), as a zone cuts them."""
    *changes, (_, last) = offsets
    local = f"{moment} + {int(last)}"
    if changes:
        cases = ", ".join(
            f"{moment} < {int(until or 0)}, {moment} + {int(ahead)}" for until, ahead in changes
        )
        local = f"multiIf({cases}, {local})"
    return f"toInt64(floor(({local}) / {DAY_MS}))"


def _only(sessions: Sessions) -> str:
    if not sessions.keys:
        return "" if sessions.others else " AND 0"
    inside = "NOT IN" if sessions.others else "IN"
    return f" AND {_SESSION_KEY} {inside} ({', '.join(map(str, map(int, sessions.keys)))})"


def _summed(names_: Sequence[str], of: str = "") -> str:
    return ", ".join(
        f"{'sumKahan' if name == 'cost_usd' else 'sum'}({of}{name}) AS {'all_' * (not of)}{name}"
        for name in names_
    )


_SESSION_KEY: Final = "cityHash64(t.machine, t.session_id)"
_USED: Final = ", ".join(f"`used.{name}` AS its_{name}" for name in ("model", "at", *SUMMED[1:8]))
_RESPONSES: Final = f"""
SELECT machine, session_id, cwd, status, service_tier, its_model AS model,
    {ms("coalesce(its_at, started_at)")} AS used_ms,
    its_input_tokens, its_cached_input_tokens, its_cache_write_input_tokens, its_output_tokens,
    its_reasoning_output_tokens, its_total_tokens, its_cost_usd
FROM turns FINAL ARRAY JOIN {_USED}
"""

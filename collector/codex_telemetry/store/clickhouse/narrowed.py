"""Which rows a report is about: the filters of the command line as SQL of ClickHouse."""

from typing import Any, Final, NamedTuple

from codex_telemetry.store.changes import DAY_MS
from codex_telemetry.store.queries import Filters

SESSIONS: Final = """(
    SELECT machine, session_id, cwd, git_repo, client_name, originator FROM sessions FINAL
)"""
REPOSITORIES: Final = """(
    SELECT git_repo, argMin(cwd, (lengthUTF8(assumeNotNull(cwd)), assumeNotNull(cwd))) AS folder
    FROM sessions FINAL WHERE isNotNull(git_repo) AND isNotNull(cwd) GROUP BY git_repo
)"""
"""As `store.projects` has it: a repository is called by the shortest of its folders."""

WITH_SESSIONS: Final = f"""
LEFT JOIN {SESSIONS} AS s ON s.machine = t.machine AND s.session_id = t.session_id
"""
WITH_PROJECTS: Final = f"{WITH_SESSIONS} LEFT JOIN {REPOSITORIES} AS r ON r.git_repo = s.git_repo"

FOLDER: Final = "coalesce(t.cwd, s.cwd)"
"""A turn that didn't say where it ran ran where its session did."""
PROJECT: Final = f"coalesce(r.folder, {FOLDER})"


def ms(column: str) -> str:
    return f"toUnixTimestamp64Milli({column})"


class Narrowed(NamedTuple):
    sql: str
    values: dict[str, Any]


def turns(filters: Filters) -> Narrowed:
    """Of turns as `t`; with a project, of sessions as `s` too."""
    told = _said(filters, FOLDER)
    for name, sign, moment in (("since", ">=", filters.since), ("until", "<", filters.until)):
        if moment is not None:
            told.append(Narrowed(f"{ms('t.started_at')} {sign} {{{name}:Int64}}", {name: moment}))
    if filters.since is not None and filters.since >= 0:
        # By the key; what has no day has a moment that no day is of.
        day = min(filters.since // DAY_MS, 0xFFFF)
        told.append(Narrowed("(t.day >= toDate({day:UInt16}) OR t.day = toDate(0))", {"day": day}))
    if filters.model is not None:
        told.append(Narrowed("t.model = {model:String}", {"model": filters.model}))
    if filters.status is not None:
        told.append(Narrowed("t.status = {status:String}", {"status": filters.status}))
    return _all(told)


def sessions(filters: Filters) -> Narrowed:
    """Of sessions as `t`: those of which any of their life is in the stretch of time."""
    told = _said(filters, "t.cwd")
    if filters.since is not None:
        told.append(Narrowed(f"{ms('t.last_at')} >= {{since:Int64}}", {"since": filters.since}))
    if filters.until is not None:
        begun = ms("coalesce(t.created_at, t.last_at)")
        told.append(Narrowed(f"{begun} < {{until:Int64}}", {"until": filters.until}))
    if filters.model is not None:
        listed = "JSONExtract(ifNull(t.models, '[]'), 'Array(String)')"
        told.append(Narrowed(f"has({listed}, {{model:String}})", {"model": filters.model}))
    if filters.status is not None:
        some = "SELECT machine, session_id FROM turns FINAL WHERE status = {status:String}"
        told.append(Narrowed(f"(t.machine, t.session_id) IN ({some})", {"status": filters.status}))
    return _all(told)


def used(filters: Filters) -> Narrowed:
    """Of responses as `t`, with what sessions are as `s`."""
    told = _said(filters._replace(session_id=None), FOLDER)
    if filters.since is not None:
        told.append(Narrowed("t.used_ms >= {since:Int64}", {"since": filters.since}))
    if filters.until is not None:
        told.append(Narrowed("t.used_ms < {until:Int64}", {"until": filters.until}))
    if filters.model is not None:
        told.append(Narrowed("t.model = {model:String}", {"model": filters.model}))
    if filters.status is not None:
        told.append(Narrowed("t.status = {status:String}", {"status": filters.status}))
    return _all(told)


def _said(filters: Filters, folder: str) -> list[Narrowed]:
    told = []
    if filters.session_id is not None:
        told.append(Narrowed("t.session_id = {session:String}", {"session": filters.session_id}))
    if filters.projects:
        sql: list[str] = []
        values: dict[str, Any] = {}
        for n, project in enumerate(filters.projects):
            sql.append(f"{folder} = {{is{n}:String}} OR startsWith({folder}, {{in{n}:String}})")
            values |= {f"is{n}": project, f"in{n}": project.rstrip("/") + "/"}
        told.append(Narrowed(f"ifNull({' OR '.join(sql)}, 0)", values))
    return told


def _all(told: list[Narrowed]) -> Narrowed:
    values = {name: value for each in told for name, value in each.values.items()}
    return Narrowed(" AND ".join(f"({each.sql})" for each in told) or "1", values)

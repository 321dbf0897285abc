"""Whether all is well: what a person should know about their database, and what to do about it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from codex_telemetry.config import Paths
from codex_telemetry.core.facts import Source
from codex_telemetry.core.unheard import LOST
from codex_telemetry.errors import NewerDatabaseError, UserError
from codex_telemetry.reports import sinks, surroundings
from codex_telemetry.reports.shapes_upkeep import Check, Doctor, DriftCount, GapSeen
from codex_telemetry.reports.shaping import shaped
from codex_telemetry.reports.surroundings import Surroundings
from codex_telemetry.store import health, queries
from codex_telemetry.store.queries import Store

Reach = Callable[[Path], AbstractContextManager[Store]]


def doctor(
    paths: Paths,
    around: Surroundings,
    now: int,
    *,
    whole: bool = False,
    reach: Reach = queries.reading,
) -> Doctor:
    """Everything it looked at. Never raises for what it finds, and reads no rollout.

    `whole`: the database is read from end to end, however large. `reach`: how it is opened.
    """
    report = Doctor(checks=[surroundings.homes(around)], drift=[], gaps=[], sinks=[])
    if not paths.database.exists():
        report.checks.append(
            Check(
                "database",
                "warn",
                f"there is none yet at {paths.database}",
                "fill it: codex-telemetry backfill, or codex-telemetry run -- codex app-server",
            )
        )
    else:
        try:
            with reach(paths.database) as db:
                _look(db, paths, report, now, whole=whole)
        except UserError as error:
            name = "schema" if isinstance(error, NewerDatabaseError) else "database"
            report.checks.append(Check(name, "fail", error.message, error.hint))
        report.checks.append(surroundings.permissions(paths.database))
    report.checks += [surroundings.keys(paths.database), surroundings.spool(around)]
    report.checks += [surroundings.shims(around), surroundings.service(around)]
    # The last that is looked at: until here it had time to answer.
    report.checks.insert(0, surroundings.codex(around))
    return report


def _look(db: Store, paths: Paths, report: Doctor, now: int, *, whole: bool) -> None:
    report.checks.append(_damage(db, paths, whole=whole))
    # It is brought up to date as it is opened, or isn't opened.
    version = health.schema_version(db)
    report.checks.append(Check("schema", "ok", f"version {version}, all migrations applied", None))
    report.gaps = list(shaped(GapSeen, queries.gaps(db)))
    report.drift = list(shaped(DriftCount, queries.drift(db)))
    report.checks += [_gaps(report.gaps), _drift(report.drift)]
    report.checks += [check(db) for check in _CONTENTS]
    report.sinks = sinks.states(db)
    report.checks += [sinks.check(sink, now) for sink in report.sinks]
    report.checks.append(_clocks(db, now))
    report.checks.append(surroundings.content_keys(paths.database, health.keys_in_files(db)))


def _damage(db: Store, paths: Paths, *, whole: bool) -> Check:
    size = health.size(db)
    if size > health.QUICKLY_READ and not whole:
        return Check(
            "database",
            "ok",
            f"{paths.database} can be read ({size / 1e9:.1f} GB)",
            "codex-telemetry doctor --whole reads all of it, to look for damage",
        )
    if health.damage(db) is not None:
        detail = f"{paths.database} is damaged"
        return Check("database", "fail", detail, "keep a copy; move it away")
    return Check("database", "ok", f"{paths.database} is whole", None)


def _gaps(gaps: Sequence[GapSeen]) -> Check:
    if not gaps:
        return Check("gaps", "ok", "everything that passed was heard", None)
    lost = sum(gap.dropped_bytes or 0 for gap in gaps)
    return Check(
        "gaps",
        "warn",
        f"{len(gaps)} times something wasn't heard ({lost:,} bytes)",
        "codex-telemetry backfill adds what Codex has logged of it",
    )


def _drift(drift: Sequence[DriftCount]) -> Check:
    if not drift:
        return Check("drift", "ok", "Codex said nothing that this version doesn't know", None)
    return Check(
        "drift",
        "warn",
        f"{len(drift)} names of Codex are unknown to this version",
        "a newer codex-telemetry may know them",
    )


def _sources(db: Store) -> Check:
    told = health.turns_by_sources(db)
    live, rollout = told.get(Source.LIVE, 0), told.get(Source.ROLLOUT, 0)
    both = told.get(Source.LIVE | Source.ROLLOUT, 0)
    return Check(
        "sources",
        "ok",
        f"turns told by the stream alone {live:,}, by a log alone {rollout:,}, by both {both:,}",
        "codex-telemetry backfill reads the logs of those, where Codex keeps any" if live else None,
    )


def _models(db: Store) -> Check:
    without = health.sessions_without_model(db)
    if not without:
        return Check("models", "ok", "every session with turns has a model", None)
    return Check(
        "models",
        "warn",
        f"of {_counted(without, 'session')} with turns no model is known",
        "codex-telemetry backfill may find it in their logs; without one nothing has a price",
    )


def _milestones(db: Store) -> Check:
    due = health.windows_due(db)
    if not due:
        return Check("milestones", "ok", "those of all rate-limit windows are written", None)
    return Check(
        "milestones",
        "warn",
        f"those of {_counted(due, 'rate-limit window')} aren't written yet",
        "codex-telemetry backfill writes them",
    )


def _clocks(db: Store, now: int) -> Check:
    odd = health.odd_times(db, now)
    said = [
        f"{_counted(n, noun)} {what}"
        for n, noun, what in (
            (odd.backward, "turn", "that end before they begin"),
            (odd.negative, "duration", "below 0"),
            (odd.ahead, "turn", "that begin more than a day from now"),
            (odd.late, "live turn", "heard of more than a day from when they began"),
        )
        if n
    ]
    if not said:
        return Check("clocks", "ok", "no time looks wrong", None)
    return Check("clocks", "warn", ", ".join(said), "this machine's clock may have been wrong then")


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _unheard(db: Store) -> Check:
    """What clients opted out of hearing, as far as it tells something that we keep."""
    told = health.opted_out(db)
    lost = {method: n for method, n in told.items() if method in LOST}
    if not lost:
        return Check("unheard", "ok", "clients hear all that tells of their turns", None)
    what = "; ".join(f"{method} ({n:,}): {LOST[method]}" for method, n in lost.items())
    return Check(
        "unheard",
        "warn",
        f"clients opted out of hearing, in so many sessions, {what}",
        "null where only that would tell it; codex-telemetry backfill adds what Codex has logged",
    )


_CONTENTS: tuple[Callable[[Store], Check], ...] = (_sources, _models, _milestones, _unheard)
"""What is asked of the rows themselves; a further check is a function here."""

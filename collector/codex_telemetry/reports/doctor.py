"""Whether all is well: what a person should know about their database, and what to do about it."""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from codex_telemetry.config import Paths
from codex_telemetry.core.facts import Source
from codex_telemetry.errors import NewerDatabaseError, UserError
from codex_telemetry.reports.shapes import Check, Doctor, DriftCount, GapSeen
from codex_telemetry.reports.shaping import shaped
from codex_telemetry.store import queries
from codex_telemetry.store.queries import Store


def doctor(paths: Paths, waiting: Sequence[Path]) -> Doctor:
    """Everything it looked at. Never raises for what it finds."""
    report = Doctor(checks=[], drift=[], gaps=[])
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
            with queries.reading(paths.database) as db:
                _look(db, paths, report)
        except UserError as error:
            name = "schema" if isinstance(error, NewerDatabaseError) else "database"
            report.checks.append(Check(name, "fail", error.message, error.hint))
        report.checks += _permissions(paths.database)
    report.checks.append(_spool(waiting))
    return report


def _look(db: Store, paths: Paths, report: Doctor) -> None:
    wrong = queries.health(db)
    report.checks.append(
        Check("database", "ok", f"{paths.database} is whole", None)
        if wrong is None
        else Check("database", "fail", f"{paths.database} is damaged", "keep a copy; move it away")
    )
    report.checks.append(Check("schema", "ok", f"version {queries.schema_version(db)}", None))
    report.gaps = list(shaped(GapSeen, queries.gaps(db)))
    report.drift = list(shaped(DriftCount, queries.drift(db)))
    report.checks += [_gaps(report.gaps), _drift(report.drift), _sources(db)]


def _permissions(database: Path) -> Iterator[Check]:
    files = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    for path, allowed in (*((file, 0o600) for file in files), (database.parent, 0o700)):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & 0o077:
            yield Check(
                "permissions",
                # A folder may be shared on purpose, and named with --db.
                "warn" if path == database.parent else "fail",
                f"{path} is open to others (mode {mode:04o})",
                f"chmod {allowed:o} {path}",
            )
            return
    yield Check("permissions", "ok", "only its owner can read it", None)


def _spool(waiting: Sequence[Path]) -> Check:
    if not waiting:
        return Check("spool", "ok", "nothing waits to be taken in", None)
    folders = sorted({str(path.parent) for path in waiting})
    return Check(
        "spool",
        "warn",
        f"{len(waiting)} recordings wait in {', '.join(folders)}",
        "codex-telemetry backfill takes them in, or says why it can't",
    )


def _gaps(gaps: Sequence[GapSeen]) -> Check:
    if not gaps:
        return Check("gaps", "ok", "everything that passed was heard", None)
    lost = sum(gap.dropped_bytes or 0 for gap in gaps)
    return Check("gaps", "warn", f"{len(gaps)} times something wasn't heard ({lost:,} bytes)", None)


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
    told = queries.turns_by_sources(db)
    live, rollout = told.get(Source.LIVE, 0), told.get(Source.ROLLOUT, 0)
    both = told.get(Source.LIVE | Source.ROLLOUT, 0)
    return Check(
        "sources",
        "ok",
        f"turns told by the stream alone {live:,}, by a log alone {rollout:,}, by both {both:,}",
        None,
    )

"""What `doctor` says, and what to do where it isn't well."""

from codex_telemetry.cli.doctor import surroundings
from codex_telemetry.reports.doctor import doctor
from codex_telemetry.store.queries import only_reading
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

LISTED = 50
"""So many gaps and unknown names are shown."""

WORST_FIRST = ("fail", "warn", "ok")


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    # A page upgrades no database, as `doctor` does.
    with surroundings(source.paths) as around:
        report = doctor(source.paths, around, now, reach=only_reading)
    yield
    checks = sorted(report.checks, key=lambda check: WORST_FIRST.index(check.status))
    return {
        "checks": checks,
        "counts": {s: sum(check.status == s for check in checks) for s in WORST_FIRST},
        "drift": report.drift[:LISTED],
        "drift_hidden": max(0, len(report.drift) - LISTED),
        "gaps": report.gaps[-LISTED:][::-1],
        "gaps_hidden": max(0, len(report.gaps) - LISTED),
    }

"""The JSON Schema of every shape, made from the structs that print it; the files are compared in tests.

`python -m codex_telemetry.reports.schemas --write` writes them anew.
"""

import sys
from typing import Any

import msgspec
from msgspec import Struct

from codex_telemetry.reports import (
    shapes,
    shapes_anonymous,
    shapes_capture,
    shapes_export,
    shapes_family,
    shapes_host,
    shapes_limits,
    shapes_privacy,
    shapes_snapshots,
    shapes_sql,
    shapes_stats,
    shapes_tokens,
    shapes_upkeep,
)
from codex_telemetry.store.db import schema_folder

# A version goes up by one with every change; a name that goes or changes is in the CHANGELOG too.
SHAPES: dict[str, tuple[type[Struct], int]] = {
    "turn": (shapes.Turn, 4),
    "turn_detail": (shapes_family.TurnInFull, 5),
    "session": (shapes.Session, 4),
    "session_detail": (shapes_family.SessionInFull, 6),
    "stats": (shapes_stats.Stats, 1),
    "stats_change": (shapes_stats.StatsChange, 1),
    "tools": (shapes_stats.ToolStats, 1),
    "event": (shapes_stats.Event, 1),
    "limit": (shapes_limits.Limit, 1),
    "milestone": (shapes_limits.Milestone, 1),
    "snapshot": (shapes_snapshots.Snapshot, 1),
    "schema_column": (shapes_sql.SchemaColumn, 1),
    "path": (shapes_upkeep.PathInfo, 1),
    "backfill": (shapes_upkeep.BackfillSummary, 1),
    "doctor": (shapes_upkeep.Doctor, 2),
    "config": (shapes_upkeep.Setting, 3),
    "prune": (shapes_upkeep.Pruned, 1),
    "vacuum": (shapes_upkeep.Vacuumed, 1),
    "backup": (shapes_upkeep.BackedUp, 1),
    "restore": (shapes_upkeep.Restored, 1),
    "merge": (shapes_upkeep.Merged, 1),
    "anonymous": (shapes_anonymous.Anonymous, 1),
    "export": (shapes_export.Exported, 1),
    "export_otlp": (shapes_export.ExportedTraces, 1),
    "clickhouse": (shapes_export.SentToClickHouse, 1),
    "tokens": (shapes_tokens.Tokens, 1),
    "prices": (shapes_tokens.Price, 1),
    "privacy": (shapes_privacy.Privacy, 1),
    "capture_grant": (shapes_capture.CaptureGrant, 1),
    "captured_item": (shapes_capture.CapturedItem, 1),
    "shim": (shapes_host.Shim, 1),
    "service": (shapes_host.Service, 1),
}
"""Name → the struct and its version."""

PRINTED_BY = {
    "turn": "each object of `turns`",
    "turn_detail": "`turn ID`",
    "session": "each object of `sessions`",
    "session_detail": "`session ID`",
    "stats": "each object of `stats`",
    "stats_change": "each object of `stats --compare`",
    "tools": "each object of `tools`",
    "event": "each object of `events`",
    "limit": "each object of `limits` and `limits --history`",
    "milestone": "each object of `limits --milestones`",
    "snapshot": "each object of `snapshots`",
    "schema_column": "each object of `sql --schema`",
    "path": "`path`",
    "backfill": "`backfill`",
    "doctor": "`doctor`",
    "config": "each object of `config`",
    "prune": "`prune`",
    "vacuum": "`vacuum`",
    "backup": "`backup`",
    "restore": "`restore`",
    "merge": "`merge`",
    "anonymous": "`export --anonymous`",
    "export": "`export parquet`, `export csv` and `export jsonl`",
    "export_otlp": "`export otlp`",
    "clickhouse": "`export clickhouse`",
    "tokens": "each object of `tokens`",
    "prices": "each object of `prices`",
    "capture_grant": "each object of `capture status`",
    "privacy": "`privacy status`",
    "captured_item": "each object of `capture show`",
    "shim": "each object of `shim status`",
    "service": "`service status`",
}

ALSO_CALLED = {
    "turns": "turn",
    "sessions": "session",
    "events": "event",
    "limits": "limit",
    "snapshots": "snapshot",
    "milestones": "milestone",
}
"""By the command that prints a list of them."""


def generate(name: str) -> dict[str, Any]:
    shape, version = SHAPES[name]
    _, parts = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    own = parts.pop(shape.__name__)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"codex-telemetry/{name}/{version}",
        "version": version,
        "$comment": f"Printed by {PRINTED_BY[name]} with --json. Names are added freely.",
        **own,
        "title": name,
    }
    return {**schema, "$defs": parts} if parts else schema


def text(name: str) -> str:
    """As it stands in the file."""
    raw = msgspec.json.encode(generate(name))
    return msgspec.json.format(raw, indent=2).decode() + "\n"


def published(name: str) -> str:
    """As it was shipped."""
    return (schema_folder() / "output" / f"{name}.json").read_text(encoding="utf-8")


def write() -> None:
    folder = schema_folder() / "output"
    folder.mkdir(exist_ok=True)
    for name in SHAPES:
        (folder / f"{name}.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m codex_telemetry.reports.schemas --write")
    write()

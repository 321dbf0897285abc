"""What Codex has written to disk: each rollout file read once, and only what is new of it.

`backfill.watch` goes on doing so; who doesn't watch needn't import what it takes.
"""

from codex_telemetry.backfill.homes import backfill
from codex_telemetry.backfill.tally import Progress, Tally

__all__ = ["Progress", "Tally", "backfill"]

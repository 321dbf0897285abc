"""What Codex has written to disk: each rollout file read once, and only what is new of it.

`backfill.homes` reads it and `backfill.watch` goes on doing so; who only looks whether there is anything
new (`backfill.unchanged`) needn't import what they take.
"""

from codex_telemetry.backfill.tally import Progress, Tally

__all__ = ["Progress", "Tally"]

"""The logs that Codex keeps of its threads: `rollout-*.jsonl`, 0.20 to 0.169.

`formats.rollout.reader` reads them; who only looks at their names needn't import what it takes.
"""

from codex_telemetry.formats.rollout.names import RolloutName, rollout_name

__all__ = ["RolloutName", "rollout_name"]

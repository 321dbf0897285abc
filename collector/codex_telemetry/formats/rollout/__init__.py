"""The logs that Codex keeps of its threads: `rollout-*.jsonl`, 0.20 to 0.169."""

from codex_telemetry.formats.rollout.names import RolloutName, rollout_name
from codex_telemetry.formats.rollout.reader import RolloutReader

__all__ = ["RolloutName", "RolloutReader", "rollout_name"]

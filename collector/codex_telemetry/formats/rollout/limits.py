"""What was last said of each rate limit, in a form that can be kept with a file's cursor."""

from codex_telemetry.formats.app_server.limits import Limits
from codex_telemetry.formats.rollout.state import State


class KeptLimits(Limits):
    def take(self, state: State) -> None:
        """Go on from what a file told so far."""
        self._known.update(state.known_limits)
        for sample in state.kept_limits:
            self._kept[(sample.limit_id, sample.window_minutes)] = sample

    def give(self, state: State) -> None:
        state.known_limits = list(self._known.items())
        state.kept_limits = list(self._kept.values())

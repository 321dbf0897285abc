"""Rate limits as they are announced: sparse, each window by its length, each limit by its id."""

from collections.abc import Iterator
from typing import Any

from codex_telemetry.core.facts import LimitSample
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.base import Stamp

REPEAT_AFTER_MS = 600_000
"""An unchanged reading is kept again after this long, to show that it was still so."""


class Limits:
    """What was last said of each limit. A null clears nothing that is known (0.77 to 0.169)."""

    def __init__(self) -> None:
        self._known: dict[str | None, dict[str, Any]] = {}
        self._kept: dict[tuple[str | None, int | None], LimitSample] = {}

    def samples(self, told: Any, session: str | None, at: Stamp) -> Iterator[LimitSample]:
        """Readings out of a snapshot in the stream's form (`usedPercent`) or the rollouts'
        (`used_percent`), unchanged ones left out."""
        if not isinstance(told, dict):
            return
        limit = name(told.get("limitId", told.get("limit_id")))
        known = self._known.setdefault(limit, {})
        plan = name(told.get("planType", told.get("plan_type")))
        if plan is not None:
            known["plan_type"] = plan
        _credits(known, told.get("credits"))
        for slot in ("primary", "secondary"):
            window = told.get(slot)
            if not isinstance(window, dict):
                continue
            minutes = _number(window.get("windowDurationMins", window.get("window_minutes")))
            sample = LimitSample(
                limit,
                None if minutes is None else int(minutes),
                at.wall_ms,
                _number(window.get("usedPercent", window.get("used_percent"))),
                _resets(window, at),
                session_id=session,
                **known,
            )
            if self._is_new(sample):
                yield sample

    def _is_new(self, sample: LimitSample) -> bool:
        key = (sample.limit_id, sample.window_minutes)
        last = self._kept.get(key)
        if (
            last is not None
            and sample.observed_at - last.observed_at < REPEAT_AFTER_MS
            and (last.used_percent, last.resets_at, last.plan_type, last.credit_balance)
            == (sample.used_percent, sample.resets_at, sample.plan_type, sample.credit_balance)
        ):
            return False
        self._kept[key] = sample
        return True


def _credits(known: dict[str, Any], told: Any) -> None:
    """Add what is said of credits to what is known of them."""
    if not isinstance(told, dict):
        return
    has, unlimited = told.get("hasCredits", told.get("has_credits")), told.get("unlimited")
    if isinstance(has, bool):
        known["has_credits"] = has
    if isinstance(unlimited, bool):
        known["unlimited_credits"] = unlimited
    balance = name(told.get("balance"))
    if balance is not None:
        known["credit_balance"] = balance


def _resets(window: dict[str, Any], at: Stamp) -> int | None:
    """ms UTC. 0.42 says in how many seconds, later releases when."""
    when = _number(window.get("resetsAt", window.get("resets_at")))
    if when is not None:
        return int(when * 1000)
    left = _number(window.get("resets_in_seconds"))
    return None if left is None else at.wall_ms + int(left * 1000)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e15 else None

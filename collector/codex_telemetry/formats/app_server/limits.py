"""Rate limits as they are announced: sparse, each window by its length, each limit by its id."""

from collections.abc import Iterator
from typing import Any

from codex_telemetry.core.facts import LimitSample
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.base import Stamp

REPEAT_AFTER_MS = 600_000
"""An unchanged reading is kept again after this long, to show that it was still so."""

_ALIKE = {
    "limit_id": "limitId",
    "plan_type": "planType",
    "used_percent": "usedPercent",
    "window_minutes": "windowDurationMins",
    "resets_at": "resetsAt",
    "has_credits": "hasCredits",
}


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
        limit = name(_get(told, "limit_id"))
        known = self._known.setdefault(limit, {})
        for key, value in (
            ("plan_type", name(_get(told, "plan_type"))),
            *_credits(told.get("credits")),
        ):
            if value is not None:
                known[key] = value
        for slot in ("primary", "secondary"):
            window = told.get(slot)
            if not isinstance(window, dict):
                continue
            minutes = _number(_get(window, "window_minutes"))
            sample = LimitSample(
                limit_id=limit,
                window_minutes=int(minutes) if minutes is not None else None,
                observed_at=at.wall_ms,
                used_percent=_number(_get(window, "used_percent")),
                resets_at=_resets(window, at),
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


def _get(told: dict[str, Any], key: str) -> Any:
    return told.get(_ALIKE[key], told.get(key))


def _credits(told: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(told, dict):
        has, unlimited, balance = (
            _get(told, "has_credits"),
            told.get("unlimited"),
            told.get("balance"),
        )
        yield "has_credits", has if isinstance(has, bool) else None
        yield "unlimited_credits", unlimited if isinstance(unlimited, bool) else None
        yield "credit_balance", name(balance)


def _resets(window: dict[str, Any], at: Stamp) -> int | None:
    """ms UTC. 0.42 says in how many seconds, later releases when."""
    when = _number(_get(window, "resets_at"))
    if when is not None:
        return int(when * 1000)
    left = _number(window.get("resets_in_seconds"))
    return None if left is None else at.wall_ms + int(left * 1000)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e15 else None

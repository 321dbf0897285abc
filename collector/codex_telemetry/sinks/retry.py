"""What to do when a receiver can't take something now: wait longer and longer, by chance, as it asks."""

import random
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar

T = TypeVar("T")

FIRST_S = 1.0
LONGEST_S = 300.0
LONGEST_ASKED_S = 3_600.0
"""A receiver that asks for more is asked again all the same."""


class LaterError(Exception):
    """The receiver can't take it now. `why`: in a few words of our own."""

    def __init__(self, why: str, wait_s: float | None = None, *, is_settled: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.wait_s = LONGEST_S if is_settled else wait_s
        """How long it asks us to wait; `is_settled`: it will say the same until somebody sees to it."""


class RefusedError(Exception):
    """The receiver will never take it. `why`: in a few words of our own."""

    def __init__(self, why: str, *, is_too_large: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.is_too_large = is_too_large


class Pause(Protocol):
    def __call__(self, seconds: float) -> bool:
        """Wait so long; False if it is to end now."""


def patiently(
    attempt: Callable[[], T],
    pause: Pause,
    failed: Callable[[str], None],
    *,
    left_s: Callable[[], float] = lambda: float("inf"),
    chance: Callable[[], float] = random.random,
) -> T:
    """Try until it is taken; `failed` is told each time why it wasn't.

    Raises `RefusedError`; the last `LaterError` when it is to end, or the next try would come later
    than there is time `left_s`.
    """
    n = 0
    while True:
        try:
            return attempt()
        except LaterError as error:
            failed(error.why)
            wait_s = wait(n, error.wait_s, chance())
            if wait_s > left_s() or not pause(wait_s):
                raise
            n += 1


def wait(n: int, asked_s: float | None, chance: float) -> float:
    """How long after the n-th failure in a row. All who fail at once don't come back at once."""
    own_s: float = min(LONGEST_S, FIRST_S * 2.0 ** min(n, 30)) * (0.5 + chance / 2)
    return own_s if asked_s is None else min(LONGEST_ASKED_S, asked_s) + own_s * 0.1


def asked_to_wait(header: str | None, now_s: float) -> float | None:
    """What `Retry-After` says, in seconds: a number, or a date. None for what is neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None

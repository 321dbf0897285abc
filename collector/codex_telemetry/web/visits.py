"""Which keys a visitor has opened: in memory alone, for that visit, and for a short time."""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from codex_telemetry.keys import Opener

OPEN_S = 300
"""A visit's keys are closed so long after the last was opened, whatever is done with them meanwhile."""

MOST = 8
"""Visits with open keys; one more closes the eldest."""

Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
"""Has something done after so many seconds."""


def _in_the_loop(seconds: float, done: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, done)


class _Open(NamedTuple):
    keys: Mapping[bytes, Opener]
    closing: asyncio.TimerHandle


class Visits:
    """One for each server; it ends with it. All of it runs in the loop's thread."""

    def __init__(self, later: Later = _in_the_loop) -> None:
        self._secret = secrets.token_bytes(32)
        self._later = later
        self._open: dict[str, _Open] = {}

    @staticmethod
    def begun() -> str:
        return secrets.token_urlsafe(32)

    def form_token(self, visit: str) -> str:
        """What a form of that visit sends along: another page can make a browser send its cookies, and
        can't know this."""
        return hmac.new(self._secret, visit.encode(), sha256).hexdigest()

    def is_of(self, visit: str, form_token: str) -> bool:
        return hmac.compare_digest(self.form_token(visit).encode(), form_token.encode())

    def opened(self, visit: str, public: Iterable[bytes]) -> Mapping[bytes, Opener] | None:
        """By public key; None where one of these isn't open."""
        found = self._open[visit].keys if visit in self._open else {}
        return found if all(key in found for key in public) else None

    def open(self, visit: str, openers: Mapping[bytes, Opener]) -> None:
        before = self._open[visit].keys if visit in self._open else {}
        self.lock(visit)
        while len(self._open) >= MOST:
            self.lock(next(iter(self._open)))
        closing = self._later(OPEN_S, lambda: self.lock(visit))
        self._open[visit] = _Open({**before, **openers}, closing)

    def lock(self, visit: str) -> None:
        if visit in self._open:
            self._open.pop(visit).closing.cancel()

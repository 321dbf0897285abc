"""Which keys a visitor has opened: in memory alone, for that visit, and for a short time."""

import asyncio
import hmac
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256

from codex_telemetry.keys import Opener

OPEN_S = 300
"""A key is closed so long after it was opened, whatever is done with it meanwhile."""

MOST = 8
"""Visits with open keys; one more closes the eldest."""


class Visits:
    """One for each server; it ends with it. All of it runs in the loop's thread."""

    def __init__(self, open_s: float = OPEN_S) -> None:
        self._secret = secrets.token_bytes(32)
        self._open_s = open_s
        self._open: dict[str, Mapping[bytes, Opener]] = {}

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
        found = self._open.get(visit, {})
        return found if all(key in found for key in public) else None

    def open(self, visit: str, openers: Mapping[bytes, Opener]) -> None:
        held = {**self._open.pop(visit, {}), **openers}
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        self._open[visit] = held
        asyncio.get_running_loop().call_later(self._open_s, self._close, visit, held)

    def lock(self, visit: str) -> None:
        self._open.pop(visit, None)

    def _close(self, visit: str, held: Mapping[bytes, Opener]) -> None:
        """Not what was opened since."""
        if self._open.get(visit) is held:
            self.lock(visit)

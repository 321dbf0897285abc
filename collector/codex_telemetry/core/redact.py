"""Replace secrets in a text by what kind they were. Better one word too many than one key too few.

No detector fits: those that are kept well (detect-secrets 1.5, for one) find *that* there is a
secret, line by line, to fail a commit; they give no places to replace, of a private key only the
head, and by their entropy take hashes and ids for secrets, which in a developer's session are most
of what there is. So: a table of patterns (`core.secret_patterns`), each beside what it must match
and must not.
"""

import re
from typing import NamedTuple

from codex_telemetry.core.secret_patterns import PATTERNS, SECRET_NAMES
from codex_telemetry.core.secret_tokens import Pattern


class Redacted(NamedTuple):
    text: str
    redactions: int


def redacted(text: str) -> Redacted:
    count = 0
    lower = None
    for pattern in PATTERNS:
        if lower is None:
            lower = text.lower()
        if pattern.hints and not any(hint in lower for hint in pattern.hints):
            continue
        text, n = pattern.regex.subn(_replaced(pattern), text)
        if n:
            count, lower = count + n, None
    return Redacted(text, count)


def redacted_field(name: str, value: str) -> Redacted:
    """The value of a named field, an argument of a tool, say: the name may say that it is a secret."""
    if value and SECRET_NAMES.fullmatch(name) and not value.startswith(("[redacted:", "$", "<")):
        return Redacted("[redacted: secret]", 1)
    return redacted(value)


def _replaced(pattern: Pattern) -> "_Replacing":
    return _Replacing(pattern.name)


class _Replacing:
    """The named group `secret` where there is one, else the whole match."""

    def __init__(self, name: str) -> None:
        self._instead = f"[redacted: {name}]"

    def __call__(self, found: re.Match[str]) -> str:
        if "secret" not in found.re.groupindex:
            return self._instead
        start, end = found.span("secret")
        whole, at = found[0], found.start()
        return whole[: start - at] + self._instead + whole[end - at :]

"""What a page's address asks for: the same words as the options of commands, and links that change one."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from codex_telemetry.cli.options import Narrow
from codex_telemetry.cli.period import SPANS
from codex_telemetry.errors import UsageError

LONGEST = 1_000
"""Characters of a value: no folder or id is longer."""

EVER = "ever"

NARROWED_BY = ("session", "project", "model", "status", "since", "until", "last")


class Asked(NamedTuple):
    path: str
    words: Mapping[str, str]
    """Of each name the last value; what is empty is left out."""

    def get(self, name: str, known: tuple[str, ...] | None = None) -> str | None:
        """Raises `UsageError` for a word that isn't known."""
        value = self.words.get(name)
        if value is not None and known is not None and value not in known:
            raise UsageError(f"{name}: there is no such choice", hint=f"one of {', '.join(known)}")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.words.get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise UsageError(f"{name} is not a number", hint="write it in digits")
        return int(value)

    def narrow(self) -> Narrow:
        """What the options of the commands would be."""
        given: dict[str, Any] = {name: self.words.get(name) for name in NARROWED_BY}
        if given["last"] is not None:
            given["last"] = max(1, self.number("last", 1))
        span = self.get("span", SPANS)
        if span is not None:
            given[span] = True
        return Narrow(**given)

    def within(self, stretch: str) -> "Asked":
        """The last so long, where no stretch of time is asked for; `span=ever` is all there is."""
        if self.words.get("span") == EVER:
            return self.without("span")
        if any(name in self.words for name in ("span", "since", "until", "last")):
            return self
        return self._replace(words={**self.words, "since": stretch})

    def without(self, *names: str) -> "Asked":
        return self._replace(words={k: v for k, v in self.words.items() if k not in names})

    def link(self, path: str | None = None, **changed: object) -> str:
        """The address with some words changed; None takes one away. Another order begins anew."""
        words: dict[str, object] = {
            k: v for k, v in self.words.items() if k not in ("page", "fragment")
        }
        words |= changed
        kept = {k: v for k, v in words.items() if v not in (None, "")}
        return (path or self.path) + (f"?{urlencode(kept)}" if kept else "")


def asked(path: str, query: list[tuple[str, str]]) -> Asked:
    return Asked(path, {k: v[:LONGEST] for k, v in query if v.strip()})

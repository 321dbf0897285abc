"""How content reads: the text of what was decoded, its secrets replaced string by string.

Secrets are looked for in the strings themselves, before these are put into JSON: there an escape
such as `\\n` would hide where a secret begins.
"""

import shlex
from typing import Any, NamedTuple

import msgspec

from codex_telemetry.core.redact import redacted, redacted_field
from codex_telemetry.core.secret_patterns import SECRET_NAMES

MOST_READ = 256 << 10
"""Characters of one item that are looked at, four times what may be kept; the rest isn't kept."""

BORDER = 16 << 10
"""And so many before that aren't kept either: a secret that begins there may go on behind."""

MOST_STRINGS = 20_000
"""Strings of one item that are looked at; of one with more nothing is kept."""

MAX_DEPTH = 100


class Text(NamedTuple):
    redacted: str
    redactions: int
    unread_bytes: int
    """Bytes that weren't looked at, and so are cut."""


def text_of(kind: str, pieces: list[Any]) -> Text:
    """The pieces of one item's content as one text. Raises `ValueError` for what has no end."""
    taking = _Taking()
    texts = [taking.shown(piece, as_command=kind == "tool_args") for piece in pieces]
    return Text("\n".join(filter(None, texts)), taking.redactions, taking.unread_bytes)


class _Taking:
    def __init__(self) -> None:
        self.redactions = 0
        self.unread_bytes = 0
        self._strings = 0
        self._left = MOST_READ

    def shown(self, value: Any, *, as_command: bool) -> str:
        """A string as it is, parts of a message as their text, a command's words as one would type
        them, anything else as JSON."""
        if isinstance(value, str):
            return self._string(value, None, as_command)
        if isinstance(value, list):
            if as_command and value and all(isinstance(word, str) for word in value):
                # As one text, for `--password` and its word belong together.
                return self._text(shlex.join(value))
            if all(map(_is_part, value)):
                # A secret may be spread over several parts.
                return self._text("\n".join(map(self._part, value)))
        return _json(self._inside(value, None, 0))

    def _part(self, part: Any) -> str:
        """A part of a message: of a picture only that it was one."""
        if isinstance(part, str):
            return part
        if isinstance(part.get("text"), str):
            text: str = part["text"]
            return text
        if "image" in part["type"].lower():
            return "[image]"
        return _json(self._inside(part, None, 0))

    def _string(self, text: str, field: str | None, structured: bool) -> str:
        if structured and text[:1] in "{[" and (value := _decoded(text)) is not None:
            return _json(self._inside(value, field, 0))
        return self._text(text, field)

    def _text(self, text: str, field: str | None = None) -> str:
        self._strings += 1
        if self._strings > MOST_STRINGS:
            raise ValueError("too many strings")
        looked_at, rest = text[: self._left], text[self._left :]
        self._left -= len(looked_at)
        found = redacted(looked_at) if field is None else redacted_field(field, looked_at)
        self.redactions += found.redactions
        if not rest:
            return found.text
        kept = found.text[: max(0, len(found.text) - BORDER)]
        unread = found.text[len(kept) :] + rest
        self.unread_bytes += len(unread.encode("utf-8", "replace"))
        return kept

    def _inside(self, value: Any, field: str | None, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("too deep")
        if isinstance(value, str):
            return self._string(value, field, structured=True)
        if isinstance(value, list):
            return [self._inside(one, field, depth + 1) for one in value]
        if isinstance(value, dict):
            return {
                self._text(str(key)): self._inside(one, str(key), depth + 1)
                for key, one in value.items()
            }
        if field is not None and SECRET_NAMES.fullmatch(field) and type(value) in (int, float):
            self.redactions += 1
            return "[redacted: secret]"
        return value


def _is_part(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, dict) and isinstance(value.get("type"), str)
    )


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

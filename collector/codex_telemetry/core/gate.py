"""The only door for content: what is heard comes through with a grant that covers it, or not at all.

What comes through is redacted, cut to size and sealed to the user's key; from there on nobody in
this process can read it any more.
"""

from typing import NamedTuple, final
from weakref import WeakSet

import msgspec

from codex_telemetry.core.grant import KINDS, Grant, Kind, Terms, is_genuine
from codex_telemetry.core.sealed import TITLE, Heard, Sealed
from codex_telemetry.core.veil import OPEN, Veil

__all__ = [
    "KINDS",
    "TITLE",
    "Box",
    "Captured",
    "Cleared",
    "Grant",
    "Heard",
    "Kind",
    "Sealed",
    "clear",
]

MOST_KEPT = 64 << 10
"""Bytes of one item that are kept, of its redacted text; what is cut is counted."""

LATEST = 1 << 53
"""No time is later than this: it wouldn't fit into the store."""

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


class NotGrantedError(Exception):
    """No grant covers it."""


class Box(NamedTuple):
    """What is stored of an item's content."""

    sealed: bytes
    size: int
    """Bytes of the redacted text, what was cut included."""
    cut_bytes: int
    redactions: int


@final
class Captured:
    """An item's content, sealed. There is none without a grant that covers it."""

    __slots__ = ("__weakref__", "_box", "_terms")

    def __init__(self, heard: Heard, grant: Grant) -> None:
        """Raises `NotGrantedError`."""
        if not is_genuine(grant) or not _covers(grant.terms, heard):
            raise NotGrantedError
        # Only who captures needs it, and it takes as long to import as the rest.
        from codex_telemetry.core.content_text import text_of  # noqa: PLC0415

        try:
            text = text_of(heard.kind, heard.content.opened(grant))
        except _UNREADABLE:
            # It isn't content as we know it, so there's no telling a secret in it.
            raise NotGrantedError from None
        whole = text.redacted.encode("utf-8", "replace")
        if not whole:
            raise NotGrantedError
        # Redacted first: a secret that is cut in half must not survive.
        kept = whole[:MOST_KEPT].decode("utf-8", "ignore").encode()
        cut = len(whole) - len(kept) + text.unread_bytes
        self._terms = grant.terms
        self._box = Box(grant.seal(kept), len(kept) + cut, cut, text.redactions)
        _captured.add(self)

    @property
    def box(self) -> Box:
        return self._box

    @property
    def terms(self) -> Terms:
        return self._terms


_captured: "WeakSet[Captured]" = WeakSet()


@final
class Cleared:
    """Whose content it was, and what of it may be kept: None for nothing. The writer takes no other."""

    __slots__ = ("at", "captured", "cwd", "item_id", "kind", "nth", "session_id", "turn_id")

    def __init__(self, heard: Heard, captured: Captured | None, veil: Veil = OPEN) -> None:
        if captured is not None and captured not in _captured:
            raise NotGrantedError
        self.session_id = heard.session_id
        self.turn_id = heard.turn_id
        self.item_id = heard.item_id
        self.nth = heard.nth
        self.kind = heard.kind
        self.at = heard.at
        self.cwd = veil.folder(heard.cwd)
        self.captured = captured


def clear(heard: Heard, grant: Grant | None, veil: Veil = OPEN) -> Cleared:
    """What may be kept of it. `veil`: what is put over the folder of its turn, when that is stored."""
    if grant is None:
        return Cleared(heard, None, veil)
    try:
        return Cleared(heard, Captured(heard, grant), veil)
    except NotGrantedError:
        return Cleared(heard, None, veil)


def _covers(terms: Terms, heard: Heard) -> bool:
    """Whether a grant is meant for this: its folder, its kind, its time. Unknown is no."""
    if heard.cwd is None or heard.cwd != terms.cwd or heard.kind not in terms.kinds:
        return False
    if heard.at is None or not 0 <= heard.at < LATEST:
        return False
    if terms.since is not None and heard.at < terms.since:
        return False
    return terms.until is None or heard.at < terms.until

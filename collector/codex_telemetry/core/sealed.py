"""Content as it was heard: still undecoded, and opened by nobody without a grant."""

from typing import Any, Never, final

import msgspec

from codex_telemetry.core.grant import Grant, Kind, is_genuine
from codex_telemetry.core.identity import ItemId, SessionId, TurnId

TITLE = ItemId("title")
"""A thread's title, which Codex gives no id."""


@final
class Sealed:
    """Pieces of JSON that hold what somebody said. It can be measured, and nothing else."""

    __slots__ = ("__pieces",)

    def __init__(self, *pieces: bytes | msgspec.Raw) -> None:
        self.__pieces = tuple(bytes(piece) for piece in pieces)

    def __len__(self) -> int:
        return sum(map(len, self.__pieces))

    def __repr__(self) -> str:
        return f"<sealed: {len(self)} bytes>"

    def __str__(self) -> Never:
        raise TypeError("sealed content has no text")

    def __format__(self, _: str) -> Never:
        raise TypeError("sealed content has no text")

    def __reduce__(self) -> Never:
        raise TypeError("sealed content is not to be copied")

    def opened(self, by: Grant) -> list[Any]:
        """What the pieces say; those that say nothing are left out.

        Raises `PermissionError` without a grant, and what decoding does on bytes that aren't JSON.
        """
        if not is_genuine(by):
            raise PermissionError("nobody granted this")
        told = [msgspec.json.decode(piece) for piece in self.__pieces if piece]
        return [value for value in told if value is not None]


class Heard(msgspec.Struct, frozen=True, eq=False):
    """Content of a turn, or the title of a thread (then `turn_id` is None), not cleared so far."""

    session_id: SessionId
    turn_id: TurnId | None
    item_id: ItemId
    kind: Kind
    at: int | None
    """When it was written, ms UTC."""
    cwd: str | None
    """The folder of the turn; None where it isn't known, and then it isn't kept."""
    content: Sealed
    nth: int | None = None
    """Of content that its source gives no id: which of its kind in the turn, from 0."""

"""A user's permission to keep content, as a value: only `store.grants` makes one.

Three things stand in the way of a made-up grant: the constructor takes what nobody can have, so the
type checker refuses every call of it; import rules let nobody but the gate and `store.grants` in
here; and what wasn't issued here is not genuine, whatever it looks like.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, Never, final
from weakref import WeakSet

Kind = Literal["prompt", "response", "reasoning", "tool_args", "tool_output", "title"]
KINDS: tuple[Kind, ...] = (
    "prompt",
    "response",
    "reasoning",
    "tool_args",
    "tool_output",
    "title",
)


class Terms(NamedTuple):
    """What was granted."""

    grant_id: int
    key_id: int
    cwd: str
    """The folder of turns that it was found to cover, as they write it: no other is meant."""
    kinds: frozenset[Kind]
    since: int | None
    """ms UTC, here and below: what was written before isn't meant; None where it is."""
    until: int | None


@final
class Grant:
    """Permission in hand. What is sealed with it, only the user can open."""

    __slots__ = ("__weakref__", "_seal", "_terms")

    _terms: Terms
    _seal: Callable[[bytes], bytes]

    def __init__(self, _nobody_has_one: Never, /) -> None:
        raise TypeError("a grant is made by the user, and read from the grants table")

    @property
    def terms(self) -> Terms:
        return self._terms

    def seal(self, plain: bytes) -> bytes:
        """A box that only the project's private key opens."""
        return self._seal(plain)

    def __reduce__(self) -> Never:
        raise TypeError("a grant is not to be copied")


_issued: "WeakSet[Grant]" = WeakSet()


def issue(terms: Terms, seal: Callable[[bytes], bytes]) -> Grant:
    """For `store.grants` alone."""
    grant = object.__new__(Grant)
    grant._terms, grant._seal = terms, seal
    _issued.add(grant)
    return grant


def is_genuine(grant: object) -> bool:
    return isinstance(grant, Grant) and grant in _issued

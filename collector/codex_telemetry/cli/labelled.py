"""Names of folders, branches, repositories and MCP servers as the user wants them shown.

Whatever is printed passes here: rows on their way into JSON, CSV or a table. So a report needs to do
nothing for it but to call these things by the names they have in every shape.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields, replace

from codex_telemetry.core.labels import KINDS, PLAIN, Kind, Labels

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

_asked: list[Callable[[], Labels]] = []
_found: list[Labels] = []


def label_as(asked: Callable[[], Labels]) -> None:
    """From here on names are shown so. It is asked when there is something to be shown."""
    _asked[:] = [asked]
    _found.clear()


def labels() -> Labels:
    if not _found:
        _found.append(_asked[0]() if _asked else PLAIN)
    return _found[0]


def labelled(row: T) -> T:
    """A row as it is shown, with all that hangs on it."""
    if not isinstance(row, Struct) or not _named(type(row)) or labels().hashes is None:
        return row
    return _labelled(row)


def all_labelled(rows: Iterable[T]) -> Iterator[T]:
    return map(labelled, rows)


def by_label(rows: Iterable[S], kind: Callable[[S], Kind | None]) -> list[S]:
    """Rows of sums, whose `key` is a name of this kind."""
    return [_keyed(row, kind(row)) for row in rows]


def _keyed(row: S, kind: Kind | None) -> S:
    if kind is None:
        return row
    changed: dict[str, Any] = {"key": labels().of(kind, getattr(row, "key"))}  # noqa: B009
    return replace(row, **changed)


def _labelled(row: S) -> S:
    thing = getattr(row, "kind", None)
    changed = {name: _shown(name, getattr(row, name), thing) for name in _named(type(row))}
    return replace(row, **changed)


def _shown(name: str, value: Any, thing: str | None) -> Any:
    if isinstance(value, Struct):
        return _labelled(value)
    if isinstance(value, list):
        return [_labelled(one) if isinstance(one, Struct) else one for one in value]
    return labels().shown(name, value, thing) if isinstance(value, str) else value


@cache
def _named(shape: type[Struct]) -> tuple[str, ...]:
    """The fields that may hold such a name, or a row that does."""
    return tuple(
        field.name
        for field in fields(shape)
        if field.name in KINDS or field.name == "name" or _nests(field.type)
    )


def _nests(kind: Any) -> bool:
    """Whether a value of that type may hold a row."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return True
    return any(_nests(part) for part in getattr(kind, "__args__", ()))

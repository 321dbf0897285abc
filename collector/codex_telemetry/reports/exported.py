"""The rows of a day as they are exported: the shapes of the contract, with what says whose they are."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Struct

from codex_telemetry.reports.events import event
from codex_telemetry.reports.shapes import Session, Turn
from codex_telemetry.reports.shapes_export import ExportedItem, ExportedResponse
from codex_telemetry.reports.shapes_stats import Event
from codex_telemetry.reports.shaping import is_moment, shaped
from codex_telemetry.store import by_day
from codex_telemetry.store.queries import Store

Type = Literal["text", "integer", "number", "flag", "moment", "texts"]


class Exportable(NamedTuple):
    name: str
    shape: type[Struct]
    rows: Callable[[Store, int | None], Iterator[Struct]]
    """Of a day since 1970, UTC; None: of what has no time."""
    of: tuple[Literal["turn", "session"], ...]
    """What it changes with."""

    def columns(self) -> list[tuple[str, Type]]:
        """Titles are content, and no export opens them."""
        return [
            (field.name, _type(field.name, field.type))
            for field in msgspec.structs.fields(self.shape)
            if field.name != "title"
        ]


EXPORTABLE: Final = (
    Exportable("turns", Turn, lambda db, day: shaped(Turn, by_day.turns(db, day)), ("turn",)),
    Exportable(
        "sessions", Session, lambda db, day: shaped(Session, by_day.sessions(db, day)), ("session",)
    ),
    Exportable(
        "items",
        ExportedItem,
        lambda db, day: shaped(ExportedItem, by_day.items(db, day)),
        ("turn",),
    ),
    Exportable(
        "responses",
        ExportedResponse,
        lambda db, day: shaped(ExportedResponse, by_day.responses(db, day)),
        ("turn",),
    ),
    Exportable(
        "events", Event, lambda db, day: map(event, by_day.events(db, day)), ("turn", "session")
    ),
)


def _type(name: str, annotation: Any) -> Type:
    if is_moment(name):
        return "moment"
    origin = get_origin(annotation)
    if origin is list:
        return "texts"
    if origin is Literal:
        return "text"
    if origin is not None:
        return _type(name, get_args(annotation)[0])  # what may be null says so last
    plain: dict[Any, Type] = {str: "text", int: "integer", float: "number", bool: "flag"}
    return plain[annotation]

"""What the user wants: `config.toml`, checked. What isn't in it has its default; what is wrong in it is
one line that names the file and the key, never the value."""

import re
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from codex_telemetry.errors import UsageError
from codex_telemetry.sections import SIZES, ClickHouse, Otlp, OwnPrice, Retention


class Settings(Struct, forbid_unknown_fields=True, frozen=True):
    """Every option of the config file, with its default. A new one is a field here: `config` lists it."""

    week_start: Annotated[
        Literal["monday", "sunday"],
        Meta(
            title="the first day of a week",
            description='"monday" or "sunday"',
        ),
    ] = "monday"
    tz: (
        Annotated[
            str,
            Meta(
                title="the zone of what is shown and of days",
                description='the name of a time zone, such as "Europe/Berlin"',
            ),
        ]
        | None
    ) = None
    privacy: Annotated[
        Literal["normal", "redacted", "strict"],
        Meta(
            title="how names of folders and the like are kept and shown",
            description='"normal", "redacted" or "strict"',
        ),
    ] = "normal"
    repo_names: Annotated[
        bool,
        Meta(
            title="keep a repository's address, not its keyed hash",
            description="true or false",
        ),
    ] = False
    prices: Annotated[
        tuple[OwnPrice, ...],
        Meta(
            title="your own prices: they come before those of the package",
            description="tables, each headed [[prices]]",
        ),
    ] = ()
    retention: Annotated[
        Retention,
        Meta(
            title="how long details are kept; off without it",
            description="a table headed [retention], with days or size",
        ),
    ] = Retention()
    otlp: Annotated[
        Otlp,
        Meta(
            title="what OpenTelemetry is sent, and where to",
            description="a table headed [otlp]",
        ),
    ] = Otlp()
    clickhouse: Annotated[
        ClickHouse,
        Meta(
            title="which ClickHouse is sent what is stored",
            description="a table headed [clickhouse]",
        ),
    ] = ClickHouse()
    store: (
        Annotated[
            str,
            Meta(
                min_length=1,
                title="where reports read: --store",
                description='"local", or an address such as "clickhouse://host/database"',
            ),
        ]
        | None
    ) = None


DEFAULT = Settings()


class Loaded(NamedTuple):
    settings: Settings
    told: frozenset[str]
    """The options that the file sets."""


def load(path: Path, *, required: bool = False) -> Loaded:
    """What the file says; all defaults where there is none, unless it is `required`.

    Raises `UsageError` for whatever is wrong with it.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        if required:
            raise UsageError(
                f"there is no config file at {path}", hint="make one, or name another"
            ) from None
        return Loaded(Settings(), frozenset())
    except OSError as error:
        raise UsageError(f"the config file {path} can't be read: {error.strerror}") from None
    return _checked(path, _parsed(path, raw))


def _parsed(path: Path, raw: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only who has a config file pays

    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError:
        raise UsageError(f"{path}: it is not text", hint="save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # What it says may quote the file: only the place is ours to repeat.
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        where = f"line {place[1]}, column {place[2]}" if place else "its end"
        raise UsageError(
            f"{path}: not TOML at {where}", hint='an option is written: tz = "Europe/Berlin"'
        ) from None


def _checked(path: Path, told: dict[str, Any]) -> Loaded:
    for problem in _problems(Settings, told, ""):
        raise UsageError(f"{path}: {problem}")
    settings = msgspec.convert(told, Settings)
    for problem in _impossible(settings):
        raise UsageError(f"{path}: {problem}")
    return Loaded(settings, frozenset(told))


def _problems(shape: type[Struct], told: Any, where: str) -> Iterator[str]:
    """What is wrong, each as one line without any value."""
    fields = {field.name: field for field in msgspec.structs.fields(shape)}
    for key in told:
        if key not in fields:
            yield f"unknown key {where}{key} (known: {', '.join(fields)})"
    for name, field in fields.items():
        if name not in told:
            if field.required:
                yield f"{where}{name} is missing"
            continue
        entries = told[name]
        if shape is Settings and name == "prices" and _are_tables(entries):
            for n, entry in enumerate(entries, start=1):
                yield from _problems(OwnPrice, entry, f"prices[{n}].")
        elif (section := _section(field.type)) is not None and isinstance(entries, dict):
            yield from _problems(section, entries, f"{name}.")
        elif not _fits(entries, field.type):
            yield f"{where}{name} must be {_wanted(field.type)}"


def _section(kind: Any) -> type[Struct] | None:
    """The struct that a table of that type is read as."""
    shapes = (kind, getattr(kind, "__origin__", None))
    return next((s for s in shapes if isinstance(s, type) and issubclass(s, Struct)), None)


def _are_tables(told: Any) -> bool:
    return isinstance(told, list) and all(isinstance(entry, dict) for entry in told)


def _fits(value: Any, kind: Any) -> bool:
    # To msgspec a bool is no number, and NaN is within no bounds.
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _wanted(kind: Any) -> str:
    """What a value of that type is, in words."""
    return next(meta.description or "" for meta in _metas(kind))


def _metas(kind: Any) -> Iterator[Meta]:
    for part in (kind, *get_args(kind)):
        yield from (meta for meta in getattr(part, "__metadata__", ()) if isinstance(meta, Meta))


def _impossible(settings: Settings) -> Iterator[str]:
    """What is of the right type and can't be."""
    if settings.tz is not None and time_zone(settings.tz) is None:
        yield "tz: there is no time zone of that name; write one like Europe/Berlin"
    for n, price in enumerate(settings.prices, start=1):
        if price.since is not None and price.until is not None and price.since >= price.until:
            yield f"prices[{n}].until must be after since"


def bytes_of(size: str) -> int | None:
    """`2GB` in bytes; None for what is no size."""
    told = re.fullmatch(r"(\d{1,6}) ?(KB|MB|GB|TB)", size.strip(), re.ASCII | re.IGNORECASE)
    return None if told is None else int(told[1]) * SIZES[told[2].upper()]


def options() -> dict[str, str]:
    """Every option of the file, and what it is for."""
    fields = msgspec.structs.fields(Settings)
    return {field.name: next(m.title or "" for m in _metas(field.type)) for field in fields}


def time_zone(name: str) -> tzinfo | None:
    """The time zone of that name; None where there is none."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None

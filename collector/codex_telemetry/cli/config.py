"""`config`: every option, what it is set to, and by what."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from codex_telemetry.cli import show
from codex_telemetry.cli.listing import names
from codex_telemetry.cli.options import LOCAL, Form, Where, options
from codex_telemetry.cli.table import Column, table
from codex_telemetry.config import CONFIG, DB, HOME, LOG, log_level, said_by
from codex_telemetry.reports.shapes_upkeep import Setting
from codex_telemetry.sections import ClickHouse
from codex_telemetry.settings import options as options_of_the_file


@options
def config(where: Where, form: Form) -> None:
    """Show every option, its value, and where that came from.

    Options of the file stand in config.toml; `codex-telemetry path` says where that is.

    \b
    Example: codex-telemetry config
    """
    chosen = form.chosen()
    rows = list(_settings(where))
    match chosen:
        case "json":
            show.json_list(rows)
        case "ndjson":
            show.json_lines(rows)
        case "csv":
            show.csv_rows(names(Setting), rows)
        case _:
            show.lines(table(_COLUMNS, rows, show.screen().width))


def _settings(where: Where) -> Iterator[Setting]:
    paths, loaded = where.paths(), where.loaded()
    yield Setting(
        "database", str(paths.database), said_by(where.db, DB, HOME), "where turns are stored"
    )
    yield Setting("config", str(paths.config), said_by(where.config, CONFIG, HOME), "this file")
    yield Setting(
        "log_level",
        log_level(where.log_level) or "off",
        said_by(where.log_level, LOG),
        "what is logged",
    )
    for option, meaning in options_of_the_file().items():
        value = getattr(loaded.settings, option)
        yield Setting(
            option,
            _told(value) if option != "store" else _address(option, value),
            "file" if option in loaded.told else "default",
            meaning,
        )


def _told(value: Any) -> Any:
    """What is set, without what is secret: of headers only which there are."""
    if isinstance(value, ClickHouse):
        value = replace(value, url=_address("[clickhouse] url", value.url))
    if isinstance(value, Struct):
        return {name: _told(its) for name, its in asdict(value).items()}
    if isinstance(value, dict):
        return list(value)
    return list(value) if isinstance(value, tuple) else value


def _address(option: str, told: str | None) -> str | None:
    """Without the user and the password that may stand in it."""
    if told is None or told == LOCAL:
        return told
    from codex_telemetry.store.clickhouse.address import address  # noqa: PLC0415 - few have one

    return address(f"{option} in the config file", told).shown


def _value(setting: Setting) -> str | None:
    match setting.value:
        case bool(on):
            return "true" if on else "false"
        case str(text):
            return text
        case list(prices):
            return f"{len(prices)} of your own" if prices else None
        case dict(section) if setting.source != "default":
            told = [_in_words(name, its) for name, its in section.items() if its not in ([], None)]
            return ", ".join(told) or None
    return None


def _in_words(name: str, value: object) -> str:
    match name, value:
        case "days", days:
            return f"{days} days"
        case "size", size:
            return str(size)
        case _, bool(on):
            return f"{name} {'on' if on else 'off'}"
        case _, list(several):
            return f"{name} {' '.join(map(str, several))}"
    return f"{name} {value}"


_COLUMNS: list[Column[Setting]] = [
    Column("option", lambda s: s.option),
    Column("value", _value, narrowest=16),
    Column("from", lambda s: s.source),
    Column("meaning", lambda s: s.meaning, rank=1, style=lambda _: "dim"),
]

"""`capture show`: what was kept of a turn or a session, opened for the user."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry import keys
from codex_telemetry.cli import show
from codex_telemetry.cli.consent import passphrase
from codex_telemetry.cli.listing import names
from codex_telemetry.cli.options import Form, Where, Zoned, options
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.reach import take_in_spool
from codex_telemetry.cli.words import Line, Span, counted
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports import capture as report
from codex_telemetry.reports import moments
from codex_telemetry.reports.shapes_capture import CapturedItem
from codex_telemetry.store.find import find_session, find_turn
from codex_telemetry.store.queries import Row, Store, reading

TAB = 4


@options
def captured(
    where: Where,
    form: Form,
    zoned: Zoned,
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="a turn's or a session's id, or SESSION:INDEX")
    ],
) -> None:
    """Show what was kept of a turn; of a session, its titles too.

    It takes the private key: from the keyring, or by its passphrase.

    \b
    Example: codex-telemetry capture show 01a20738-26d0
    """
    if not wanted.strip():
        raise UsageError("capture show: the id is empty", hint="codex-telemetry turns lists them")
    chosen, zone, found = form.chosen(), zoned.zone(), where.paths()
    take_in_spool(found)
    with reading(found.database) as db:
        rows = report.kept(db, _meant(db, wanted.strip()))
        items = report.opened(rows, openers(found.database, rows, passphrase))
        match chosen:
            case "json":
                show.json_list(items)
            case "ndjson":
                show.json_lines(items)
            case "csv":
                show.csv_rows(names(CapturedItem), items)
            case _ if not rows:
                show.note("nothing was kept of it; codex-telemetry capture status says what is")
            case _:
                show.lines(line for item in items for line in _drawn(item, zone))


def openers(database: Path, rows: list[Row], asked: keys.Passphrase) -> dict[int, keys.Opener]:
    """The private keys that open these rows."""
    public = {row["key_id"]: (row["public"], row["kept_in"]) for row in rows}
    return {key_id: keys.unlock(database, *key, asked) for key_id, key in public.items()}


def _meant(db: Store, wanted: str) -> Row:
    try:
        return find_turn(db, wanted)
    except UserError as no_turn:
        try:
            return find_session(db, wanted)
        except UserError:
            raise no_turn from None


def _drawn(item: CapturedItem, zone: Zone) -> Iterator[Line]:
    notes = []
    if item.redactions:
        notes.append(f"{counted(item.redactions, 'secret')} replaced")
    if item.cut_bytes:
        notes.append(f"{item.cut_bytes:,} bytes cut")
    yield [
        Span(item.kind.replace("_", " "), "heading"),
        Span(f"  {shown(moments.read(item.at), zone)}  {item.item_id}", "dim"),
        Span(f"  {', '.join(notes)}" if notes else "", "dim"),
    ]
    if item.text is None:
        yield [Span("its key doesn't open it", "fail")]
    for line in (item.text or "").splitlines():
        yield [Span(line.expandtabs(TAB))]
    yield []

"""A day's rows as a file: Parquet with types, CSV as the reports print it, or JSON lines."""

import csv
import io
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, Literal

import msgspec

from codex_telemetry.errors import UserError
from codex_telemetry.sinks.days import Write

Format = Literal["parquet", "csv", "jsonl"]
Columns = Sequence[tuple[str, str]]
"""Names and types: text, integer, number, flag, moment (as the contract writes it), texts."""


def writer(form: Format, columns: Columns) -> Write:
    """Raises `UserError` where what it takes isn't installed."""
    return {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}[form](columns)


def cell(value: Any) -> str:
    """Unknown is empty; words of a list are joined by `;`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else str(value)


def _csv(columns: Columns) -> Write:
    def write(file: BinaryIO, rows: Sequence[Sequence[Any]]) -> None:
        out = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow([name for name, _ in columns])
        lines.writerows([cell(value) for value in row] for row in rows)
        out.detach()

    return write


def _jsonl(columns: Columns) -> Write:
    names = [name for name, _ in columns]

    def write(file: BinaryIO, rows: Sequence[Sequence[Any]]) -> None:
        file.writelines(
            msgspec.json.encode(dict(zip(names, row, strict=True))) + b"\n" for row in rows
        )

    return write


def _parquet(columns: Columns) -> Write:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise UserError(
            "Parquet takes pyarrow, which isn't installed",
            hint="pip install 'codex-telemetry[parquet]', or export csv or jsonl",
        ) from None
    moment = pa.timestamp("ms", tz="UTC")
    types: Final = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "moment": moment,
        "texts": pa.list_(pa.string()),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns])

    def column(kind: str, values: Sequence[Any]) -> Any:
        if kind == "moment":
            return pa.array(values, pa.string()).cast(moment)
        return pa.array(values, types[kind])

    def write(file: BinaryIO, rows: Sequence[Sequence[Any]]) -> None:
        arrays = [
            column(kind, values)
            for (_, kind), values in zip(columns, zip(*rows, strict=True), strict=True)
        ]
        parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression="zstd")

    return write

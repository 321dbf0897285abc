"""The only place that prints: data and drawings to stdout, everything else to stderr."""

import csv
import io
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

import msgspec
from msgspec import Struct

from codex_telemetry.cli.labelled import all_labelled, labelled
from codex_telemetry.cli.words import Line, plain
from codex_telemetry.errors import UserError

CHUNK = 1 << 16
"""Bytes written at once, so that a list of any length takes no more."""

STYLES = {
    "heading": "1",
    "bold": "1",
    "prompt": "1",
    "dim": "90",
    "completed": "32",
    "failed": "1;31",
    "interrupted": "33",
    "in_progress": "36",
    "declined": "33",
    "unfinished": "33",
    "start_delay": "90",
    "model": "36",
    "tools": "32",
    "approval": "33",
    "hooks": "35",
    "compaction": "95",
    "retry": "31",
    "unexplained": "90",
    "tokens": "94",
    "ok": "32",
    "warn": "33",
    "fail": "1;31",
    "slower": "31",
    "faster": "32",
}
"""Style → how a terminal is told (SGR): the sixteen colours that every theme makes readable."""

_UNICODE = "█▒░▓▤╌·▪▸▲↻✗⇄■→…┊─┬●≤▁▂▃▄▅▆▇"
ASCII = str.maketrans(_UNICODE, "#=?hc-.o>^@!%x>~:-+*<_.,-~+*")
"""One character for one, for terminals that have no more than ASCII."""
_LOUD = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class ReaderGoneError(Exception):
    """Whoever read our output has enough."""


class Screen(NamedTuple):
    """What the output goes to."""

    width: int
    terminal: bool
    colour: bool
    unicode: bool


def screen() -> Screen:
    out = _stdout()
    terminal = out.isatty()
    wanted = terminal or bool(os.environ.get("FORCE_COLOR"))
    mute = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Screen(
        width=max(40, min(shutil.get_terminal_size((80, 24)).columns, 400)),
        terminal=terminal,
        colour=wanted and not mute,
        unicode=_can_write(out, _UNICODE),
    )


def now() -> int | None:
    """The moment (ms UTC) that what is drawn may refer to; None where it is kept: in a file, a pipe."""
    return time.time_ns() // 1_000_000 if screen().terminal else None


def lines(drawn: Iterable[Line]) -> None:
    """A table or a drawing, in colour where there is any."""
    on = screen()
    _write(_encoded(_coloured(drawn) if on.colour else _bare(drawn), on))


def json_list(rows: Iterable[Struct | dict[str, Any]]) -> None:
    """One array, an object a line."""

    def parts() -> Iterator[bytes]:
        before = b"[\n"
        for row in rows:
            yield before + _json(row)
            before = b",\n"
        yield b"[]\n" if before == b"[\n" else b"\n]\n"

    _write(parts())


def json_lines(rows: Iterable[Struct | dict[str, Any]]) -> None:
    """One object a line."""
    _write(_json(row) + b"\n" for row in rows)


def json_object(row: Struct) -> None:
    """One object, to be read by people too."""
    _write([as_json(row)])


def as_json(row: Struct) -> bytes:
    """The same, for a file."""
    return msgspec.json.format(_json(row), indent=2) + b"\n"


def csv_rows(names: Sequence[str], rows: Iterable[Struct]) -> None:
    """A header and rows, the fields of these names."""
    csv_cells(names, ([getattr(row, name) for name in names] for row in all_labelled(rows)))


def csv_cells(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A header and rows. Unknown is empty; words of a list are joined by `;`, what is nested is JSON."""
    out = _stdout()
    clean = plain if out.isatty() else str

    def parts() -> Iterator[bytes]:
        line = io.StringIO()
        write = csv.writer(line, lineterminator="\n").writerow
        write([clean(name) for name in names])
        for row in rows:
            yield _taken(line)
            write([clean(_cell(value)) for value in row])
        yield _taken(line)

    _write(parts())


def text(whole: str) -> None:
    """As it is: a schema, a version."""
    _write([whole.encode()])


def note(message: str) -> None:
    """Beside the data: what was left out, what to do next."""
    _complain(f"{message}\n")


def fail(message: str, hint: str | None = None) -> None:
    """One line: what is wrong, and the next step."""
    whole = message if hint is None else f"{message}; {hint}"
    _complain(f"codex-telemetry: {whole}\n")


def can_ask() -> bool:
    """Whether somebody is there to be asked: what they type and what we ask, on a terminal."""
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def on_a_terminal() -> bool:
    """Whether somebody types and looks: stdin and stdout are terminals."""
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)


def ask(question: str) -> str:
    """What is typed in answer; "" where nothing is. The question goes beside the data."""
    sys.stderr.write(plain(question))
    sys.stderr.flush()
    return sys.stdin.readline()


def ask_unseen(question: str) -> str:
    """What is typed in answer, and not shown while it is."""
    import getpass  # noqa: PLC0415 - hardly ever needed

    try:
        return getpass.getpass(plain(question), sys.stderr)
    except (EOFError, OSError):
        raise UserError("no passphrase was given", hint="nothing was changed") from None


def finish() -> None:
    """The last of the output is out, or nobody wants it."""
    if sys.stdout is not None:
        _guarded(sys.stdout.flush)


def _json(row: Struct | dict[str, Any]) -> bytes:
    raw = msgspec.json.encode(labelled(row))
    # JSON may write any character as \u…: the same value, and harmless to a terminal.
    if raw.isascii() and b"\x7f" not in raw:
        return raw
    return _LOUD.sub(lambda found: f"\\u{ord(found[0]):04x}", raw.decode()).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    if isinstance(value, list | Struct):
        return msgspec.json.encode(value).decode()
    return str(value)


def _taken(line: io.StringIO) -> bytes:
    whole = line.getvalue()
    line.seek(0)
    line.truncate()
    return whole.encode()


def _bare(drawn: Iterable[Line]) -> Iterator[str]:
    for line in drawn:
        yield plain("".join(span.text for span in line)).rstrip() + "\n"


def _coloured(drawn: Iterable[Line]) -> Iterator[str]:
    for line in drawn:
        spans = [(plain(span.text), STYLES.get(span.style)) for span in line]
        yield "".join(t if sgr is None else f"\x1b[{sgr}m{t}\x1b[0m" for t, sgr in spans) + "\n"


def _encoded(texts: Iterable[str], on: Screen) -> Iterator[bytes]:
    encoding = _stdout().encoding or "ascii"
    for whole in texts:
        fit = whole if on.unicode else whole.translate(ASCII)
        yield fit.encode(encoding, "replace")


def _can_write(out: TextIO, characters: str) -> bool:
    try:
        characters.encode(out.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _stdout() -> TextIO:
    if sys.stdout is None:
        raise UserError("there is nowhere to print: stdout is closed")
    return sys.stdout


def _write(parts: Iterable[bytes]) -> None:
    out = _stdout().buffer
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= CHUNK:
            whole = bytes(held)
            _guarded(lambda whole=whole: out.write(whole))
            held.clear()
    _guarded(lambda: out.write(held))
    _guarded(out.flush)


def _guarded(write: Any) -> None:
    try:
        write()
    except BrokenPipeError:
        _discard()
        raise ReaderGoneError from None
    except OSError as error:
        _discard()
        cause = os.strerror(error.errno) if error.errno else "it failed"
        raise UserError(f"cannot write the output: {cause}") from None


def _discard() -> None:
    """Python flushes stdout once more on its way out, and would complain."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _complain(message: str) -> None:
    if sys.stderr is None:
        return
    line = " ".join(message.split())
    try:
        sys.stderr.write(plain(line) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
    except UnicodeError:
        os.write(2, plain(line).encode("ascii", "replace") + b"\n")

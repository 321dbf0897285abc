"""Which commands there are, and what any mistake comes down to: one line and an exit code."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated

import typer

from codex_telemetry import __version__, log
from codex_telemetry.cli import completion, show
from codex_telemetry.errors import UsageError, UserError

NAME = "codex-telemetry"

# Typer carries its own click in some releases and imports it in others; this is the class that all
# it says against a command line comes from.
_REFUSED: type[Exception] = typer.BadParameter.__mro__[2]

COMMANDS = {
    "run": "live.run",
    "top": "top.top",
    "turns": "turns.turns",
    "turn": "turns.turn",
    "sessions": "sessions.sessions",
    "session": "sessions.session",
    "stats": "stats.stats",
    "tools": "tools.tools",
    "events": "events.events",
    "tokens": "tokens.tokens",
    "prices": "tokens.prices",
    "limits": "limits.limits",
    "metrics": "metrics.metrics",
    "serve": "codex_telemetry.web.command.serve",
    "report": "codex_telemetry.web.sent.command.report",
    "snapshots": "snapshots.snapshots",
    "sql": "sql.sql",
    "backfill": "history.backfill",
    "doctor": "doctor.doctor",
    "path": "upkeep.path",
    "config": "config.config",
    "schema": "upkeep.schema",
    "prune": "retention.prune",
    "vacuum": "retention.vacuum",
    "backup": "copies.backup",
    "restore": "copies.restore",
    "merge": "copies.merge",
    "completion": "completion.completion",
    "demo": "play.demo",
}
"""Each command, and the module of `cli` (else its whole name) and the function that are it."""

HIDDEN = {"collect": "live.collect"}

CONTENT = "capture"
CONTENT_COMMANDS = {
    "enable": "capture.enable",
    "disable": "capture.disable",
    "status": "capture.status",
    "show": "captured.captured",
    "rekey": "capture.rekey",
    "purge": "capture.purge",
}
"""The same, of what is typed after `capture`."""

NAMES = "privacy"
PRIVACY_COMMANDS = {
    "status": "privacy.status",
    "apply": "privacy.apply",
    "reset": "privacy.reset",
}
SECRET_COMMANDS = {"import": "privacy.take", "export": "privacy.give"}
"""The same, of what is typed after `privacy`, and after `privacy secret`."""

SHIM = "shim"
SHIM_COMMANDS = {
    "install": "shim.install",
    "status": "shim.status",
    "uninstall": "shim.uninstall",
}
SERVICE = "service"
SERVICE_COMMANDS = {
    "install": "service.install",
    "status": "service.status",
    "uninstall": "service.uninstall",
}
"""The same, of what is typed after `shim`, and after `service`."""

EXPORT = "export"
EXPORT_COMMANDS = {
    "parquet": "exporting.parquet",
    "csv": "exporting.csv",
    "jsonl": "exporting.jsonl",
    "otlp": "otlp.otlp",
    "clickhouse": "clickhouse.clickhouse",
}
"""The same, of what is typed after `export`; without any of them it is `export.export`."""


def function(place: str) -> Callable[..., None]:
    """What a command does."""
    module, _, name = place.rpartition(".")
    whole = module if "." in module else f"codex_telemetry.cli.{module}"
    found: Callable[..., None] = getattr(import_module(whole), name)
    return found


def app(asked: str | None = None) -> typer.Typer:
    """All commands; or the one that is asked for, since to import all takes longer than a report."""
    made = typer.Typer(
        name=NAME,
        help="See where the time and the tokens of a Codex turn went, without keeping a word of it.",
        epilog="Example: codex-telemetry turn --last",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback(invoke_without_command=True)(_top)
    for name, place in (COMMANDS | HIDDEN).items():
        if asked in (None, name):
            made.command(name, hidden=name in HIDDEN)(function(place))
    if asked in (None, CONTENT):
        made.add_typer(_content(), name=CONTENT)
    if asked in (None, NAMES):
        made.add_typer(_names(), name=NAMES)
    if asked in (None, SHIM):
        made.add_typer(_shim(), name=SHIM)
    if asked in (None, SERVICE):
        made.add_typer(_service(), name=SERVICE)
    if asked in (None, EXPORT):
        made.add_typer(_exports(), name=EXPORT)
    return made


def _content() -> typer.Typer:
    return _group(
        "Keep what is said, in folders you name. See it there; erase it for good.",
        "codex-telemetry capture enable . --prompts --days 7",
        CONTENT_COMMANDS,
    )


def _names() -> typer.Typer:
    made = _group(
        "See how names of folders are kept, and change it.",
        "codex-telemetry privacy status",
        PRIVACY_COMMANDS,
    )
    secret = _group(
        "Share the secret with which names are hashed.",
        "codex-telemetry privacy secret export team.secret",
        SECRET_COMMANDS,
    )
    made.add_typer(secret, name="secret")
    return made


def _shim() -> typer.Typer:
    return _group(
        "Have editors start Codex under `run`. A launcher to name in their settings.",
        "codex-telemetry shim install",
        SHIM_COMMANDS,
    )


def _service() -> typer.Typer:
    return _group(
        "Read what Codex logs in the background, as it is written.",
        "codex-telemetry service install",
        SERVICE_COMMANDS,
    )


def _exports() -> typer.Typer:
    made = _group(
        "Write what is stored into files by day, or send it on.",
        "codex-telemetry export parquet --out telemetry",
        EXPORT_COMMANDS,
    )
    made.callback(invoke_without_command=True)(function("export.export"))
    return made


def _group(purpose: str, example: str, commands: dict[str, str]) -> typer.Typer:
    made = typer.Typer(
        help=purpose,
        epilog=f"Example: {example}",
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, place in commands.items():
        made.command(name)(function(place))
    return made


def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="say the version")] = False,
) -> None:
    if version:
        show.text(f"{NAME} {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        show.text(context.get_help() + "\n")
        raise typer.Exit(2)


def run(words: list[str] | None = None) -> int:
    """Do what the words say, and give the exit code. Never raises."""
    try:
        code = _carried_out(sys.argv[1:] if words is None else words)
        show.finish()
    except show.ReaderGoneError:
        return 0
    except UserError as error:
        show.fail(error.message, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a mistake of ours is one line too
        return _crashed(error)
    return code


def _carried_out(words: list[str]) -> int:
    if completion.ASKED_BY in os.environ:
        completion.get_ready()
    try:
        code = app(_asked(words))(words, prog_name=NAME, standalone_mode=False)
    except _REFUSED as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else NAME
        said = getattr(error, "format_message", error.__str__)()
        raise UsageError(said.rstrip("."), hint=f"{path} --help says more") from None
    except UnicodeEncodeError:
        raise UsageError("what was typed is not text", hint=f"{NAME} --help") from None
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _asked(words: list[str]) -> str | None:
    """The command, if what comes first is one: what is said of others takes all of them."""
    known = {*COMMANDS, *HIDDEN, CONTENT, NAMES, SHIM, SERVICE, EXPORT}
    return words[0] if words and words[0] in known else None


def _crashed(error: Exception) -> int:
    log.crash(error)
    show.fail(
        f"a mistake of the program: {type(error).__name__} at {log.raised_at(error)}",
        hint="please report it; with --log-level error more is in the log (codex-telemetry path)",
    )
    return 1

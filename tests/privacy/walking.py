"""Every command there is, in every form: a new one is walked by itself, or asks how to be called."""

from collections.abc import Iterator, Sequence
from typing import Any

import typer

from codex_telemetry.cli.app import app

Leaf = tuple[str, ...]

ELSEWHERE: dict[Leaf, str] = {
    ("collect",): "what `run` starts: tests/collector feeds it",
    ("run",): "a pump: tests/pump, tests/end_to_end",
    ("serve",): "serves until it is stopped: tests/web",
    ("demo",): "plays with the real Codex, in a home of its own: tests/demo",
    ("service", "install"): "writes into a folder of the user's: tests/cli/test_service.py",
    ("export", "otlp"): "sends to a receiver: tests/otlp looks at all that one gets",
    ("export", "clickhouse"): "takes a ClickHouse: tests/clickhouse",
    ("capture", "show"): "prints content, where it was granted: tests/capture",
}
"""Commands that aren't walked here, and why."""

TURN, SESSION, FILE = "{turn}", "{session}", "{file}"

CALLS: dict[Leaf, list[list[str]]] = {
    ("turns",): [[], ["--project", "/home"], ["--status", "failed"], ["--last", "3"]],
    ("turn",): [["--last"], [TURN], [TURN, "--roll-up"], ["CANARYLESS"]],
    ("session",): [[SESSION], ["CANARYLESS"]],
    ("sessions",): [[], ["--project", "/home"], ["--model", "none"]],
    ("tokens",): [["--by", by] for by in "day week month model project session tier".split()],
    ("stats",): [
        ["--by", by] for by in "model effort project day version client status".split()
    ],
    ("tools",): [["--by", by] for by in ("name", "kind", "command", "server")],
    ("limits",): [[], ["--history"], ["--milestones"]],
    ("sql",): [
        [f"SELECT * FROM {table}"]
        for table in (
            "sessions", "turns", "items", "events", "origins", "told_turns", "told_bodies", "rollout_files",
            "usage_groups", "status_snapshots",
        )
    ] + [["--schema"], ["SELECT CANARYLESS"]],
    ("prune",): [["--older-than", "1d"], ["--size", "1MB"]],
    ("backup",): [[FILE]],
    ("restore",): [[FILE]],
    ("merge",): [[FILE]],
    ("export",): [["--anonymous"]],
    ("export", "parquet"): [["--out", FILE]],
    ("export", "csv"): [["--out", FILE]],
    ("export", "jsonl"): [["--out", FILE, "--tables", "events,turns"]],
    ("report",): [
        ["--html", FILE, "--since", "900d"],
        ["--html", "-", "--since", "900d"],
        ["--html", "-", "--session", SESSION],
        ["--html", "-", "--turn", TURN],
    ],
    ("completion",): [["bash"], ["zsh"], ["fish"]],
    ("schema",): [[], ["turn"]],
    ("shim", "install"): [["--dir", FILE, "--codex", "/bin/sh"]],
    ("shim", "uninstall"): [["--dir", FILE]],
    ("capture", "enable"): [["/tmp", "--prompts"]],
    ("capture", "disable"): [["/tmp"]],
    ("capture", "rekey"): [["/tmp"]],
    ("capture", "purge"): [["/tmp"]],
    ("privacy", "apply"): [[]],
    ("privacy", "reset"): [[]],
    ("privacy", "secret", "import"): [[FILE]],
    ("privacy", "secret", "export"): [[FILE]],
}  # fmt: skip
"""How to call those that want something, or more than once. Nobody is there to confirm anything."""

FORMS = ("--json", "--ndjson", "--csv")


def leaves() -> dict[Leaf, Any]:
    """Every command, hidden ones too."""
    return dict(_leaves(typer.main.get_command(app()), ()))


def walk(forms: Sequence[str] = FORMS) -> Iterator[list[str]]:
    """The words of every call."""
    for leaf, command in leaves().items():
        if leaf in ELSEWHERE:
            continue
        options = {option for parameter in command.params for option in parameter.opts}
        for words in CALLS.get(leaf, [[]]):
            called = [*leaf, *words]
            called += ["--log-level", "debug"] if "--log-level" in options else []
            yield called
            yield from ([*called, form] for form in forms if form in options)


def uncalled() -> list[Leaf]:
    """Commands that want something nobody has said."""
    return [
        leaf
        for leaf, command in leaves().items()
        if leaf not in {**CALLS, **ELSEWHERE}
        and any(p.required for p in command.params if p.param_type_name == "argument")
    ]


def _leaves(group: Any, above: Leaf) -> Iterator[tuple[Leaf, Any]]:
    for name, command in group.commands.items():
        leaf = (*above, name)
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield leaf, command
            yield from _leaves(command, leaf)
        else:
            yield leaf, command

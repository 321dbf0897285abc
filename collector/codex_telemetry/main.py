"""Decide which way a command takes: `run` straight to the pump, all else to the command line.

Whatever is imported here delays the wrapped program's first byte, so nothing but os and sys may be.
"""

import os
import sys

TAKES_A_VALUE = ("--db", "--config", "--log-level")

SHIM = b"\n# codex-telemetry shim:"
"""So begins the second line of every shim."""


class UsageError(Exception):
    """What was typed after `run` can't be followed; the text is the one line to say."""


def split(words: list[str]) -> tuple[list[str], list[str]] | None:
    """The collector's options and the wrapped command, out of what follows `run`; None asks for help.

    By hand: importing an argument parser takes longer than starting Codex's wrapper does.
    """
    options: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return options, words[at + 1 :]
        if word in ("-h", "--help"):
            return None
        if not word.startswith("-"):
            return options, words[at:]
        name, equals, value = word.partition("=")
        if name not in TAKES_A_VALUE:
            raise UsageError(f"run: no such option: {name} (what belongs to CMD comes after --)")
        if not equals:
            at += 1
            value = words[at] if at < len(words) else ""
            # `--db -- codex` forgot the path; taking `--` for it would run the wrong program.
            value = "" if value.startswith("-") else value
        if not value:
            raise UsageError(f"run: {name} needs a value")
        options.append(f"{name}={value}")
        at += 1
    return options, []


def past_shims(command: list[str]) -> list[str]:
    """Where the PATH leads to a shim of ours (host/shim.sh), the program behind it: else `run` would
    be started once more, and hear all of it twice."""
    name, past = command[0], False
    # os.get_exec_path() imports `warnings`.
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for folder in folders if "/" not in name else []:
        path = os.path.join(folder, name)
        try:
            if not os.access(path, os.X_OK) or os.path.isdir(path):
                continue
            with open(path, "rb") as file:
                if SHIM in file.read(256):
                    past = True
                    continue
        except OSError:  # one that may be run and not be read
            pass
        return [path, *command[1:]] if past else command
    return command


def refuse(line: str, code: int) -> int:
    """Say why in one line on stderr, even if nobody listens there."""
    try:  # noqa: SIM105  contextlib would be one more import
        os.write(2, f"codex-telemetry: {line}\n".encode(errors="backslashreplace"))
    except OSError:
        pass
    return code


def main() -> None:
    """The entry point `codex-telemetry`."""
    if os.name == "nt":
        sys.exit(refuse("Windows is not supported; inside WSL it works", 1))
    if sys.argv[1:2] != ["run"]:
        return hand_to_cli()
    try:
        parts = split(sys.argv[2:])
    except UsageError as error:
        sys.exit(refuse(str(error), 2))
    if parts is None:
        return hand_to_cli()
    options, command = parts
    if not command:
        sys.exit(refuse("run: nothing to run; usage: codex-telemetry run [--db PATH] -- CMD…", 2))
    from codex_telemetry import pump

    command = past_shims(command)
    # Threads of the pump may sit in read() for ever, so the usual way out would wait for them.
    os._exit(pump.run(command, options))


def hand_to_cli() -> None:
    from codex_telemetry.cli import main as cli_main

    cli_main()

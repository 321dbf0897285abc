"""The command line: one file per group of commands; only `show` prints."""

import sys


def main() -> None:
    """Everything but the pump's way of `run`; see `codex_telemetry.main`."""
    from codex_telemetry.cli.app import run  # noqa: PLC0415 - after the package, for the tests' sake

    sys.exit(run())

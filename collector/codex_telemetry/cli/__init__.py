"""The command line: one file per group of commands; only `show` prints."""

import gc
import sys


def main() -> None:
    """Everything but the pump's way of `run`; see `codex_telemetry.main`."""
    # What is imported stays, and at the end all goes: to look through it for what nobody holds any more
    # took a fifth of the time of a small report.
    gc.disable()
    from codex_telemetry.cli.app import run  # noqa: PLC0415 - after the package, for the tests' sake

    gc.freeze()
    gc.enable()
    code = run()
    gc.freeze()
    sys.exit(code)

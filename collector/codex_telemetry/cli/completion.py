"""`completion`: what makes a shell complete commands and options. The script asks the program itself, so
it never grows stale.
"""

from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.errors import UsageError

SHELLS = ("bash", "zsh", "fish")

ASKED_BY = "_CODEX_TELEMETRY_COMPLETE"
"""Set by such a script when it asks: the name is the one that typer looks for."""


def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help=f"one of {', '.join(SHELLS)}")],
) -> None:
    """Print what makes a shell complete commands.

    \b
    In ~/.bashrc: eval "$(codex-telemetry completion bash)"
    In ~/.zshrc, after compinit: eval "$(codex-telemetry completion zsh)"
    In a file of its own, ~/.config/fish/completions/codex-telemetry.fish: what
    codex-telemetry completion fish prints.
    Example: codex-telemetry completion bash
    """
    if shell not in SHELLS:
        raise UsageError(
            f"completion: no shell is called {shell}", hint=f"one of {', '.join(SHELLS)}"
        )
    # Both names are there from 0.12 on, if not among those that are exported.
    from typer import completion as typers  # noqa: PLC0415 - only who asks pays

    script = typers.get_completion_script(  # type: ignore[attr-defined]
        prog_name="codex-telemetry", complete_var=ASKED_BY, shell=shell
    )
    show.text(script + "\n")


def get_ready() -> None:
    """Let typer answer what a script asks. It does so by itself only where it offers to write into
    the user's start-up files, which we don't."""
    from typer import completion as typers  # noqa: PLC0415

    typers.completion_init()  # type: ignore[attr-defined]

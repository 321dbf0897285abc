"""What the commands about content ask people: a yes, and a passphrase."""

import os

from codex_telemetry.cli import show
from codex_telemetry.errors import UsageError, UserError

PASSPHRASE = "CODEX_TELEMETRY_PASSPHRASE"  # noqa: S105 - its name
NEW_PASSPHRASE = "CODEX_TELEMETRY_NEW_PASSPHRASE"  # noqa: S105 - of a key that is made by `rekey`


def confirmed(command: str, question: str, *, yes: bool) -> bool:
    """Whether the user wants it: asked on a terminal; elsewhere `--yes` must say so."""
    if yes:
        return True
    if not show.can_ask():
        raise UsageError(
            f"{command}: nobody is here to confirm it", hint="with --yes it is done without asking"
        )
    return show.ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def passphrase() -> str:
    """The one that opens a key file."""
    if word := os.environ.get(PASSPHRASE):
        return word
    if not show.can_ask():
        raise UserError("a passphrase is needed to open the key", hint=f"set {PASSPHRASE}")
    return show.ask_unseen("passphrase: ")


def new_passphrase() -> str:
    """One for a key file that is made now."""
    for name in (NEW_PASSPHRASE, PASSPHRASE):
        if word := os.environ.get(name):
            return word
    if not show.can_ask():
        raise UserError(
            "there is no keyring here, and no passphrase to protect a key file with",
            hint=f"set {PASSPHRASE}, or run this on a terminal",
        )
    word = show.ask_unseen("there is no keyring here; a passphrase for a key file: ")
    if show.ask_unseen("once more: ") != word:
        raise UserError("the two passphrases differ", hint="nothing was changed; try again")
    return word

"""A home without a keyring, and a passphrase that is quick to try."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.pwhash import argon2id

from backfill.codex_home import place
from capture.asking import WORK, done, the_turn
from cli import conftest as shared
from commands import Command
from recordings import Recordings

cli, database, home = shared.cli, shared.database, shared.home

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import keyring
    from keyring.backends.null import Keyring

    before = keyring.get_keyring()
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    monkeypatch.setenv("CODEX_TELEMETRY_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("CODEX_TELEMETRY_NEW_PASSPHRASE", raising=False)
    monkeypatch.setattr(argon2id, "OPSLIMIT_MODERATE", argon2id.OPSLIMIT_MIN)
    monkeypatch.setattr(argon2id, "MEMLIMIT_MODERATE", argon2id.MEMLIMIT_MIN)
    yield
    keyring.set_keyring(before)


@pytest.fixture
def logs(recordings: Recordings, tmp_path: Path) -> str:
    return str(place([recordings.one("0.169.0/b_shell")], tmp_path / "codex"))


@pytest.fixture
def captured(cli: Command, logs: str, database: Path) -> str:
    """The turn of which everything was captured."""
    done(cli("capture", "enable", WORK, "--all", "--yes"))
    done(cli("backfill", "--codex-home", logs, "--rebuild"))
    return the_turn(cli)

"""Private keys in the system's keyring, as far as it is one."""

import json
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from codex_telemetry import keys
from commands import Command


class Ring(KeyringBackend):
    """One that keeps things as long as a test runs."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("CANARY-locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("CANARY-locked")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Weak(Ring):
    """One that keeps things in the clear."""

    priority = 0.5  # type: ignore[assignment]


def use(ring: Any) -> None:
    keyring.set_keyring(ring)


def test_where_there_is_a_keyring_the_key_is_in_it_alone(
    cli: Command, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODEX_TELEMETRY_PASSPHRASE")
    ring = Ring()
    use(ring)
    assert cli("capture", "enable", "/work", "--all", "--yes").code == 0
    ((service, _),) = ring.kept
    assert service == "codex-telemetry"
    assert not keys.keys_folder(database).exists()
    (row,) = json.loads(cli("capture", "status", "--json").out)
    assert row["key_in"] == "keyring"
    assert cli("capture", "rekey", "/work").code == 0
    assert len(ring.kept) == 1
    assert cli("capture", "purge", "/work", "--yes").code == 0
    assert ring.kept == {}


@pytest.mark.parametrize("ring", [Weak, "locked", "null"])
def test_what_is_no_keyring_counts_as_none(cli: Command, database: Path, ring: Any) -> None:
    if ring == "locked":
        found = Ring()
        found.locked = True
        use(found)
    elif ring is Weak:
        use(Weak())
    assert cli("capture", "enable", "/work", "--all", "--yes").code == 0
    assert len(list(keys.keys_folder(database).iterdir())) == 1


def test_of_a_chain_of_keyrings_the_first_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    first, chain = Ring(), ChainerBackend()  # type: ignore[no-untyped-call]
    use(chain)
    monkeypatch.setattr(ChainerBackend, "backends", [first])
    assert keys.keeper() == "keyring"
    monkeypatch.setattr(ChainerBackend, "backends", [Weak(), first])
    assert keys.keeper() == "file"


def test_a_keyring_that_is_gone_or_locked_is_one_line(cli: Command, database: Path) -> None:
    from capture.asking import refused, soon
    from capture.granting import heard, tell

    ring = Ring()
    use(ring)
    assert cli("capture", "enable", "/work", "--all", "--yes").code == 0
    said = heard("x", "/work", at=soon())
    tell(database, said)
    ring.locked = True
    answer = cli("capture", "show", str(said.turn_id))
    refused(answer, "KeyringLocked", "unlock it")
    assert "CANARY" not in answer.err
    use(Weak())
    refused(cli("capture", "show", str(said.turn_id)), "in the session in which")
    use(Ring())
    refused(cli("capture", "show", str(said.turn_id)), "isn't in the keyring any more", "purge")
    ring.locked = False
    use(ring)
    assert "x" in cli("capture", "show", str(said.turn_id)).out


def test_a_purge_goes_on_where_the_keyring_is_gone_and_says_so(cli: Command) -> None:
    use(Ring())
    assert cli("capture", "enable", "/work", "--all", "--yes").code == 0
    use(Weak())
    answer = cli("capture", "purge", "/work", "--yes")
    assert answer.code == 1
    assert "couldn't be destroyed" in answer.err
    assert json.loads(cli("capture", "status", "--json").out) == []

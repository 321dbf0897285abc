"""What goes wrong with content and its keys is one clear line and a next step; nothing is lost."""

import stat
from pathlib import Path

import pytest

from capture.asking import WORK, done, refused, statuses
from capture.granting import grant
from codex_telemetry import keys
from commands import Command
from saved import BORN

BAD = [
    (("enable",), "nothing to keep is named", 2),
    (("enable", "", "--all", "--yes"), "not a folder", 2),
    (("enable", "a\0b", "--all", "--yes"), "not a folder", 2),
    (("enable", "/etc/passwd", "--all", "--yes"), "not a folder", 2),
    (("enable", ".", "--all", "--days", "0", "--yes"), "--days", 2),
    (("disable", "/nowhere"), "nothing is granted", 1),
    (("rekey", "/nowhere"), "nothing is granted", 1),
    (("purge", "/nowhere", "--yes"), "nothing is granted", 1),
    (("show", " "), "the id is empty", 2),
    (("show", "0000"), "no turn", 1),
]


@pytest.mark.parametrize(("words", "said", "code"), BAD, ids=lambda w: str(w)[:30])
def test_bad_input_is_one_line(
    cli: Command, tmp_path: Path, words: tuple[str, ...], said: str, code: int
) -> None:
    done(cli("capture", "enable", str(tmp_path), "--all", "--yes"))
    refused(cli("capture", *words), said, code=code)


def test_what_a_wider_grant_covers_is_explained(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    done(cli("capture", "enable", str(tmp_path), "--all", "--yes"))
    refused(cli("capture", "disable", str(tmp_path / "inner")), str(tmp_path), "never")


def test_a_folder_that_is_not_here_is_taken_as_written_with_a_warning(cli: Command) -> None:
    answer = done(cli("capture", "enable", "/not/here", "--all", "--yes"))
    assert "warning: there is no folder /not/here" in answer.err


def test_where_a_repository_forbids_it_enable_says_so(cli: Command, tmp_path: Path) -> None:
    (tmp_path / ".codex-telemetry.toml").write_text('capture = "never"')
    answer = done(cli("capture", "enable", str(tmp_path), "--all", "--yes"))
    assert "forbids" in answer.err


def test_an_expired_grant_says_so(cli: Command, database: Path) -> None:
    grant(database, "/work", at=BORN - 10, until=BORN)
    row = statuses(cli)[0]
    assert row["state"] == "expired"
    assert "expired" in done(cli("capture", "status")).out


def test_a_key_that_is_lost_is_one_line_and_loses_nothing(
    cli: Command, captured: str, database: Path
) -> None:
    (key,) = keys.keys_folder(database).iterdir()
    body = key.read_bytes()
    for damage in (b"", b"{}", body[:-40] + b'"}', None):
        if damage is None:
            key.unlink()
        else:
            key.write_bytes(damage)
        refused(cli("capture", "show", captured))
        refused(cli("capture", "rekey", WORK))
    key.write_bytes(body)
    assert "CANARY-PROMPT" in done(cli("capture", "show", captured)).out
    key.unlink()
    done(cli("capture", "purge", WORK, "--yes"))


def test_a_wrong_passphrase_is_one_line(
    cli: Command, captured: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_TELEMETRY_PASSPHRASE", "not this one")
    refused(cli("capture", "show", captured), "passphrase", "try again")
    monkeypatch.delenv("CODEX_TELEMETRY_PASSPHRASE")
    refused(cli("capture", "show", captured), "CODEX_TELEMETRY_PASSPHRASE")


@pytest.mark.parametrize("word", [None, "short"])
def test_without_a_keyring_or_a_passphrase_nothing_is_granted(
    cli: Command, word: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if word is None:
        monkeypatch.delenv("CODEX_TELEMETRY_PASSPHRASE")
    else:
        monkeypatch.setenv("CODEX_TELEMETRY_PASSPHRASE", word)
    refused(cli("capture", "enable", "/work", "--all", "--yes"), "passphrase")
    assert statuses(cli) == []
    assert not keys.keys_folder(home / "telemetry.db").exists()


def test_a_key_file_is_private(cli: Command, captured: str, database: Path) -> None:
    folder = keys.keys_folder(database)
    (key,) = folder.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_key_that_is_lost_is_not_sealed_for_any_more(
    cli: Command, captured: str, database: Path
) -> None:
    (key,) = keys.keys_folder(database).iterdir()
    key.unlink()
    refused(cli("capture", "enable", WORK, "--prompts", "--yes"), "is gone", "purge")
    done(cli("capture", "purge", WORK, "--yes"))
    done(cli("capture", "enable", WORK, "--prompts", "--yes"))
    assert len(list(keys.keys_folder(database).iterdir())) == 1

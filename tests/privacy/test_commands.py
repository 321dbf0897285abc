"""`privacy`: what it says, what it shares, what it forgets; and what it answers to bad input."""

import json
import os
import stat
from pathlib import Path

import pytest

from backfill.codex_home import place
from capture.asking import WORK, done, refused
from capture.conftest import no_keyring
from codex_telemetry.secret import load, secret_path
from commands import Command
from recordings import Recordings
from saved import query

__all__ = ["no_keyring"]


def status(cli: Command) -> dict[str, object]:
    found: dict[str, object] = json.loads(done(cli("privacy", "status", "--json")).out)
    return found


def test_status_without_a_database_says_the_mode(cli: Command, home: Path) -> None:
    assert status(cli) == {
        "mode": "normal",
        "repo_names": False,
        "secret_id": None,
        "sessions": 0,
        "plain_sessions": 0,
        "turns": 0,
        "plain_turns": 0,
        "secrets": [],
    }
    (home / "config.toml").write_text('privacy = "strict"\nrepo_names = true\n')
    assert status(cli)["mode"] == "strict"


def test_status_says_what_is_stored_otherwise_and_what_to_do(
    cli: Command, normal: Path, database: Path
) -> None:
    (normal / "config.toml").write_text('privacy = "strict"\n')
    told = status(cli)
    assert told["turns"] >= told["plain_turns"] > 300  # type: ignore[operator]
    assert told["sessions"] >= told["plain_sessions"] > 200  # type: ignore[operator]
    assert [used["current"] for used in told["secrets"]] == [True]  # type: ignore[attr-defined]
    assert "codex-telemetry privacy apply hashes them" in done(cli("privacy", "status")).out
    done(cli("privacy", "apply", "--yes"))
    assert "privacy apply" not in done(cli("privacy", "status")).out
    (normal / "config.toml").unlink()
    assert "backfill --rebuild" in done(cli("privacy", "status")).out


def test_a_team_that_shares_a_secret_has_the_same_hashes(
    cli: Command,
    recordings: Recordings,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codex = str(place([recordings.one("0.169.0/b_shell")], tmp_path / "codex"))
    shared = tmp_path / "team.secret"
    done(cli("privacy", "secret", "export", str(shared)))
    assert stat.S_IMODE(shared.stat().st_mode) == 0o600
    folders = []
    for n, other in enumerate(("mine", "theirs", "strangers")):
        monkeypatch.setenv("CODEX_TELEMETRY_HOME", str(tmp_path / other))
        if n < 2:
            done(cli("privacy", "secret", "import", str(shared)))
            assert (
                stat.S_IMODE(secret_path(tmp_path / other / "telemetry.db").stat().st_mode) == 0o600
            )
        (tmp_path / other).mkdir(exist_ok=True)
        (tmp_path / other / "config.toml").write_text('privacy = "strict"\n')
        done(cli("backfill", "--codex-home", codex))
        folders += query(tmp_path / other / "telemetry.db", "SELECT cwd, secret_ids FROM turns")
    assert folders[0] == folders[1]
    assert folders[0] != folders[2]


def test_another_secret_takes_the_place_of_one_only_if_that_is_meant(
    cli: Command, database: Path, tmp_path: Path
) -> None:
    mine = load(secret_path(database))
    (tmp_path / "other").write_bytes(os.urandom(32))
    refused(cli("privacy", "secret", "import", str(tmp_path / "other")), "--yes", code=2)
    assert load(secret_path(database)) == mine
    done(cli("privacy", "secret", "import", str(tmp_path / "other"), "--yes"))
    assert load(secret_path(database)) == load(tmp_path / "other")
    assert "already" in done(cli("privacy", "secret", "import", str(tmp_path / "other"))).err


def test_a_secret_that_was_forgotten_is_gone_and_another_is_made(
    cli: Command, database: Path, recordings: Recordings, tmp_path: Path
) -> None:
    codex = str(place([recordings.one("0.169.0/b_shell")], tmp_path / "codex"))
    done(cli("backfill", "--codex-home", codex))
    before = load(secret_path(database))
    refused(cli("privacy", "reset"), "--yes", code=2)
    done(cli("privacy", "reset", "--yes"))
    assert not secret_path(database).exists()
    done(cli("backfill", "--codex-home", codex, "--rebuild"))
    assert load(secret_path(database)).id != before.id
    assert status(cli)["secret_id"] == load(secret_path(database)).id
    assert [used["secret_id"] for used in status(cli)["secrets"]] == [  # type: ignore[attr-defined]
        load(secret_path(database)).id
    ]


def test_what_can_not_be_meant_is_one_line(cli: Command, tmp_path: Path, database: Path) -> None:
    short, folder = tmp_path / "short", tmp_path / "folder"
    short.write_bytes(b"too short")
    folder.mkdir()
    (tmp_path / "large").write_bytes(b"x" * 5_000)
    refused(cli("privacy", "secret", "import", str(short)), "is no secret", code=2)
    refused(cli("privacy", "secret", "import", str(tmp_path / "large")), "is no secret", code=2)
    refused(cli("privacy", "secret", "import", str(folder)), "is not a file", code=2)
    refused(cli("privacy", "secret", "import", str(tmp_path / "none")), "there is no file", code=2)
    refused(cli("privacy", "secret", "export", str(short)), "is there already", code=2)
    refused(cli("privacy", "secret", "export", str(tmp_path / "none" / "f")), "no folder", code=2)
    secret_path(database).unlink()
    refused(cli("privacy", "reset", "--yes"), "no secret to forget")
    assert short.read_bytes() == b"too short"


def test_a_secret_that_is_broken_is_no_reason_to_lose_a_turn(
    cli: Command, recordings: Recordings, database: Path, tmp_path: Path
) -> None:
    codex = str(place([recordings.one("0.169.0/b_shell")], tmp_path / "codex"))
    database.parent.mkdir(exist_ok=True)
    secret_path(database).write_bytes(b"short")
    refused(cli("backfill", "--codex-home", codex))
    assert done(cli("privacy", "status")).out
    secret_path(database).unlink()
    done(cli("backfill", "--codex-home", codex))
    assert query(database, "SELECT count(*) FROM turns") == [(1,)]


@pytest.mark.parametrize("words", [["turns", "--json"], ["sessions", "--csv"], ["turn", "--last"]])
def test_a_label_is_the_same_everywhere_and_stored_either_way(
    cli: Command, recordings: Recordings, tmp_path: Path, home: Path, words: list[str]
) -> None:
    codex = str(place([recordings.one("0.169.0/b_shell")], tmp_path / "codex"))
    done(cli("backfill", "--codex-home", codex))
    ((label,),) = json.loads(
        done(cli("sql", "SELECT DISTINCT cwd FROM turns", "--redact", "--json"))
        .out.replace("{", "[")
        .replace("}", "]")
        .replace('"cwd":', "")
    )
    assert label.startswith("folder-")
    assert label in done(cli(*words, "--redact")).out
    assert label not in done(cli(*words)).out
    (home / "config.toml").write_text('privacy = "redacted"\n')
    assert label in done(cli(*words)).out
    assert WORK not in done(cli(*words)).out
    (home / "config.toml").write_text('privacy = "strict"\n')
    done(cli("privacy", "apply", "--yes"))
    assert label in done(cli(*words)).out
    (home / "config.toml").write_text('privacy = "redacted"\n')
    assert label in done(cli(*words)).out


@pytest.mark.parametrize("question", [
    "SELECT cwd FROM main.turns",
    "SELECT hex(substr(cwd, 1, 5)) FROM main.sessions",
    "WITH x AS (SELECT * FROM main.sessions) SELECT git_branch FROM x",
    "SELECT (SELECT cwd FROM main.turns LIMIT 1) FROM turns",
    "SELECT 1 FROM turns WHERE EXISTS (SELECT 1 FROM main.turns t WHERE t.cwd LIKE '/home/c%')",
    "SELECT body FROM main.told_bodies",
])  # fmt: skip
def test_sql_cannot_look_behind_a_label(cli: Command, normal: Path, question: str) -> None:
    refused(cli("sql", question, "--redact"), "behind", code=2)
    done(cli("sql", question))


def test_content_is_kept_in_strict_mode_where_it_is_granted(
    cli: Command, recordings: Recordings, home: Path, tmp_path: Path
) -> None:
    codex = str(place([recordings.one("0.169.0/b_shell")], tmp_path / "codex"))
    (home / "config.toml").write_text('privacy = "strict"\n')
    done(cli("capture", "enable", WORK, "--prompts", "--yes"))
    done(cli("backfill", "--codex-home", codex, "--rebuild"))
    assert query(home / "telemetry.db", "SELECT kind FROM content") != []


def test_a_repository_has_its_name_where_that_is_wanted(
    cli: Command, recordings: Recordings, home: Path, tmp_path: Path
) -> None:
    codex = place([recordings.one("0.169.0/b_shell")], tmp_path / "codex")
    (log,) = codex.glob("sessions/**/*.jsonl")
    head, rest = log.read_text().split("\n", 1)
    meta = json.loads(head)
    meta["payload"]["git"] = {"repository_url": "https://x:CANARY-token@example.com/team/thing.git"}
    log.write_text(json.dumps(meta) + "\n" + rest)
    found = []
    for config in ("", "repo_names = true\n", 'repo_names = true\nprivacy = "strict"\n'):
        (home / "config.toml").write_text(config)
        done(cli("backfill", "--codex-home", str(codex), "--rebuild"))
        found += query(home / "telemetry.db", "SELECT git_repo FROM sessions")
        (shown,) = json.loads(done(cli("sessions", "--json", "--redact")).out)
        assert shown["git_repo"].startswith("repo-")
    (hashed,), (named,), (strict,) = found
    assert named == "example.com/team/thing"
    assert hashed == strict
    assert len(hashed) == 16

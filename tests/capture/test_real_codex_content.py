"""The whole way with the real Codex: kept where the user said so, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, Talk, talk
from canary import leaks
from real_codex import RealCodex
from store_of import ended_collectors, rows, until

MODULE = (sys.executable, "-P", "-m", "codex_telemetry")
RUN = (*MODULE, "run", "--log-level", "debug", "--")
PASSPHRASE = "correct horse battery"


def command(it: Talk, *words: str) -> bytes:
    env = it.home.env | {
        "CODEX_TELEMETRY_PASSPHRASE": PASSPHRASE,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    done = subprocess.run([*MODULE, *words], env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(it: Talk, turn: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command(it, "capture", "show", turn, "--json"))
    return found


@pytest.mark.codex("0.169.0", "0.125.0")
def test_with_a_grant_a_turn_can_be_shown_and_then_erased(codex: RealCodex) -> None:
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL) as it:
        # In the middle of a session: what runs already is kept from its log, once it ends.
        command(it, "capture", "enable", str(it.home.work), "--all", "--yes")
        turn = it.turn("shell")["id"]
        it.client.close()
        telemetry = it.home.database.parent
        until(lambda: ended_collectors(telemetry) == 1)
        items = shown(it, turn)
        texts = [item["text"] for item in items]
        assert {i["kind"] for i in items} >= {"prompt", "response", "tool_args", "tool_output"}
        assert any(text.startswith("CANARY-PROMPT-1 please") for text in texts)
        assert any("CANARY-OUT-1" in text for text in texts)
        assert leaks(telemetry) == []
        boxes = [r["sealed"] for r in rows(it.home.database, "SELECT sealed FROM content")]
        assert boxes
        command(it, "capture", "purge", str(it.home.work), "--yes")
        held = b"".join(path.read_bytes() for path in telemetry.rglob("*") if path.is_file())
        assert not any(box in held for box in boxes)
        assert shown(it, turn) == []


@pytest.mark.codex("0.169.0", "0.125.0")
def test_a_session_begun_after_the_grant_is_kept_as_it_runs(codex: RealCodex) -> None:
    with talk(codex, model=PLAIN_MODEL) as before:
        command(before, "capture", "enable", str(before.home.work), "--prompts", "--yes")
        wrapper = (*MODULE, "run", "--db", str(before.home.database), "--")
        with talk(codex, wrapper=wrapper, model=PLAIN_MODEL) as it:
            # In this folder nothing was granted, in that other one it was.
            it.turn("plain")
            granted = it.client.start_thread(before.home.work)
            kept = it.client.run_turn(granted, "CANARY-PROMPT-kept please [[script:plain]]")["id"]
            until(lambda: rows(before.home.database, "SELECT * FROM content"))
            found = rows(before.home.database, "SELECT * FROM content")
            (row,) = rows(before.home.database, "SELECT turn_id FROM turns ORDER BY started_at")[1:]
            assert [one["turn_id"] for one in found] == [row["turn_id"]]
            assert row["turn_id"].endswith(kept)
            (item,) = shown(before, row["turn_id"])
            assert item["text"] == "CANARY-PROMPT-kept please [[script:plain]]"
            assert leaks(Path(before.home.database).parent) == []

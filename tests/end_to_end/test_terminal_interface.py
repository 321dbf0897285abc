"""The real Codex's terminal interface in a real terminal, behind us: it lacks nothing, and tells its part."""

import sys
from pathlib import Path

from at_codex import at_codex
from canary import leaks, leaks_in
from real_codex import RealCodex
from store_of import rows, until


def test_a_session_that_is_stopped_and_resumed_is_known_by_its_panel_its_last_line_and_its_log(
    codex: RealCodex, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    database = own / "telemetry.db"
    through = [sys.executable, "-P", "-m", "codex_telemetry", "run", f"--db={database}"]
    env = {"CODEX_TELEMETRY_HOME": str(own), "CODEX_TELEMETRY_LOG": "debug"}
    with at_codex(str(codex), through=[*through, "--"], env=env, as_job=True) as sitting:
        at = sitting.terminal
        at.type("\x1a")
        at.shows("Stopped")
        at.type("echo $((6 * 7))\r")
        at.shows("42")
        at.type("fg\r")
        at.settle(1.0)
        sitting.prompt(1)
        # While it runs.
        (turn,) = until(lambda: rows(database, "SELECT * FROM turns WHERE status = 'completed'"))
        sitting.status()
        (panel,) = until(lambda: rows(database, "SELECT * FROM status_snapshots"))
        since = len(at.raw)
        sitting.quit()
        at.hears(b"shell> ", since)
        at.type("echo code $?\r")
        at.shows("code 0")
        until(lambda: len(rows(database, "SELECT * FROM status_snapshots")) == 2)
        (last,) = rows(database, "SELECT * FROM status_snapshots WHERE kind = 'exit'")
        (session,) = rows(database, "SELECT * FROM sessions WHERE turns > 0")
        work, asked = str(sitting.home.work), sitting.stub.answered
        assert leaks_in(bytes(at.raw))

    assert panel["session_id"] == last["session_id"] == session["session_id"] == turn["session_id"]
    assert panel["cwd"] == turn["cwd"] == work
    # The stub's first response: 1010 in, of which 401 cached, and 51 out, 21 of them reasoning.
    assert (panel["total_tokens"], panel["input_tokens"], panel["output_tokens"]) == (660, 609, 51)
    assert (last["total_tokens"], last["cached_input_tokens"]) == (660, 401)
    assert last["reasoning_output_tokens"] == 21
    assert turn["total_tokens"] == 1_061
    assert panel["context_used"] == 1_060
    assert asked
    assert (turn["sources"], session["sources"]) == (2, 3)
    assert leaks(own) == []

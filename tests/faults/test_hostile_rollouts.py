"""Rollouts written by somebody who means harm: nothing breaks, nothing of theirs reaches a terminal,
and nothing outside the home is kept."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backfill.codex_home import place, rollouts, total_tokens
from commands import on_a_terminal, run
from recordings import Recordings
from saved import query

HARM = {
    "terminals, SQL, HTML, markup, paths": "\x1b[31m\x1b]0;owned\x07\x9b2J\u202e\r\n\x00\x7f"
    "'; DROP TABLE turns; --\"`]<script>alert(1)</script>"
    "[red]{0} %s ${HOME} $(id) `id` [/red][link=file:///etc/passwd]/../../../../etc/passwd",
    "length": "x" * 70_000,
}

FORBIDDEN = ("\x07", "\x9b", "\u202e", "\x00", "\x7f")
COLOUR = re.compile("\x1b\\[[0-9;]*m")
"""All that we ourselves send to a terminal."""

KINDS = {"type", "timestamp", "kind", "status", "phase", "role"}
"""Of these a reader knows the values; a line whose type is odd is only counted."""

READ = ("0.169.0/n_approval", "0.169.0/k_resume_fork", "0.155.0/o_subagent", "0.42.0/v1_mcp")

REPORTS = (
    "turns", "turn --last", "sessions", "stats --by model", "stats --by project", "tools",
    "tools --by server", "tools --by command", "tokens --by model", "tokens --by session",
    "tokens --by project", "limits", "limits --history", "events", "doctor",
)  # fmt: skip


def harmful(value: Any, harm: str, key: str = "") -> Any:
    """All text with the harm at its end, the same text always the same."""
    if isinstance(value, dict):
        return {k: harmful(v, harm, k) for k, v in value.items()}
    if isinstance(value, list):
        return [harmful(v, harm, key) for v in value]
    return value + harm if isinstance(value, str) and key not in KINDS else value


@pytest.fixture
def home(recordings: Recordings, tmp_path: Path) -> Path:
    return place([recordings.one(name) for name in READ], tmp_path / "codex-home")


def spoil(home: Path, harm: str) -> None:
    for path in rollouts(home):
        lines = [harmful(json.loads(line), harm) for line in path.read_bytes().splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("harm", HARM)
def test_names_ids_and_paths_that_mean_harm_do_none(home: Path, tmp_path: Path, harm: str) -> None:
    spoil(home, HARM[harm])
    database = tmp_path / "t.db"
    read = run("backfill", "--codex-home", str(home), "--json", f"--db={database}")
    assert (read.code, read.err) == (0, "")
    assert json.loads(read.out)["files_read"] == len(rollouts(home))
    assert query(database, "PRAGMA integrity_check") == [("ok",)]
    assert query(database, "SELECT count(*) FROM turns") > [(0,)]
    for report in REPORTS:
        answer = on_a_terminal(*report.split(), f"--db={database}", columns=120)
        assert answer.code == 0 or report == "doctor", (report, answer.err[:200])
        plain = COLOUR.sub("", answer.out)
        assert not [f for f in ("\x1b", *FORBIDDEN) if f in plain], report
        assert "Traceback" not in answer.err
        assert "owned" not in answer.err
        assert len(answer.out) < 200_000, report
    listed = run("turns", "--json", f"--db={database}")
    assert listed.code == 0
    assert json.loads(listed.out)


def test_what_is_no_text_costs_its_lines(home: Path, tmp_path: Path) -> None:
    spoil(home, "\ud800")
    read = run("backfill", "--codex-home", str(home), "--json", f"--db={tmp_path / 't.db'}")
    assert (read.code, read.err) == (0, "")
    told = json.loads(read.out)
    assert 0 < told["lines"] * 0.9 < told["skipped_lines"], "all but those that hold no text"


ENDLESS_OR_NOBODYS = ("/dev/zero", "/dev/full", "/dev/tty", "/dev/stdin", "/proc/self/mem")
SECRET = "hunter2-outside-the-home"


def test_links_out_of_the_home_bring_nothing_in(home: Path, tmp_path: Path) -> None:
    day = rollouts(home)[0].parent
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text(f"{SECRET}\n" * 1000)
    (outside / "secret.json").write_text(json.dumps({"type": SECRET, "payload": {SECRET: 1}}))
    targets = [outside / "secret", outside / "secret.json", outside, day]
    for number, target in enumerate([*targets, *map(Path, ENDLESS_OR_NOBODYS)]):
        name = f"rollout-2026-11-23T00-00-0{number}-0000000{number}-0000-7000-8000-000000000000"
        (day / f"{name}.jsonl").symlink_to(target)
    (day / "out").symlink_to(outside)
    (day / "up").symlink_to("..")
    database = tmp_path / "t.db"
    whole = tmp_path / "whole.db"
    read = run("backfill", "--codex-home", str(home), "--json", f"--db={database}")
    assert (read.code, read.err.count("Traceback")) == (0, 0)
    for path in (day / "out", day / "up", *day.glob("*T00-00-0*")):
        path.unlink()
    run("backfill", "--codex-home", str(home), f"--db={whole}")
    assert total_tokens(database) == total_tokens(whole)
    ids = "SELECT session_id FROM sessions WHERE turns > 0 ORDER BY 1"
    assert query(database, ids) == query(whole, ids)
    held = b"".join(path.read_bytes() for path in tmp_path.glob("t.db*"))
    assert SECRET.encode() not in held + read.out.encode() + read.err.encode()


def test_a_file_that_is_cut_again_and_again_while_it_is_read_ends_as_it_is(
    home: Path, tmp_path: Path
) -> None:
    path = max(rollouts(home), key=lambda rollout: rollout.stat().st_size)
    whole = path.read_bytes()
    saved = tmp_path / "saved"
    saved.write_bytes(whole)
    script = """
for n in $(seq 300); do head -c $(( (n * 7919) % $3 )) "$1" > "$2"; cat "$1" >> "$2"; : > "$2"; done
"""
    writer = subprocess.Popen(["sh", "-c", script, "sh", str(saved), str(path), str(len(whole))])
    database = tmp_path / "t.db"
    runs = 0
    while writer.poll() is None:
        assert run("backfill", "--codex-home", str(home), f"--db={database}").code == 0
        runs += 1
    assert runs > 1
    shutil.copy(saved, path)
    run("backfill", "--codex-home", str(home), "--rebuild", f"--db={database}")
    run("backfill", "--codex-home", str(home), f"--db={tmp_path / 'new.db'}")
    assert total_tokens(database) == total_tokens(tmp_path / "new.db")

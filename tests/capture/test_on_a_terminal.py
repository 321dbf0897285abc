"""What is asked on a real terminal: a yes, and a passphrase that isn't shown as it is typed."""

import os
import pty
import select
import subprocess
import time
from pathlib import Path

from commands import PATIENCE_S, PROGRAM
from saved import query


def talked(*words: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command on a terminal of its own, and answer what it asks; its exit code and screen."""
    fd, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "CODEX_TELEMETRY_PASSPHRASE"}
    child = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        start_new_session=True,
    )
    os.close(theirs)
    screen, waiting = "", list(answers)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                screen += os.read(fd, 65536).decode()
            except OSError:  # EIO: it has ended
                break
        if waiting and waiting[0][0] in screen.rpartition("\n")[2]:
            os.write(fd, f"{waiting.pop(0)[1]}\n".encode())
    os.close(fd)
    assert not waiting, screen
    return child.wait(PATIENCE_S), screen


def test_it_asks_before_it_keeps_and_for_a_passphrase(database: Path, tmp_path: Path) -> None:
    typed = "a passphrase of mine"
    asked = [("keep this? [y/N]", "y"), ("passphrase", typed), ("once more", typed)]
    code, screen = talked("capture", "enable", str(tmp_path), "--all", answers=asked)
    assert code == 0, screen
    assert typed not in screen
    assert query(database, "SELECT project FROM grants") == [(str(tmp_path),)]
    code, screen = talked("capture", "rekey", str(tmp_path), answers=[("passphrase", "wrong one")])
    assert code == 1
    assert "the passphrase doesn't open the key" in screen


def test_two_passphrases_that_differ_change_nothing(database: Path, tmp_path: Path) -> None:
    asked = [
        ("keep this? [y/N]", "y"),
        ("passphrase", "one of some length"),
        ("once more", "other"),
    ]
    code, screen = talked("capture", "enable", str(tmp_path), "--all", answers=asked)
    assert code == 1
    assert "differ" in screen
    assert query(database, "SELECT * FROM grants") == []


def test_no_is_no(database: Path, tmp_path: Path) -> None:
    asked = [("keep this? [y/N]", "n")]
    code, screen = talked("capture", "enable", str(tmp_path), "--all", answers=asked)
    assert code == 1
    assert "nothing was changed" in screen
    assert not database.exists()

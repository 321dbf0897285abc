"""What is skipped for want of something is counted in the last line, and fails in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from real_codex import RELEASES

SAMPLE = """
import os, pytest
os.geteuid = lambda: {user}

def test_with_each_release(codex): assert codex.path.exists()

@pytest.mark.codex("{older}")
def test_with_one_release(codex): assert codex.version == "{older}"

@pytest.mark.root
def test_as_root(): pass

def test_other(): pass

@pytest.mark.skip(reason="another reason")
def test_skipped_for_another_reason(): pass
"""


def run(folder: Path, *options: str, user: int, ci: bool = False) -> tuple[int, str]:
    """Exit code and last line of pytest on the sample, with this folder's own conftest."""
    sample = folder / "test_sample.py"
    sample.write_text(SAMPLE.format(user=user, older=RELEASES[1]))
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        "markers =\n  codex(*versions): real\n  root: root\n"
    )
    environment = os.environ | {
        "CI": "true" if ci else "",
        "CODEX_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    pytest_here: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-c",
        folder / "pytest.ini",
    ]
    done = subprocess.run(
        [*pytest_here, *options, sample],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()[-1]


def fetched(folder: Path, *versions: str) -> None:
    for version in versions:
        program = folder / "cache" / version / "node_modules" / ".bin" / "codex"
        program.parent.mkdir(parents=True)
        program.touch()


@pytest.mark.parametrize("options", [(), ("-q", "-q")], ids=str)
def test_the_last_line_counts_what_was_skipped_for_want_of_something(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    code, last = run(tmp_path, *options, user=1000)
    assert (code, last) == (
        0,
        "5 tests skipped: 4 for want of the real Codex, 1 for want of root",
    )


def test_one_release_that_could_not_be_fetched_skips_its_own_tests(tmp_path: Path) -> None:
    fetched(tmp_path, RELEASES[0], *RELEASES[2:])
    code, last = run(tmp_path, user=0)
    assert (code, last) == (0, "2 tests skipped: 2 for want of the real Codex")


def test_with_nothing_missing_the_last_line_is_pytests_own(tmp_path: Path) -> None:
    fetched(tmp_path, *RELEASES)
    code, last = run(tmp_path, user=0)
    assert code == 0
    assert "6 passed, 1 skipped" in last


def test_in_ci_nothing_may_be_missing(tmp_path: Path) -> None:
    code, last = run(tmp_path, user=1000, ci=True)
    assert code == 1
    assert "1 passed, 1 skipped, 5 errors" in last


def test_each_want_alone_fails_ci(tmp_path: Path) -> None:
    fetched(tmp_path, *RELEASES)
    assert run(tmp_path, user=1000, ci=True)[0] == 1
    assert run(tmp_path, user=0, ci=True)[0] == 0


def test_tests_of_codex_can_be_left_out_by_their_mark(tmp_path: Path) -> None:
    code, last = run(tmp_path, "-m", "not codex", user=0)
    assert code == 0
    assert "4 deselected" in last

"""What `make demo` and `make test` do before any of our code runs: say what is missing, fetch Codex."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder for the PATH with what the scripts themselves need, and nothing they ask for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "cut", "dirname", "mkdir", "rm", "mv", "grep", "head", "cat", "chmod"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def run(
    bare: Path, name: str, *arguments: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / name, *arguments],
        env={"PATH": str(bare), "HOME": str(bare.parent), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def prerequisites(bare: Path, python: str = sys.executable) -> tuple[int, list[str]]:
    done = run(bare, "check_prerequisites.sh", "npm", PYTHON=python)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_with_all_there_nothing_is_said(bare: Path) -> None:
    script(bare / "npm", "")
    assert prerequisites(bare) == (0, [])


def test_a_missing_npm_is_named_in_one_line_with_the_command(bare: Path) -> None:
    code, (line,) = prerequisites(bare)
    assert code == 1
    assert line == "missing: npm. Install with: sudo apt-get install -y npm"


def test_a_missing_python_is_named(bare: Path) -> None:
    script(bare / "npm", "")
    code, (line,) = prerequisites(bare, "python3")
    assert code == 1
    assert line.endswith("sudo apt-get install -y python3 python3-venv")


def test_an_old_python_is_named_with_its_version(bare: Path) -> None:
    script(bare / "npm", "")
    old = script(
        bare / "python3.9",
        'case "$1" in -V) echo Python 3.9.18;; *) exit 1;; esac\n',
    )
    code, (line,) = prerequisites(bare, str(old))
    assert code == 1
    assert "3.11 or newer" in line
    assert "3.9.18" in line


def test_a_python_without_ensurepip_and_no_npm_are_named_in_the_same_line(bare: Path) -> None:
    """As Debian's python3 is without python3-venv."""
    debian = script(bare / "python3", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac\n')
    code, (line,) = prerequisites(bare, str(debian))
    assert code == 1
    assert (
        line
        == "missing: Python's venv, npm. Install with: sudo apt-get install -y python3-venv npm"
    )


NPM = """
echo "$@" >>"$HOME/npm-calls"
while [ $# -gt 0 ]; do
    case $1 in
        @openai/codex@*) version=${1##*@} ;;
        --prefix) prefix=$2 ;;
    esac
    shift
done
mkdir -p "$prefix/node_modules/.bin"
{ echo '#!/bin/sh'; echo "echo codex-cli $version"; } >"$prefix/node_modules/.bin/codex"
chmod +x "$prefix/node_modules/.bin/codex"
"""


def in_cache(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_codex_is_fetched_once(bare: Path, tmp_path: Path) -> None:
    script(bare / "npm", NPM)
    for _ in range(2):
        assert run(bare, "fetch_codex.sh", tmp_path / "cache", "1.2.3", "1.1.0").returncode == 0
    assert in_cache(tmp_path / "cache") == {"1.2.3", "1.1.0"}
    assert os.access(tmp_path / "cache/1.2.3/node_modules/.bin/codex", os.X_OK)
    calls = (tmp_path / "npm-calls").read_text().splitlines()
    assert len(calls) == 2
    assert all("--ignore-scripts" in call for call in calls)


def test_a_failure_is_told_in_one_line_and_leaves_no_half_of_a_release(
    bare: Path, tmp_path: Path
) -> None:
    script(bare / "npm", 'case "$*" in *@9.9.9*) echo no such thing >&2; exit 1;; esac\n' + NPM)
    done = run(bare, "fetch_codex.sh", tmp_path / "cache", "9.9.9", "1.1.0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no such thing" in done.stderr
    # The other release came all the same.
    assert in_cache(tmp_path / "cache") == {"1.1.0", "9.9.9.log"}


def test_a_package_without_its_native_program_is_a_failure(bare: Path, tmp_path: Path) -> None:
    """npm calls that a success: the program is an optional dependency."""
    script(bare / "npm", NPM + 'echo "exit 1" >"$prefix/node_modules/.bin/codex"\n')
    assert run(bare, "fetch_codex.sh", tmp_path / "cache", "1.2.3").returncode == 1
    assert in_cache(tmp_path / "cache") == {"1.2.3.log"}


def test_a_release_that_came_half_way_is_fetched_again(bare: Path, tmp_path: Path) -> None:
    script(bare / "npm", NPM)
    (tmp_path / "cache/1.2.3/node_modules").mkdir(parents=True)
    assert run(bare, "fetch_codex.sh", tmp_path / "cache", "1.2.3").returncode == 0
    assert os.access(tmp_path / "cache/1.2.3/node_modules/.bin/codex", os.X_OK)

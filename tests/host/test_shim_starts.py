"""A shim starts Codex as it would be started without it, under `run` where that works, and once."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from shimming import SHELLS, Setup, ended, stand_in, starts, under_run

from codex_telemetry.host import shim_file
from store_of import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

WORDS: list[str | bytes] = [
    "app-server",
    "",
    "a b",
    "x\ny",
    "$(no) `no` $HOME",
    "*",
    "-c",
    "--",
    "q\"'",
    b"\xff\xfe",
]

OF_THE_SHELL = {b"PWD", b"OLDPWD", b"SHLVL", b"_"}
"""What a shell sets for whatever it starts; it can't be kept from it."""


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    found = Setup(tmp_path, path=[tmp_path / "bin"])
    stand_in(tmp_path / "bin" / "codex")
    return found


@pytest.fixture
def program(setup: Setup) -> Path:
    return setup.folder / "bin" / "codex"


def variables(raw: bytes) -> dict[bytes, bytes]:
    entries = (entry.partition(b"=") for entry in raw.split(b"\0") if entry)
    return {name: value for name, _, value in entries if name not in OF_THE_SHELL}


def no_interpreter(setup: Setup) -> None:
    setup.python.unlink()


def no_standard_library(setup: Setup) -> None:
    """As when the interpreter that a venv was made of is gone, and it was a copy."""
    setup.python.unlink()
    setup.python.write_text("#!/bin/sh\nread line\necho it is no Python\nexit 1\n")
    setup.python.chmod(0o755)


def not_even_a_program(setup: Setup) -> None:
    setup.python.unlink()
    setup.python.write_bytes(b"\x7fELF\0garbage")
    setup.python.chmod(0o755)


def no_package(setup: Setup) -> None:
    for module in setup.package.iterdir():
        module.unlink()


def half_a_package(setup: Setup) -> None:
    (setup.package / "pump.py").unlink()


def a_broken_package(setup: Setup) -> None:
    (setup.package / "main.py").write_text("import nothing_of_that_name\n")


def failing_before_the_child(setup: Setup) -> None:
    with (setup.package / "pump.py").open("a") as pump:
        pump.write("\ndef _listen_to_signals():\n    raise RuntimeError\n")


def leaving_before_the_child(setup: Setup) -> None:
    with (setup.package / "pump.py").open("a") as pump:
        pump.write("\ndef run(*_):\n    sys.exit(3)\n")


BREAKS = [
    no_interpreter,
    no_standard_library,
    not_even_a_program,
    no_package,
    half_a_package,
    a_broken_package,
    failing_before_the_child,
    leaving_before_the_child,
]


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_codex_is_started_as_if_alone(setup: Setup, program: Path, shell: tuple[str, ...]) -> None:
    said = bytes(range(256)) * 500
    more = {"python": "theirs", "PYTHONHOME": "/nowhere", "found": "also theirs"}
    done = setup.run(*WORDS, shell=shell, said=said, more=more)
    assert (done.returncode, done.stdout, done.stderr) == (7, said, b"")
    (start,) = starts(program)
    assert [bytes.fromhex(word) for word in start["argv"]] == [os.fsencode(w) for w in WORDS]
    given = {os.fsencode(k): os.fsencode(v) for k, v in (setup.environment | more).items()}
    assert variables(bytes.fromhex(start["environment"])) == given
    assert under_run(start)


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
@pytest.mark.parametrize("damage", BREAKS, ids=lambda damage: damage.__name__)
def test_where_we_are_broken_codex_is_started_alone_and_once(
    setup: Setup, program: Path, damage: Callable[[Setup], None], shell: tuple[str, ...]
) -> None:
    damage(setup)
    done = setup.run(*WORDS, shell=shell, said=b"hello", more={"theirs": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (7, b"hello", b"")
    (start,) = starts(program)
    assert not under_run(start)
    assert [bytes.fromhex(word) for word in start["argv"]] == [os.fsencode(w) for w in WORDS]
    given = {os.fsencode(k): os.fsencode(v) for k, v in setup.environment.items()}
    assert variables(bytes.fromhex(start["environment"])) == given | {b"theirs": b"1"}


def test_once_codex_has_begun_it_is_never_started_again(setup: Setup, program: Path) -> None:
    with (setup.package / "pump.py").open("a") as pump:
        pump.write("\ndef _start_collector(*_):\n    raise RuntimeError\n")
    done = setup.run()
    assert done.returncode == 1
    assert b"RuntimeError" in done.stderr
    until(lambda: starts(program))
    assert len(starts(program)) == 1


@pytest.mark.parametrize("damage", [None, no_interpreter, failing_before_the_child])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_codex(
    setup: Setup, program: Path, damage: Callable[[Setup], None] | None, number: signal.Signals
) -> None:
    """Under `run` it gives the code of a shell; alone, the shim's place is Codex's own."""
    if damage is not None:
        damage(setup)
    process = setup.waiting()
    code = ended(process, number)
    (start,) = starts(program)
    if damage is None:
        assert code == 128 + number
        assert start["pid"] != process.pid
    else:
        assert (code, start["pid"]) == (-number, process.pid)


def test_ctrl_c_before_codex_has_begun_starts_nothing(setup: Setup, program: Path) -> None:
    interrupted = "import os, signal\ndef main():\n    os.kill(os.getpid(), signal.SIGINT)\n"
    (setup.package / "main.py").write_text(interrupted)
    done = setup.run()
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")
    assert starts(program) == []


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_neither_itself_nor_another_shim_is_taken_for_codex(
    setup: Setup, program: Path, shell: tuple[str, ...]
) -> None:
    """Itself called `codex`, links to it, a wrapper around it, a folder and a file of that name."""
    own = setup.shim(setup.folder / "own" / "codex")
    (linked := setup.folder / "linked").mkdir()
    (linked / "codex").symlink_to(own)
    (wrapping := setup.folder / "wrapping").mkdir()
    (wrapping / "codex").write_text(f'#!/bin/sh\n# mine\nexec {own.parent}/codex-telemetry "$@"\n')
    (wrapping / "codex").chmod(0o755)
    (setup.folder / "folder" / "codex").mkdir(parents=True)
    (plain := setup.folder / "plain").mkdir()
    (plain / "codex").write_text("not to be run")
    names = ("own", "linked", "wrapping", "folder", "plain", "none")
    setup.path = [setup.folder / name for name in names] + setup.path
    for shim in (own, linked / "codex"):
        assert setup.run("hi", shell=shell, shim=shim).returncode == 7
    assert len(starts(program)) == 2
    assert shim_file.on_the_path(setup.environment["PATH"]) == program


def test_codex_of_npm_is_found_through_its_link(setup: Setup, tmp_path: Path) -> None:
    real = stand_in(tmp_path / "lib/node_modules/@openai/codex/bin/codex.js")
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm/codex").symlink_to(real)
    setup.path = [tmp_path / "npm"]
    assert setup.run().returncode == 7
    assert len(starts(real)) == 1


def test_codex_is_not_looked_for_in_the_folder_that_is_open(setup: Setup, program: Path) -> None:
    """Nor in one named relative to it: what is there is the project's."""
    planted = stand_in(setup.folder / "planted" / "codex")
    (setup.folder / "codex").symlink_to(planted)
    done = setup.run(more={"PATH": f":.:planted:{program.parent}"})
    assert done.returncode == 7
    assert (len(starts(planted)), len(starts(program))) == (0, 1)


def test_where_the_path_is_short_codex_is_where_it_was(setup: Setup, program: Path) -> None:
    setup.known, setup.path = program, []
    assert setup.run().returncode == 7
    assert len(starts(program)) == 1


def test_the_codex_that_was_named_comes_before_the_path(setup: Setup, program: Path) -> None:
    setup.fixed = stand_in(setup.folder / "other" / "my codex's")
    assert setup.run().returncode == 7
    assert (len(starts(setup.fixed)), len(starts(program))) == (1, 0)


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
@pytest.mark.parametrize("how", ["gone", "never there", "named and gone", "a shim", "not runnable"])
def test_a_shim_without_codex_says_so_as_a_shell_would(
    setup: Setup, program: Path, shell: tuple[str, ...], how: str
) -> None:
    setup.path = []
    if how == "gone":
        setup.known = setup.folder / "gone"
    elif how == "named and gone":
        setup.fixed, setup.path = setup.folder / "gone", [program.parent]
    elif how == "a shim":
        setup.known = setup.shim(setup.folder / "other-shim")
    elif how == "not runnable":
        setup.fixed = program
        program.chmod(0o644)
    done = setup.run("app-server", shell=shell)
    assert (done.returncode, done.stdout) == (126 if how == "not runnable" else 127, b"")
    assert re.fullmatch(
        rb"codex-telemetry-codex: [^\n]*codex-telemetry shim install[^\n]*\n", done.stderr
    )
    assert starts(program) == []


def test_run_does_not_go_through_a_shim_once_more(setup: Setup, program: Path) -> None:
    own = setup.shim(setup.folder / "own" / "codex")
    setup.path = [own.parent, *setup.path]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "codex_telemetry", "run", "--", "codex", "hi"],
        env=setup.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (7, b"")
    (start,) = starts(program)
    assert not under_run(start)
    assert start["parent"][-4:-1] == ["--", "codex", "hi"]


def test_a_shim_sets_no_variable_that_could_be_somebodys(setup: Setup) -> None:
    text = setup.shim().read_text()
    assert set(re.findall(r"^\s*([A-Za-z_]\w*)=", text, re.MULTILINE)) >= {"ct_python", "ct_left"}
    assert re.findall(r"^\s*(?!ct_|IFS= read)[A-Za-z_]\w*=", text, re.MULTILINE) == []

"""What is started, with what in hand, and how a command that can't be run is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tapped import PATIENCE, eventually, on_linux, program, source_root, tapped

from codex_telemetry import pump
from codex_telemetry.frames import END, START

LIGHT = {"os", "sys", "posix", "time", "struct", "_struct", "errno"} | {
    "codex_telemetry", "codex_telemetry.frames", "codex_telemetry.main", "codex_telemetry.pump"
}  # fmt: skip


def modules(code: str) -> set[str]:
    """What is loaded when a fresh interpreter comes to the `modules` of that code."""
    shown = subprocess.check_output(
        [sys.executable, "-P", "-c", f"import sys\n{code}"],
        env=os.environ | {"PYTHONPATH": source_root()},
    )
    loaded = json.loads(shown)
    assert isinstance(loaded, list)
    return set(loaded)


SHOW = "__import__('os').write(1, repr(sorted(sys.modules)).replace(chr(39), chr(34)).encode())"


def test_nothing_heavy_is_imported_before_the_child_is_started() -> None:
    at_the_start_of_the_child = f"""
import os
def started(*_, **__):
    {SHOW}
    os._exit(0)
os.posix_spawnp = started
sys.argv = ["codex-telemetry", "run", "--", "true"]
from codex_telemetry.main import main
main()
"""
    assert modules(at_the_start_of_the_child) - modules(SHOW) <= LIGHT


def test_the_entry_imports_only_os_and_sys() -> None:
    imported = modules(f"import codex_telemetry.main; {SHOW}") - modules(f"import os; {SHOW}")
    assert imported == {"codex_telemetry", "codex_telemetry.main"}


def test_the_frames_tell_which_program_ran_and_how_it_ended(tmp_path: Path) -> None:
    launches = set()
    for run in ("one", "two"):
        folder = tmp_path / run
        folder.mkdir()
        with tapped(folder, ["/bin/sh", "-c", "echo $$; exit 6", "CANARY"]) as tap:
            _, heard = tap.talk()
            frames = tap.frames()
        first, last = frames[0], frames[-1]
        assert (first.kind, last.kind) == (START, END)
        start = json.loads(first.payload)
        assert start.keys() == {"launch", "program", "child_pid", "codex", "new_thread"}
        assert (start["program"], start["child_pid"]) == ("sh", int(heard))
        assert json.loads(last.payload) == {"exit_code": 6}
        launches.add(start["launch"])
    assert len(launches) == 2


@pytest.mark.parametrize("name", ["plain", 'a "quoted\\ one', "naïve ☃ \U0001f40d", "new\nline"])
def test_any_name_of_a_program_makes_a_readable_first_frame(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o700)
    with tapped(tmp_path, [str(file)]) as tap:
        assert tap.talk() == (0, b"")
        assert json.loads(tap.frames()[0].payload)["program"] == name


def test_a_name_that_is_no_text_makes_a_readable_first_frame_too(tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/caf\xe9"
    os.symlink("/bin/sh", file)
    with tapped(tmp_path, [file, "-c", "exit 4"]) as tap:
        assert tap.talk() == (4, b"")
        assert json.loads(tap.frames()[0].payload)["program"] == "caf?"


@pytest.mark.parametrize(
    ("name", "content", "mode", "code"),
    [
        ("isn't there", None, 0, 127),
        ("isn't executable", "#!/bin/sh\n", 0o600, 126),
        ("is no program", "\0\1\2\3", 0o700, 126),
        ("is a folder", "", 0, 126),
        ("isn't\nthere", None, 0, 127),
    ],
)
def test_a_program_that_cannot_be_run_is_refused_in_one_line(
    tmp_path: Path, name: str, content: str | None, mode: int, code: int
) -> None:
    file = tmp_path / name
    if content:
        file.write_text(content)
        file.chmod(mode)
    elif content is not None:
        file.mkdir()
    with tapped(tmp_path, [str(file)], stderr=subprocess.PIPE) as tap:
        out, line = tap.process.communicate(timeout=PATIENCE)
        assert (tap.process.returncode, out) == (code, b"")
        assert line.startswith(b"codex-telemetry: ")
        assert line.count(b"\n") == 1
        assert not (tmp_path / "collector").exists()


def test_a_program_that_is_not_on_the_path_is_127(tmp_path: Path) -> None:
    with tapped(tmp_path, ["no-such-program-anywhere"], stderr=subprocess.DEVNULL) as tap:
        assert tap.leave() == 127


@on_linux
def test_the_environment_is_passed_on_untouched_even_in_the_c_locale(tmp_path: Path) -> None:
    given = {"PATH": os.environ["PATH"], "ODD": "\udcff=\n"}
    with tapped(tmp_path, ["/usr/bin/env", "-0"], env=given) as tap:
        _, heard = tap.talk()
    entries = sorted(os.fsdecode(entry) for entry in heard.split(b"\0") if entry)
    expected = given | {"PYTHONPATH": source_root()}
    assert entries == sorted(f"{name}={value}" for name, value in expected.items())


def test_arguments_that_are_no_text_arrive_as_they_are(tmp_path: Path) -> None:
    words = [b"--", b"\xff\xfe", b"", b"--help"]
    code = "import os, sys; os.write(1, b'|'.join(os.fsencode(word) for word in sys.argv[1:]))"
    with tapped(tmp_path, [*program(tmp_path, code), *words]) as tap:
        assert tap.talk() == (0, b"|".join(words))


HOLDINGS = """
import json, os, sys
held = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        held[fd] = os.readlink("/proc/self/fd/" + fd)
    except FileNotFoundError:
        pass  # the listing's own
told = json.dumps({"held": held, "pid": os.getpid(), "pgid": os.getpgid(0), "sid": os.getsid(0)})
if len(sys.argv) > 1:
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(told)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
else:
    os.write(1, told.encode() + b"\\n")
while os.read(0, 1000):
    pass
"""


@on_linux
def test_child_and_collector_hold_no_descriptor_that_is_not_theirs(tmp_path: Path) -> None:
    """Else one of them, or a client, would wait for an end of file that never comes."""
    unused, passed = os.pipe()
    told = tmp_path / "told"
    collector = [*program(tmp_path, HOLDINGS), str(told)]
    child = program(tmp_path, HOLDINGS)
    with tapped(tmp_path, child, collector=collector, pass_fds=[passed]) as tap:
        of_child = json.loads(tap.stdout.readline())
        eventually(told.exists)
        of_collector = json.loads(told.read_text())
        assert of_child["held"].keys() == {"0", "1", "2", str(passed)}
        assert of_collector["held"].keys() == {"0", "1", "2"}
        assert of_collector["held"]["0"] not in of_child["held"].values()
        assert of_collector["held"]["1"] == of_collector["held"]["2"] == "/dev/null"
        assert of_collector["sid"] == of_collector["pid"]
        assert of_child["pgid"] == of_child["pid"]
        assert of_child["sid"] == os.getsid(0)
        assert tap.talk()[0] == 0
    os.close(unused)
    os.close(passed)


@pytest.mark.parametrize(
    "collector", [["/no/such/collector"], ["/dev/null"], ["/bin/false"], ["/bin/sh", "-c", "exit"]]
)
def test_a_collector_that_cannot_start_or_dies_at_once_is_not_felt(
    tmp_path: Path, collector: list[str]
) -> None:
    said = b"x" * 1_000_000
    with tapped(tmp_path, ["cat"], collector=collector, stderr=subprocess.PIPE) as tap:
        heard, complaint = tap.process.communicate(said, timeout=PATIENCE)
        assert (tap.process.returncode, heard, complaint) == (0, said, b"")


def test_the_collector_is_this_very_package_whatever_lies_in_the_current_folder(
    tmp_path: Path,
) -> None:
    decoy = tmp_path / "codex_telemetry"
    decoy.mkdir()
    (decoy / "__init__.py").touch()
    (decoy / "__main__.py").write_text("print('decoy')")
    command = pump._collector_command(["--db=x"])
    assert command[-2:] == ["collect", "--db=x"]
    say = [*command[:-2], "run", "--", "echo", "ours"]
    env = os.environ | {"PYTHONPATH": source_root()}
    assert subprocess.check_output(say, cwd=tmp_path, env=env) == b"ours\n"


def test_from_the_source_folder_itself_the_collector_is_found_without_any_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(source_root())
    say = [*pump._collector_command([])[:-1], "run", "--", "echo", "ours"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert subprocess.check_output(say, env=env) == b"ours\n"

"""`service`: the watch in the background is installed once, told of, and removed."""

import json
import os
import plistlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from codex_telemetry.host import launchd, service, systemd
from codex_telemetry.host.watching import Watch
from codex_telemetry.reports.schemas import published
from commands import PROGRAM, Answer, Command
from store_of import until

SYSTEMCTL = """#!/bin/sh
echo "$@" >>"$0.said"
[ ! -e "$0.fails" ]
"""


@pytest.fixture(autouse=True)
def me(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a service manager that could be reached."""
    home = tmp_path / "me"
    home.mkdir()
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(service, "_manager", systemd)
    monkeypatch.setattr(service, "MANAGER", "systemd")
    return home


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manager that can be reached, and what it was told."""
    program = tmp_path / "manager" / "systemctl"
    (program.parent / "systemd" / "private").mkdir(parents=True)
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(program.parent))
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def said(systemctl: Path) -> list[str]:
    log = systemctl.with_name("systemctl.said")
    return log.read_text().splitlines() if log.exists() else []


def unit(me: Path) -> Path:
    return me / ".config" / "systemd" / "user" / "codex-telemetry.service"


def one_line(answer: Answer, code: int, text: str) -> None:
    assert (answer.code, answer.out) == (code, "")
    assert re.fullmatch(rf"codex-telemetry: [^\n]*{text}[^\n]*\n", answer.err), answer.err


def status(cli: Command) -> dict[str, object]:
    told: dict[str, object] = json.loads(cli("service", "status", "--json").out)
    Draft202012Validator(json.loads(published("service"))).validate(told)
    return told


def checked(cli: Command) -> str:
    checks = json.loads(cli("doctor", "--json").out)["checks"]
    return next(f"{c['status']} {c['detail']}" for c in checks if c["name"] == "service")


def test_without_a_manager_it_says_what_to_type(cli: Command, me: Path) -> None:
    done = cli("service", "install")
    assert (done.code, done.out) == (0, f"{unit(me)}\n")
    assert done.err.count("\n") == 1
    assert done.err.endswith(
        ": systemctl --user daemon-reload && "
        "systemctl --user enable --now codex-telemetry.service\n"
    )


def test_with_one_it_is_started(cli: Command, me: Path, systemctl: Path) -> None:
    assert cli("service", "install").err == "installed and started\n"
    assert said(systemctl) == [
        "--user daemon-reload",
        "--user enable --now codex-telemetry.service",
    ]
    assert cli("service", "install", "--codex-home", "/a", "--force").code == 0
    assert said(systemctl)[-1] == "--user restart codex-telemetry.service"
    link = unit(me).parent / "default.target.wants" / unit(me).name
    link.parent.mkdir()
    link.symlink_to(unit(me))
    assert status(cli)["enabled"] is True
    assert cli("service", "uninstall").err == f"stopped, and removed {unit(me)}\n"
    assert said(systemctl)[-2:] == ["--user stop codex-telemetry.service", "--user daemon-reload"]
    assert not unit(me).exists()
    assert not link.is_symlink()


def test_a_manager_that_refuses_is_said(cli: Command, me: Path, systemctl: Path) -> None:
    systemctl.with_name("systemctl.fails").touch()
    done = cli("service", "install")
    assert done.code == 1
    assert "start it by hand (that failed): systemctl" in done.err
    assert unit(me).exists()


def test_one_that_is_installed_already_stays_as_it_is(cli: Command, me: Path) -> None:
    cli("service", "install")
    before = (unit(me).read_bytes(), unit(me).stat().st_mtime_ns)
    again = cli("service", "install")
    assert (again.code, again.out) == (0, "")
    assert again.err == f"it is installed already; nothing was changed: {unit(me)}\n"
    one_line(cli("service", "install", "--codex-home", "/other"), 1, "nothing was changed; --force")
    assert (unit(me).read_bytes(), unit(me).stat().st_mtime_ns) == before
    assert cli("service", "install", "--codex-home", "/other", "--force").code == 0
    assert status(cli)["homes"] == [{"home": "/other", "watched": False, "pid": None}]


@pytest.mark.parametrize("what", ["theirs", "a link", "a folder"])
def test_what_is_not_ours_is_never_touched(cli: Command, me: Path, what: str) -> None:
    unit(me).parent.mkdir(parents=True)
    if what == "theirs":
        unit(me).write_text("[Service]\nExecStart=/bin/true\n")
    elif what == "a link":
        unit(me).symlink_to("/dev/null")  # as `systemctl --user mask` makes it
    else:
        unit(me).mkdir()
    for words in (["install"], ["install", "--force"], ["uninstall"]):
        one_line(cli("service", *words), 1, "not ours; nothing was changed")
    assert os.path.lexists(unit(me))
    assert status(cli)["state"] == "foreign"
    assert checked(cli).startswith("warn ")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--log-level", "loud"], 2, "names no log level"),
        (["--db", ""], 2, "--db is empty"),
        (["--config", "/gone/config.toml"], 2, "there is no config file"),
    ],
)
def test_what_cannot_be_is_one_line(
    cli: Command, me: Path, words: list[str], code: int, text: str
) -> None:
    one_line(cli("service", "install", *words), code, text)
    assert list(me.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(cli: Command, me: Path) -> None:
    (me / ".config").write_text("")
    one_line(cli("service", "install"), 1, "cannot write .*; nothing was changed")
    one_line(cli("service", "uninstall"), 1, "no service is installed")


@pytest.fixture
def running(cli: Command, me: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """What the unit says, done by hand as a manager would: with its own few variables alone."""
    cli("service", "install")
    found = systemd.read(unit(me).read_bytes())
    assert found is not None
    process = subprocess.Popen(
        found.command,
        env={"HOME": str(me), "PATH": "/usr/bin:/bin", **found.environment},
        cwd="/",
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        assert process.stderr.readline().startswith(b"watching")
        yield process
    finally:
        process.kill()
        with process:
            pass


def test_what_the_unit_runs_watches_and_leaves_when_told(
    cli: Command, home: Path, running: "subprocess.Popen[bytes]"
) -> None:
    told = status(cli)
    assert told["state"] == "running"
    assert told["database"] == str(home / "telemetry.db")
    assert told["homes"] == [
        {"home": os.environ["CODEX_HOME"], "watched": True, "pid": running.pid}
    ]
    assert checked(cli).startswith("ok it follows")
    assert f"by process {running.pid}" in cli("service", "status").out
    running.terminate()
    assert running.wait(30) == 0
    assert status(cli)["state"] == "stopped"
    assert checked(cli).startswith("warn it is installed, and not running")


def test_a_service_whose_program_is_gone_is_told_of(cli: Command, me: Path) -> None:
    assert status(cli)["state"] == "not_installed"
    assert checked(cli) == "ok none is installed"
    cli("service", "install")
    text = unit(me).read_text()
    unit(me).write_text(re.sub('ExecStart="[^"]*"', 'ExecStart="/gone/python"', text))
    assert status(cli)["state"] == "broken"
    assert checked(cli) == "warn what it runs is gone: /gone/python"
    assert "--force" in cli("service", "status").out
    unit(me).write_text(systemd.MARK)
    assert status(cli)["state"] == "broken"


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(
    st.lists(WORDS, min_size=1),
    st.dictionaries(st.from_regex("[A-Z_]{1,9}", fullmatch=True), WORDS),
)
def test_whatever_is_in_a_path_a_unit_and_an_agent_say_it(
    words: list[str], variables: dict[str, str]
) -> None:
    watch = Watch(tuple(words), variables)
    assert systemd.read(systemd.written(watch, Path("x"))) == watch
    try:
        agent = launchd.written(watch, Path("x"))
    except ValueError:  # control characters: plistlib says that XML has none
        return
    assert launchd.read(agent) is not None


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd isn't installed")
def test_systemd_takes_the_unit(cli: Command, me: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a b\"c'd%h $HOME"
    odd.mkdir()
    cli("service", "install", "--codex-home", str(odd), "--db", str(odd / "t.db"))

    def verified() -> tuple[int, str]:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--user", str(unit(me))],
            env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert verified() == (0, "")
    unit(me).write_text(unit(me).read_text().replace("Nice=", "Nicer="))
    assert "Nicer" in verified()[1]


def test_an_agent_of_launchd_says_the_same(
    cli: Command, me: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_manager", launchd)
    done = cli("service", "install")
    path = me / "Library" / "LaunchAgents" / "codex-telemetry.watch.plist"
    assert (done.code, done.out) == (0, f"{path}\n")
    assert f"launchctl bootstrap gui/{os.getuid()} {path}" in done.err
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"][1:6] == ["-P", "-m", "codex_telemetry", "backfill", "--watch"]
    assert agent["EnvironmentVariables"]["CODEX_TELEMETRY_HOME"] == str(home)
    assert agent["StandardErrorPath"] == str(home / "service.log")
    assert (agent["RunAtLoad"], agent["ProcessType"], agent["Nice"]) == (True, "Background", 10)
    assert "nothing was changed" in cli("service", "install").err
    assert status(cli)["state"] == "stopped"
    assert cli("service", "uninstall").code == 0
    assert not path.exists()
    for body in ("garbage", "<plist><dict><key>", plistlib.dumps({"Label": "theirs"}).decode()):
        path.write_text(body)
        one_line(cli("service", "install", "--force"), 1, "not ours")


def test_what_a_service_complains_of_does_not_grow_for_ever(tmp_path: Path, home: Path) -> None:
    """launchd never begins that file anew, so the watch does."""
    complaints = home / "service.log"
    complaints.write_bytes(b"x" * (9 << 20))
    with complaints.open("ab") as stderr:
        process = subprocess.Popen(
            [*PROGRAM, "backfill", "--watch"], stdout=subprocess.DEVNULL, stderr=stderr
        )
    try:
        until(lambda: complaints.with_name("service.log.1").exists() and complaints.exists())
    finally:
        process.terminate()
        with process:
            pass
    assert complaints.stat().st_size < 1000, complaints.read_text()

"""`shim`: a launcher is written, told of and removed; what isn't ours stays as it is."""

import json
import os
import re
import stat
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from codex_telemetry.reports.schemas import published
from commands import Answer, Command


@pytest.fixture(autouse=True)
def me(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a Codex on the PATH."""
    home = tmp_path / "me"
    (tmp_path / "bin").mkdir()
    home.mkdir()
    codex = tmp_path / "bin" / "codex"
    codex.write_text("#!/bin/sh\necho codex-cli 0.169.0\n")
    codex.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.delenv("CODEX_TELEMETRY_CODEX", raising=False)
    return home


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_line(answer: Answer, code: int, said: str) -> None:
    assert (answer.code, answer.out) == (code, "")
    assert re.fullmatch(rf"codex-telemetry: [^\n]*{said}[^\n]*\n", answer.err), answer.err


def checked(cli: Command) -> dict[str, str]:
    found: dict[str, str] = {}
    for check in json.loads(cli("doctor", "--json").out)["checks"]:
        found[check["name"]] = f"{check['status']} {check['detail']}"
    return found


def test_a_shim_is_installed_once(cli: Command, me: Path) -> None:
    path = me / ".local" / "bin" / "codex-telemetry-codex"
    first = cli("shim", "install")
    assert (first.code, first.out) == (0, f"{path}\n")
    assert first.err.startswith("installed; ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    again = cli("shim", "install")
    assert (again.code, again.out) == (0, f"{path}\n")
    assert again.err == "it is installed already; nothing was changed\n"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_one_of_ours_is_brought_up_to_date(cli: Command, me: Path, tmp_path: Path) -> None:
    path = me / ".local" / "bin" / "codex-telemetry-codex"
    cli("shim", "install")
    first = path.read_bytes()
    database = tmp_path / "a b.db"
    assert cli("shim", "install", "--db", str(database), "--log-level", "info").err.startswith(
        "updated;"
    )
    assert path.read_bytes() != first
    assert f"""'--db={database}' --log-level=info -- "$ct_codex" "$@\"""" in path.read_text()


def test_status_tells_which_codex_each_starts(cli: Command, me: Path, tmp_path: Path) -> None:
    nothing = cli("shim", "status")
    assert (nothing.code, nothing.out) == (0, "")
    assert cli("shim", "status", "--json").out == "[]\n"
    other = tmp_path / "other codex"
    other.write_bytes(b"\x7fELF")
    other.chmod(0o755)
    cli("shim", "install")
    cli("shim", "install", "--name", "mine", "--codex", str(other))
    cli("shim", "install", "--name", "codex", "--dir", str(tmp_path / "early"))
    os.environ["PATH"] = f"{tmp_path}/early:{os.environ['PATH']}"
    told = {Path(row["path"]).name: row for row in json.loads(cli("shim", "status", "--json").out)}
    for row in told.values():
        Draft202012Validator(json.loads(published("shim"))).validate(row)
    assert {n: (r["state"], r["codex"], r["fixed"]) for n, r in told.items()} == {
        "codex-telemetry-codex": ("ok", str(tmp_path / "bin/codex"), False),
        "mine": ("ok", str(other), True),
        "codex": ("ok", str(tmp_path / "bin/codex"), False),
    }
    assert cli("shim", "status").out.count("\n") == 9
    assert checked(cli)["shims"].startswith("ok ")
    other.unlink()
    assert json.loads(cli("shim", "status", "--json").out)[1]["state"] == "no_codex"
    assert re.match("warn .*/mine finds no Codex", checked(cli)["shims"])


def test_a_shim_whose_program_is_gone_is_told_of(cli: Command, me: Path) -> None:
    cli("shim", "install")
    path = me / ".local" / "bin" / "codex-telemetry-codex"
    path.write_text(re.sub("ct_python=.*", "ct_python=/gone/python", path.read_text()))
    assert json.loads(cli("shim", "status", "--json").out)[0]["state"] == "bare"
    assert re.match("warn .* starts Codex alone: /gone/python", checked(cli)["shims"])
    path.write_text("#!/bin/sh\n# codex-telemetry shim: damaged\nct_python='\n")
    assert json.loads(cli("shim", "status", "--json").out)[0]["state"] == "no_codex"
    assert cli("shim", "install").err.startswith("updated;")


@pytest.mark.parametrize("what", ["program", "link", "link to a shim", "folder", "codex itself"])
def test_what_is_not_ours_is_never_touched(
    cli: Command, me: Path, tmp_path: Path, what: str
) -> None:
    folder = me / ".local" / "bin"
    folder.mkdir(parents=True)
    path = folder / "codex-telemetry-codex"
    if what == "program":
        path.write_text("#!/bin/sh\n# about a codex-telemetry shim: not one\n")
    elif what == "link":
        path.symlink_to(tmp_path / "bin" / "codex")
    elif what == "link to a shim":
        cli("shim", "install", "--name", "other")
        path.symlink_to("other")
    elif what == "folder":
        path.mkdir()
    else:
        path = tmp_path / "bin" / "codex"
    words = ("--name", path.name, "--dir", str(path.parent))
    before = files(tmp_path)
    one_line(cli("shim", "install", *words), 1, "not ours; nothing was changed")
    one_line(cli("shim", "uninstall", *words), 1, "not ours; nothing was changed")
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--name", "a/b"], 2, "--name: .* can't be the name"),
        (["--name", ".."], 2, "--name: .* can't be the name"),
        (["--name", ""], 2, "--name: .* can't be the name"),
        (["--name", "a\nb"], 2, "--name: .* can't be the name"),
        (["--name", "x" * 300], 2, "--name is too long"),
        (["--dir", "/dev/null"], 1, "cannot write /dev/null/codex-telemetry-codex: "),
        (["--dir", "/proc/none"], 1, "cannot write /proc/none/codex-telemetry-codex: "),
        (["--codex", "/gone"], 1, "--codex: /gone is no Codex that can be run"),
        (["--codex", "/tmp"], 1, "--codex: /tmp is no Codex that can be run"),
        (["--log-level", "loud"], 2, "--log-level names no log level"),
    ],
)
def test_what_cannot_be_is_one_line(
    cli: Command, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    before = files(tmp_path)
    one_line(cli("shim", "install", *words), code, said)
    assert files(tmp_path) == before


def test_without_codex_none_is_installed(cli: Command, me: Path, tmp_path: Path) -> None:
    """A shim of ours is none either."""
    cli("shim", "install", "--name", "codex", "--dir", str(tmp_path / "early"))
    (tmp_path / "bin" / "codex").unlink()
    os.environ["PATH"] = f"{tmp_path}/early:/usr/bin:/bin"
    cached = "codex_telemetry.host.find._newest_in_cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, lambda _: None)
        one_line(cli("shim", "install"), 1, "there is no codex on the PATH")
    early = tmp_path / "early" / "codex"
    one_line(cli("shim", "install", "--codex", str(early)), 1, "is no Codex that can be run")


def test_a_shim_is_removed_by_its_name(cli: Command, me: Path, tmp_path: Path) -> None:
    cli("shim", "install", "--name", "mine", "--dir", str(tmp_path / "x"))
    gone = cli("shim", "uninstall", "--name", "mine", "--dir", str(tmp_path / "x"))
    assert (gone.code, gone.err) == (0, f"removed {tmp_path}/x/mine\n")
    assert list((tmp_path / "x").iterdir()) == []
    one_line(cli("shim", "uninstall"), 1, "there is no shim at ")

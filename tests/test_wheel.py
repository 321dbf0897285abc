"""The built wheel, installed away from the checkout: what people get is what is tested."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from checkout import CHECKOUT, files

EXTRAS = ("codex_telemetry.web.", "codex_telemetry.tui.", "codex_telemetry.sinks.otlp.")
"""What takes a library that a plain install lacks."""


@dataclass(frozen=True)
class Installed:
    wheel: Path
    bin: Path
    elsewhere: Path
    """A working folder that holds nothing of ours."""

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=self.elsewhere,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Nothing that leads back to the checkout or to this person's own data."""
        ours = ("PYTHON", "CODEX_", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {"CODEX_TELEMETRY_HOME": str(self.elsewhere / "home")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built without isolation (hatchling is here), installed with the dependencies it declares."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, CHECKOUT])
    (wheel,) = folder.glob("*.whl")
    # A pip of its own would take longer than all the rest.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    constraints = CHECKOUT / "constraints.txt"
    pip(["install", "--constraint", constraints, wheel], into=folder / "venv/bin/python")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, folder / "venv" / "bin", elsewhere)


def pip(command: list[str | Path], into: Path | None = None) -> None:
    target = ["--python", str(into)] if into else []
    done = subprocess.run(
        [sys.executable, "-m", "pip", *target, "-qq", "--disable-pip-version-check", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def in_python(installed: Installed, code: str) -> str:
    return installed.run("python", "-c", code)


def test_the_only_top_level_module_is_ours(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"codex_telemetry"}


def test_what_the_wheel_holds_is_what_the_checkout_tracks(installed: Installed) -> None:
    """Neither a file left out nor one that lay about (caches, an editor's copy)."""
    sources = {
        CHECKOUT / "collector" / "codex_telemetry": "codex_telemetry",
        CHECKOUT / "schema": "codex_telemetry/_schema",
    }
    expected = {
        f"{target}/{path.relative_to(source).as_posix()}"
        for path in files("--cached", "--others", "--exclude-standard")
        for source, target in sources.items()
        if path.is_relative_to(source)
    }
    names = zipfile.ZipFile(installed.wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == expected


def test_it_is_imported_from_where_it_was_installed(installed: Installed) -> None:
    where = in_python(installed, "import codex_telemetry; print(codex_telemetry.__file__)")
    assert Path(where.strip()).is_relative_to(installed.bin.parent)


def test_it_says_what_it_can_do(installed: Installed) -> None:
    assert "turns" in installed.run("codex-telemetry", "--help")


def test_it_says_its_version(installed: Installed) -> None:
    version = in_python(installed, "import codex_telemetry; print(codex_telemetry.__version__)")
    assert version.strip() in installed.wheel.name


def test_path_works_with_no_checkout_about(installed: Installed) -> None:
    paths = json.loads(installed.run("codex-telemetry", "path", "--json"))
    assert Path(paths["database"]).is_relative_to(installed.elsewhere / "home")


def test_the_store_can_be_made_from_the_migrations_that_travel_with_it(
    installed: Installed,
) -> None:
    (installed.elsewhere / "codex").mkdir()
    read = installed.run("codex-telemetry", "backfill", "--codex-home", "codex", "--json")
    assert json.loads(read)["files"] == 0
    assert json.loads(installed.run("codex-telemetry", "turns", "--json")) == []


def test_every_module_can_be_imported_with_the_declared_dependencies(installed: Installed) -> None:
    code = f"""
import importlib, pkgutil, codex_telemetry
for module in pkgutil.walk_packages(codex_telemetry.__path__, "codex_telemetry."):
    needs_an_extra = module.name.startswith({EXTRAS})
    if not module.name.endswith("__main__") and not needs_an_extra:
        importlib.import_module(module.name)
        print(module.name)
"""
    assert len(in_python(installed, code).splitlines()) > 10


def test_what_takes_an_extra_says_so_in_one_line(installed: Installed) -> None:
    done = subprocess.run(
        [installed.bin / "codex-telemetry", "serve"],
        env=installed.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "codex-telemetry[web]" in line


def test_a_whole_recorded_session_runs_with_no_checkout_about(installed: Installed) -> None:
    """The demo's data travels: with no Codex to be found, it replays what ships inside."""
    environment = installed.environment() | {"PATH": str(installed.bin)}
    done = subprocess.run(
        [installed.bin / "codex-telemetry", "demo"],
        cwd=installed.elsewhere,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "$ sleep" in done.stdout


def test_a_shim_of_it_starts_a_program_under_run(installed: Installed) -> None:
    codex = installed.elsewhere / "their-codex"
    codex.write_text("#!/bin/sh\necho under $PPID\n")
    codex.chmod(0o755)
    words = ("shim", "install", "--dir", str(installed.elsewhere / "shims"), "--codex", str(codex))
    shim = installed.run("codex-telemetry", *words).strip()
    process = subprocess.Popen(
        [shim], env=installed.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.read() == b"under %d\n" % process.pid
    assert process.returncode == 0

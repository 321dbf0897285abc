"""Where things are: options before the environment before the platform, and never a crash."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_telemetry.config import codex_homes, log_level, paths
from codex_telemetry.errors import UsageError, UserError


@pytest.fixture(autouse=True)
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("DATA", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_without_a_word_the_platforms_folders(platform: Path) -> None:
    found = paths(environ={})
    assert found.database == platform / "data" / "codex-telemetry" / "telemetry.db"
    assert found.config == platform / "config" / "codex-telemetry" / "config.toml"
    assert platform / "state" in found.log.parents
    assert not list(platform.iterdir())


def test_an_option_comes_before_the_environment_and_the_file_before_the_folder() -> None:
    environ = {"CODEX_TELEMETRY_HOME": "/h", "CODEX_TELEMETRY_DB": "/e.db"}
    assert paths("/o.db", environ=environ).database == Path("/o.db")
    assert paths(environ=environ).database == Path("/e.db")
    assert paths(environ={"CODEX_TELEMETRY_HOME": "/h"}).database == Path("/h/telemetry.db")
    environ = {"CODEX_TELEMETRY_HOME": "/h", "CODEX_TELEMETRY_CONFIG": "/e.toml"}
    assert paths(config="/o.toml", environ=environ).config == Path("/o.toml")
    assert paths(environ=environ).config == Path("/e.toml")
    assert paths(environ={"CODEX_TELEMETRY_HOME": "/h"}).config == Path("/h/config.toml")
    assert paths(environ={"CODEX_TELEMETRY_HOME": "/h"}).log == Path("/h/telemetry.log")


def test_what_is_set_to_nothing_is_not_set() -> None:
    empty = {"CODEX_TELEMETRY_HOME": "", "CODEX_TELEMETRY_DB": "", "CODEX_HOME": " , "}
    assert paths(environ=empty) == paths(environ={})
    assert codex_homes(empty) == codex_homes({})


def test_a_path_is_absolute_and_its_home_is_found(
    platform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(platform)
    assert paths("x/../y.db", environ={}).database == platform / "y.db"
    assert paths("~/y.db", environ={}).database == platform / "y.db"


def test_a_database_with_its_folder_lost_has_two_more_places_for_its_spool(platform: Path) -> None:
    own, state, temp = paths("/a/b.db", environ={"TMPDIR": "/t"}).spool
    assert own == Path("/a/b.db.spool")
    assert platform / "state" in state.parents
    assert temp.parent.parent == Path("/t")


def test_two_databases_share_no_spool(tmp_path: Path) -> None:
    one, other = paths("/a/x.db", environ={}).spool, paths("/a/y.db", environ={}).spool
    assert not set(one) & set(other)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real = paths(str(tmp_path / "real" / "x.db"), environ={}).spool[1:]
    assert real == paths(str(tmp_path / "link" / "x.db"), environ={}).spool[1:]


def test_homes_of_codex_are_a_list(platform: Path) -> None:
    assert codex_homes({}) == (platform / ".codex",)
    assert codex_homes({"CODEX_HOME": "/a, ~/b ,,/a"}) == (Path("/a"), platform / "b")


def test_nothing_is_logged_unless_asked_for() -> None:
    assert log_level(None, {}) is None
    assert log_level("off", {"CODEX_TELEMETRY_LOG": "debug"}) is None
    assert log_level(None, {"CODEX_TELEMETRY_LOG": "Info"}) == "info"
    assert log_level("ERROR", {}) == "error"
    for option, environ in (("", {}), ("loud", {}), (None, {"CODEX_TELEMETRY_LOG": "loud"})):
        with pytest.raises(UsageError, match="names no log level"):
            log_level(option, environ)


@given(st.text(), st.text(), st.text())
def test_odd_words_are_one_line_or_a_path(option: str, home: str, temp: str) -> None:
    environ = {"CODEX_TELEMETRY_HOME": home, "TMPDIR": temp, "CODEX_HOME": option}
    for ask in (
        lambda: paths(option, option, environ),
        lambda: paths(environ=environ),
        lambda: codex_homes(environ),
        lambda: log_level(option, environ),
    ):
        with contextlib.suppress(UserError):
            ask()

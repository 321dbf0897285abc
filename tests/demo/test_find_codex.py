"""Which Codex is run: the environment's, else the PATH's, else the newest of the checkout's cache."""

from pathlib import Path

import pytest

from codex_telemetry.host.find import NoSuchCodexError, find_codex


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _nothing_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEX_TELEMETRY_CODEX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def cached(checkout: Path, version: str) -> Path:
    return program(checkout / ".cache/codex" / version / "node_modules/.bin/codex")


def test_the_environment_comes_before_the_path_and_the_path_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_cache = cached(tmp_path, "0.169.0")
    assert find_codex(tmp_path) == in_cache
    on_path = program(tmp_path / "bin/codex")
    assert find_codex(tmp_path) == on_path
    named = program(tmp_path / "elsewhere/my-codex")
    monkeypatch.setenv("CODEX_TELEMETRY_CODEX", str(named))
    assert find_codex(tmp_path) == named


def test_the_newest_release_of_the_cache_is_taken_by_number(tmp_path: Path) -> None:
    cached(tmp_path, "0.63.0")
    newest = cached(tmp_path, "0.169.0")
    cached(tmp_path, "0.98.0")
    assert find_codex(tmp_path) == newest


def test_a_release_that_is_still_being_fetched_is_left_alone(tmp_path: Path) -> None:
    cached(tmp_path, ".partial-0.170.0-4711")
    cached(tmp_path, "0.169.0").chmod(0o644)
    assert find_codex(tmp_path) is None


def test_a_codex_named_by_the_environment_that_is_not_there_is_said_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin/codex")
    monkeypatch.setenv("CODEX_TELEMETRY_CODEX", str(tmp_path / "gone"))
    with pytest.raises(NoSuchCodexError, match="CODEX_TELEMETRY_CODEX"):
        find_codex(tmp_path)

"""The gate: no way round it that the type checker or the running program lets through."""

import copy
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

import codex_telemetry
from capture.granting import grant, heard, kept, tell
from checkout import CHECKOUT
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.gate import (
    MOST_KEPT,
    Captured,
    Cleared,
    Grant,
    NotGrantedError,
    Sealed,
    clear,
)
from codex_telemetry.store import grants
from saved import BORN

HEAD = """\
from typing import cast
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.gate import Captured, Cleared, Grant, Heard, Sealed, clear
from codex_telemetry.core.facts import Drift
def story(heard: Heard, grant: Grant, sealed: Sealed, batch: Batch, maybe: Grant | None) -> None:
    """

WAYS_ROUND = {
    "a grant out of nothing": "Grant()",
    "a grant out of something": "Grant(object())",
    "a kind of grant of one's own": "class Own(Grant): ...",
    "other terms for a grant": "grant.terms = grant.terms",
    "captured without a grant": "Captured(heard)",
    "captured with what may be none": "Captured(heard, maybe)",
    "captured with a word": "Captured(heard, 'yes')",
    "a kind of captured of one's own": "class Own(Captured): ...",
    "cleared with content that isn't captured": "Cleared(heard, sealed)",
    "cleared with text": "Cleared(heard, 'text')",
    "kept without being cleared": "batch.keep(heard)",
    "added as if it were a fact": "batch.add(heard, 0)",
    "put into a batch as it is": "batch.cleared.append(heard)",
    "opened without a grant": "sealed.opened()",
    "opened with what may be none": "sealed.opened(maybe)",
    "cleared by a flag": "clear(heard, True)",
    "a kind of sealed of one's own": "class Own(Sealed): ...",
    "what was heard as a name of drift": "Drift(None, sealed, '')",
}
ALLOWED = "batch.keep(clear(heard, maybe)); batch.keep(Cleared(heard, Captured(heard, grant)))"


def test_the_type_checker_refuses_each_way_round(tmp_path: Path) -> None:
    for n, way in enumerate([ALLOWED, *WAYS_ROUND.values()]):
        (tmp_path / f"way_{n}.py").write_text(f"{HEAD}{way}\n")
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            tmp_path,
            *sorted(map(str, tmp_path.glob("way_*.py"))),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = checked.stdout + checked.stderr
    assert "way_0.py" not in told, told
    for n, name in enumerate(WAYS_ROUND, start=1):
        assert f"way_{n}.py:6: error:" in told, f"{name}: {told}"


@pytest.mark.parametrize("module", ["grant", "sealed", "content_text"])
def test_import_rules_let_nobody_else_in(tmp_path: Path, module: str) -> None:
    """`issue`, say, which is for `store.grants` alone."""
    package = tmp_path / "codex_telemetry"
    shutil.copytree(Path(codex_telemetry.__file__).parent, package)
    (package / "reports" / "round.py").write_text(f"import codex_telemetry.core.{module}\n")
    checked = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-logo",
            "--no-cache",
            "--config",
            CHECKOUT / "pyproject.toml",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1, checked.stdout
    assert "codex_telemetry.reports.round" in checked.stdout


def granted(tmp_path: Path) -> Grant:
    database = tmp_path / "t.db"
    grant(database, tmp_path)
    found = grants.load(database).covering(heard("", tmp_path))
    assert found is not None
    return found


def test_a_grant_cannot_be_made_copied_or_faked(tmp_path: Path) -> None:
    true = granted(tmp_path)
    with pytest.raises(TypeError):
        Grant(cast(Any, None))
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copying(true)
    fake = object.__new__(Grant)
    fake._terms, fake._seal = true.terms, true._seal
    said = heard("secret", tmp_path)
    with pytest.raises(NotGrantedError):
        Captured(said, fake)
    with pytest.raises(PermissionError):
        said.content.opened(fake)
    assert clear(said, fake).captured is None
    assert clear(said, cast(Any, True)).captured is None


def test_what_was_not_captured_cannot_be_cleared(tmp_path: Path) -> None:
    fake = object.__new__(Captured)
    with pytest.raises(NotGrantedError):
        Cleared(heard("secret", tmp_path), fake)


def test_sealed_content_shows_its_size_and_nothing_else(tmp_path: Path) -> None:
    sealed = Sealed(b'"CANARY-PROMPT"')
    assert repr(sealed) == "<sealed: 15 bytes>"
    assert "CANARY" not in repr(heard("CANARY-PROMPT", tmp_path))
    assert sealed != Sealed(b'"CANARY-PROMPT"')
    for using in (str, "{}".format, bytes, list, copy.copy, pickle.dumps, msgspec.json.encode):
        with pytest.raises(TypeError) as refused:
            cast(Any, using)(sealed)
        assert "CANARY" not in str(refused.value)
    assert not hasattr(sealed, "__dict__")


def test_no_encoder_takes_what_was_cleared(tmp_path: Path) -> None:
    batch = Batch("live", "launch")
    batch.keep(clear(heard("x", tmp_path), granted(tmp_path)))
    assert batch
    with pytest.raises(TypeError):
        msgspec.msgpack.encode(batch)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(batch.without_content()))[-1] == []


def test_a_grant_is_good_for_the_folder_it_was_asked_for_alone(tmp_path: Path) -> None:
    true = granted(tmp_path)
    assert clear(heard("x", tmp_path), true).captured is not None
    assert clear(heard("x", tmp_path / "other"), true).captured is None
    assert clear(heard("x", None), true).captured is None


@pytest.mark.parametrize("at", [None, -1, 1 << 53, BORN - 1, BORN + 1_000])
def test_what_was_written_at_another_time_is_not_meant(tmp_path: Path, at: int | None) -> None:
    database = tmp_path / "t.db"
    grant(database, tmp_path, until=BORN + 1_000)
    tell(database, heard("in time", tmp_path), heard("not", tmp_path, item="i1", at=at))
    assert kept(database) == ["in time"]


def test_only_the_kinds_that_were_granted_are_kept(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    grant(database, tmp_path, ["response"])
    tell(database, heard("asked", tmp_path), heard("answered", tmp_path, kind="response"))
    assert kept(database) == ["answered"]


def test_what_is_cut_is_counted_and_cut_at_a_character(tmp_path: Path) -> None:
    text = "x" + "é" * MOST_KEPT
    box = Captured(heard(text, tmp_path), granted(tmp_path)).box
    assert (box.size, box.cut_bytes) == (1 + 2 * MOST_KEPT, 2 + MOST_KEPT)


def test_what_is_no_json_is_not_kept(tmp_path: Path) -> None:
    said = heard("x", tmp_path)
    broken = type(said)(
        said.session_id, said.turn_id, said.item_id, "prompt", BORN, said.cwd, Sealed(b'"\xff')
    )
    deep = type(said)(
        said.session_id, said.turn_id, said.item_id, "prompt", BORN, said.cwd, Sealed(b"[" * 9_999)
    )
    for one in (broken, deep):
        assert clear(one, granted(tmp_path)).captured is None

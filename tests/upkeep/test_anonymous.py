"""What is sent with a bug report says nothing of whose it is."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from canary import leaks_in
from codex_telemetry.reports.schemas import published
from commands import Command
from saved import query

CODEXS_OWN = re.compile(
    r"[A-Za-z_]{1,40}|\d+\.\d+\.\d+\S{0,10}|[0-9a-f]{12}|\((reader|line|client line|more)\)"
)

SELDOM = ("traceparent", "client_name", "git_repo", "command_hash")
"""Columns that no recording fills."""


@pytest.fixture
def exported(cli: Command, every: Path) -> str:
    answer = cli("export", "--anonymous", "--db", str(every))
    assert answer.code == 0, answer.err
    return answer.out


def test_it_is_what_its_schema_says_and_says_what_it_holds(exported: str) -> None:
    told = json.loads(exported)
    Draft202012Validator(json.loads(published("anonymous"))).validate(told)
    assert len(told["holds"]) == 7
    assert len(told["turns"]) > 300
    assert len(told["sessions"]) > 200


def test_no_id_no_name_no_folder_no_word_and_no_date_is_in_it(exported: str, every: Path) -> None:
    assert not leaks_in(exported)
    for table, columns in (
        (
            "sessions",
            "session_id cwd git_branch git_commit git_repo rollout_path models model_provider client_name originator",
        ),
        ("turns", "turn_id cwd model traceparent"),
        ("items", "item_id name server command_hash"),
        ("origins", "name"),
    ):
        for column in columns.split():
            names = query(every, f"SELECT DISTINCT {column} FROM {table} WHERE {column} <> ''")
            assert names or column in SELDOM, column
            for (name,) in names:
                assert f'"{name}"' not in exported, (column, name)
    assert not re.search(r"/home|\d{4}-\d\d-\d\d", exported)
    assert not re.search(r"\b1795\d{9}\b", exported)  # when they were recorded


def test_every_text_in_it_is_a_hash_or_a_word_that_we_know(exported: str) -> None:
    told = json.loads(exported)
    for name in ("holds", "program_version", "python", "sqlite", "system", "drift", "gaps"):
        del told[name]
    assert [text for text in texts(told) if not CODEXS_OWN.fullmatch(text)] == []


def test_two_exports_share_no_id(cli: Command, every: Path, exported: str) -> None:
    hashed = re.compile(r'"([0-9a-f]{12})"')
    other = cli("export", "--anonymous", "--db", str(every)).out
    assert set(hashed.findall(exported))
    assert not set(hashed.findall(exported)) & set(hashed.findall(other))


def test_ids_that_belong_together_still_do(exported: str) -> None:
    told = json.loads(exported)
    sessions = {session["session"] for session in told["sessions"]}
    assert {turn["session"] for turn in told["turns"]} == sessions
    assert any(session["parent"] in sessions for session in told["sessions"])
    moments = [turn["started_ms"] for turn in told["turns"] if turn["started_ms"] is not None]
    assert min(moments) >= 0


def test_a_file_is_new_and_its_owners_alone(cli: Command, every: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    words = ("export", "--anonymous", "--last", "3", "--db", str(every), "--out", str(file))
    answer = cli(*words)
    assert (answer.code, answer.out) == (0, "")
    assert len(json.loads(file.read_text())["turns"]) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    refused = cli(*words)
    assert refused.code == 2
    assert "is there already" in refused.err
    assert (
        cli("export", "--anonymous", "--out", str(tmp_path / "no" / "x"), "--db", str(every)).code
        == 2
    )


def test_what_is_to_be_exported_has_to_be_said(cli: Command, every: Path) -> None:
    answer = cli("export", "--db", str(every))
    assert answer.code == 2
    assert answer.err == "codex-telemetry: export: what is to be exported isn't said; --anonymous\n"


def texts(told: Any) -> list[str]:
    if isinstance(told, str):
        return [told]
    if isinstance(told, dict):
        return [text for value in told.values() for text in texts(value)]
    return [text for value in told for text in texts(value)] if isinstance(told, list) else []

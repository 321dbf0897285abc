"""Content goes out only where a grant stands, the config allows it, and the command asks for it."""

import json
from pathlib import Path

import pytest

from backfill.codex_home import place
from canary import MARKED
from capture import conftest as capturing
from capture.asking import WORK, done
from commands import Command
from otlp_receiver import Receiver, attributes
from recordings import Recordings

no_keyring, logs, captured = capturing.no_keyring, capturing.logs, capturing.captured


def export(cli: Command, home: Path, *words: str, allowed: bool) -> None:
    (home / "config.toml").write_text(f"[otlp]\ncontent = {str(allowed).lower()}\n")
    done(cli("export", "otlp", *words))


def test_with_all_locks_open_what_was_said_is_in_its_spans(
    cli: Command, captured: str, http: Receiver, home: Path
) -> None:
    export(cli, home, "--content", allowed=True)
    told = {span.name.split(" ")[0]: attributes(span) for span in http.spans}
    prompt = json.loads(told["invoke_agent"]["gen_ai.input.messages"])
    assert prompt == [
        {"role": "user", "parts": [{"type": "text", "content": "CANARY-PROMPT-1 please [[script:shell]]"}]}
    ]  # fmt: skip
    answers = json.loads(told["invoke_agent"]["gen_ai.output.messages"])
    assert {part["type"] for said in answers for part in said["parts"]} == {"reasoning", "text"}
    assert told["execute_tool"]["gen_ai.tool.call.arguments"]
    assert told["execute_tool"]["gen_ai.tool.call.result"]


@pytest.mark.parametrize("allowed", [True, False])
def test_unless_the_command_asks_for_it_none_is_sent(
    cli: Command, captured: str, http: Receiver, home: Path, allowed: bool
) -> None:
    export(cli, home, allowed=allowed)
    assert http.spans
    assert MARKED.search(http.everything()) is None


def test_where_the_config_does_not_allow_it_the_command_is_refused(
    cli: Command, captured: str, http: Receiver, home: Path
) -> None:
    answer = cli("export", "otlp", "--content")
    assert (answer.code, http.spans) == (2, [])
    assert "content = true" in answer.err


def test_where_nothing_was_granted_there_is_none(
    cli: Command, recordings: Recordings, tmp_path: Path, http: Receiver, home: Path
) -> None:
    logs = place([recordings.one("0.169.0/b_shell")], tmp_path / "codex")
    done(cli("backfill", "--codex-home", str(logs)))
    export(cli, home, "--content", allowed=True)
    assert http.spans
    assert MARKED.search(http.everything()) is None


def test_what_was_taken_back_stays_here(
    cli: Command, captured: str, http: Receiver, home: Path
) -> None:
    done(cli("capture", "disable", WORK))
    export(cli, home, "--content", allowed=True)
    assert http.spans
    assert MARKED.search(http.everything()) is None

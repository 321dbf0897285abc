"""Whether it is a Codex that is started, and for what: by names and the first word, nothing else."""

import shlex

import pytest

from codex_telemetry.wrapped import begins_a_thread, codex_words, holds_no_session


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("codex exec --json", "exec --json"),
        ("codex", ""),
        ("/opt/x/codex-x86_64-unknown-linux-musl exec", "exec"),
        ("npx -y @openai/codex@0.169.0 exec", "exec"),
        ("env CODEX_HOME=/x timeout 60 codex resume", "resume"),
        ("timeout 60 codex resume", "resume"),
        ("node /usr/lib/node_modules/@openai/codex/bin/codex.js", ""),
        ("cat codex", None),
        ("cat", None),
        ("sh -c 'codex exec'", None),
        ("npx cowsay", None),
    ],
)
def test_a_codex_is_known_by_its_name_or_its_launchers(command: str, words: str | None) -> None:
    found = codex_words(shlex.split(command))
    assert found == (words.split() if words is not None else None)


@pytest.mark.parametrize(
    "command",
    ["codex login", "codex --version", "codex mcp list", "npx codex login status", "codex -V"],
)
def test_some_of_its_commands_hold_no_session(command: str) -> None:
    assert holds_no_session(command.split())


@pytest.mark.parametrize(
    "command",
    [
        "codex",
        "codex exec login",
        "codex login-page-is-broken",
        "codex mcp serve",
        "codex mcp-server",
        "codex app-server",
        "cat --version",
        "codex -c a=b login",
    ],
)
def test_whatever_else_it_is_told_may_be_a_session(command: str) -> None:
    assert not holds_no_session(command.split())


def test_what_can_go_on_with_a_thread_begins_none() -> None:
    assert begins_a_thread("codex exec --json hello".split())
    for command in ("codex exec --json resume --last x", "codex exec fork x", "sh -c codex"):
        assert not begins_a_thread(command.split())

"""Of a command its word is kept, and only where it is one."""

import pytest

from codex_telemetry.core.command_word import command_word


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("touch x", "touch"),
        ("/bin/bash -lc 'touch x && echo y'", "touch"),
        ("bash -c \"sh -c 'ls -l'\"", "ls"),
        ("A=1 B='two words' /usr/bin/git status", "git"),
        ("env -i PATH=/bin python3 x.py", "python3"),
        ("zsh -lc 'env FOO=bar make'", "make"),
        ("env", "env"),
        ("apply_patch <<'EOF'\nsecret\nEOF", "apply_patch"),
        ("/bin/bash script.sh", "bash"),
        ("bash -lc", None),
        ("", None),
        ("'unbalanced", None),
        ("(cd x; ls)", None),
        ("$SECRET --flag", None),
        ("x" * 41, None),
        ("sk-not\x1b[31m", None),
        (["bash", "-lc", "sleep 1; echo CANARY"], "sleep"),
        (["/bin/sh", "-c", "exec node server.js"], "exec"),
        (["rm", "-rf", "secret"], "rm"),
        ([], None),
    ],
)
def test_the_word_of_a_command(command: str | list[str], word: str | None) -> None:
    assert command_word(command) == word


def test_a_script_of_megabytes_is_not_read_through() -> None:
    assert command_word("/bin/bash -lc 'cat <<X\n" + "word " * 1_000_000 + "\nX'") == "cat"

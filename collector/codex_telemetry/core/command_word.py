"""The word of a command: all we keep of it."""

import re
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+""", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""", re.DOTALL)
_SPACE = re.compile(r"\s*")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SHELLS = frozenset({"sh", "bash", "zsh", "dash"})
_SHELL_C = re.compile(r"-[a-z]*c[a-z]*")
_WORD = re.compile(r"[A-Za-z0-9._+-]{1,40}")
_DEEPEST = 3
_PLAIN = re.compile(r"\s*([A-Za-z0-9._+/-]+)(?:\s|$)")
"""A command that begins with a word without quotes: most do."""


def command_word(command: str | Sequence[str]) -> str | None:
    """`touch` out of `/bin/bash -lc 'A=1 touch x'`; None where no plain word stands there.

    Shells called with -c and `env` are unwrapped, `NAME=value` skipped, the basename taken; only
    what looks like a program's name is kept. The contract's rule for `items.name`.
    """
    script = command if isinstance(command, str) else _script(command)
    plain = _PLAIN.match(script) if script is not None else None
    if plain is not None:
        name = plain[1].rpartition("/")[2]
        if name not in _SHELLS and name != "env":
            return name if _WORD.fullmatch(name) else None
    return _word(command, _DEEPEST)


def _script(command: Sequence[str]) -> str | None:
    """What a shell is called with: so Codex itself runs most commands."""
    if len(command) == 3 and _SHELL_C.fullmatch(command[1]):
        return command[2] if command[0].rpartition("/")[2] in _SHELLS else None
    return None


def _word(command: str | Sequence[str], depth: int) -> str | None:
    words = _words(command) if isinstance(command, str) else iter(command)
    first = next((word for word in words if not _ASSIGNMENT.match(word)), None)
    if first is None:
        return None
    name = first.rpartition("/")[2]
    if name in _SHELLS and depth:
        option = next(words, "")
        if _SHELL_C.fullmatch(option):
            script = next(words, None)
            return _word(script, depth - 1) if script is not None else None
    if name == "env" and depth:
        rest = [word for word in words if not word.startswith("-")]
        return _word(rest, depth - 1) if rest else name
    return name if _WORD.fullmatch(name) else None


def _words(text: str) -> Iterator[str]:
    """Shell words as far as they are asked for: a script may be megabytes long."""
    end = 0
    while (start := _SPACE.match(text, end).end()) < len(text):  # type: ignore[union-attr]
        match = _TOKEN.match(text, start)
        if match is None:
            return  # an open quote: what follows is no word
        end = match.end()
        yield _QUOTED.sub(lambda q: next(g for g in q.groups() if g is not None), match[0])

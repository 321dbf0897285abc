"""What the words after `run --` start: whether that is a Codex, and whether it can hold a session.

By the names of programs and by the first word that follows, never by what else is said: that may be
a prompt. Standard library only: the pump imports it.
"""

import os

LAUNCHERS = frozenset(
    "bun bunx caffeinate deno env nice node nohup npx pnpm setsid stdbuf time timeout".split()
)
"""Programs that are told which program to start."""

HOLDS_NO_SESSION = frozenset(
    "--help --version -V -h apply completion features help login logout mcp plugin update".split()
)
"""First words with which no release (0.20 to 0.169) begins, goes on with or looks into a session.
`mcp serve` of 0.42 did, and so this holds for `mcp` only where another word than `serve` follows."""


def codex_words(command: list[str]) -> list[str] | None:
    """What a Codex is told, if that is what a command starts; None for any other program."""
    if _is_codex(command[0]):
        return command[1:]
    if os.path.basename(command[0]) in LAUNCHERS:
        for n, word in enumerate(command[1:], 2):
            if _is_codex(word):
                return command[n:]
    return None


def holds_no_session(command: list[str]) -> bool:
    """Whether it's a Codex that is asked for something else than a session."""
    words = codex_words(command) or [""]
    return words[0] in HOLDS_NO_SESSION and words[:2] != ["mcp", "serve"]


def begins_a_thread(command: list[str]) -> bool:
    """Whether it's a Codex that can only begin a thread of its own: `exec fork` (0.169) and `resume` go
    on with what another has used, and say so nowhere else. A prompt of that one word may pass for it."""
    words = codex_words(command)
    return words is not None and not {"fork", "resume"} & set(words)


def _is_codex(word: str) -> bool:
    """`codex`, npm's `codex.js` and `@openai/codex@0.169.0`, a release's `codex-x86_64-…`."""
    name = os.path.basename(word)
    return name in ("codex", "codex.js") or name.startswith(("codex@", "codex-"))

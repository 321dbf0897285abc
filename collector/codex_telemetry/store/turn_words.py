"""How turns are asked for: by the numbers of their words and of their session, which indexes hold (0026)."""

from typing import Final

from codex_telemetry.store.stored_values import named

WORDS: Final = {
    "status": ("completed", "interrupted", "failed", "in_progress"),
    "duration_clock": ("codex_ms", "log", "codex_s", "wire"),
    "effort": ("medium", "high", "low", "xhigh", "minimal", "none"),
    "approval_policy": ("on-request", "never", "untrusted", "on-failure"),
    "sandbox": (
        *("workspace-write", "danger-full-access", "read-only"),
        *("workspaceWrite", "dangerFullAccess", "readOnly"),
    ),
    "truncation_policy": ("tokens:10000", "bytes:10000"),
    "summary_mode": ("auto", "none", "concise", "detailed"),
    "parts_source": ("rollout", "live"),
}
"""By their numbers, as the schema has them: more may only be appended there by a migration."""

NUMBERS: Final = {
    column: {word: number for number, word in enumerate(words)} for column, words in WORDS.items()
}

# Said here once more: SQLite wouldn't take a column that is made of others out of an index.
STATUS: Final = named("status_stored", WORDS["status"])
EFFORT: Final = named("effort_stored", WORDS["effort"])


OF_SESSION: Final = "session_key = (SELECT session_key FROM sessions WHERE session_id = ?)"
"""The turns of a session, by its id."""


def stored_status(status: str) -> int | str:
    return NUMBERS["status"].get(status, status)

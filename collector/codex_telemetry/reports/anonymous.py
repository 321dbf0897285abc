"""A database for a bug report: times and counts, and every id and name as a hash nobody can make again."""

import os
import platform
import re
from hashlib import blake2b

from codex_telemetry import __version__
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.core.rows import CLOCK_NAMES
from codex_telemetry.reports.shapes_anonymous import (
    Anonymous,
    AnonymousDrift,
    AnonymousGap,
    AnonymousItem,
    AnonymousSession,
    AnonymousTurn,
)
from codex_telemetry.reports.shaping import sources
from codex_telemetry.store import health, queries
from codex_telemetry.store.copies import counted
from codex_telemetry.store.queries import Filters, Row, Store

HOLDS = [
    "versions of this program, its schema, Python and SQLite; the system's name; rows by table",
    "names of Codex's messages and fields that this version doesn't know, and how often they came",
    "of sessions and turns: status, releases of Codex, times, durations, counts, tokens",
    "every id, and names of models, tools and servers, as hashes by a secret that nobody keeps",
    "times are counted from the earliest one: when it was isn't said",
    "no folders, branches, commands or anything that was said",
    "who has two of these can't match their ids; the same durations or counts may be seen in both",
]
"""What the one who sends it is told, in it too."""

TIMES = """duration_ms ttft_ms ttfm_ms start_delay_ms model_ms tools_ms approval_ms hooks_ms
compaction_ms retry_ms unexplained_ms interrupt_ms mcp_startup_ms""".split()
COUNTS = """prompts messages reasoning_items tool_calls tool_failures approvals retries errors responses
input_tokens cached_input_tokens cache_write_input_tokens output_tokens reasoning_output_tokens
total_tokens context_tokens context_window compaction images""".split()

KINDS = {*TOOLS, *"message reasoning plan user_message compaction review image hook other".split()}
STATUSES = {*"completed interrupted failed in_progress declined unfinished".split()}
RELATIONS = {"root", "fork", "subagent", "review"}
CLOCKS = {*CLOCK_NAMES.values()}

_RELEASE = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}(-(alpha|beta|rc)\.\d{1,4})?")
# What kinds of error Codex's protocol knows, it spells like this.
_ERROR = re.compile(r"[a-z][A-Za-z_]{2,40}")


class _Veil:
    """Ids and names by hashes of this export alone, moments by how long after the first they were."""

    def __init__(self, earliest: int | None) -> None:
        self._key = os.urandom(32)
        self._earliest = earliest

    def id(self, name: str) -> str:
        return blake2b(name.encode("utf-8", "replace"), key=self._key, digest_size=6).hexdigest()

    def named(self, name: str | None) -> str | None:
        return None if name is None else self.id(name)

    def since(self, ms: int | None) -> int | None:
        return None if ms is None or self._earliest is None else ms - self._earliest

    def one_of(self, known: set[str], word: str | None) -> str | None:
        """A word of ours; whatever else stands there is a name."""
        return word if word is None or word in known else self.id(word)

    def like(self, pattern: re.Pattern[str], word: str | None) -> str | None:
        return word if word is None or pattern.fullmatch(word) else self.id(word)


def anonymous(db: Store, last: int) -> Anonymous:
    """`last`: so many turns, the latest."""
    turns = list(queries.turns(db, Filters(last=last)))
    ids = {turn["session_id"] for turn in turns}
    sessions = [row for row in queries.sessions(db, Filters()) if row["session_id"] in ids]
    moments = [row["started_at"] for row in turns] + [row["created_at"] for row in sessions]
    veil = _Veil(min((ms for ms in moments if ms is not None), default=None))
    return Anonymous(
        holds=HOLDS,
        program_version=__version__,
        schema_version=health.schema_version(db),
        python=platform.python_version(),
        sqlite=health.sqlite_version(db),
        system=platform.system(),
        rows=counted(db),
        bytes=health.size(db),
        drift=[
            AnonymousDrift(
                source=row["source"],
                codex_version=veil.like(_RELEASE, row["codex_version"]),
                name=row["name"],
                reason=row["reason"],
                n=row["n"],
            )
            for row in queries.drift(db)
        ],
        gaps=[
            AnonymousGap(
                session=veil.named(row["session_id"]),
                at_ms=veil.since(row["at"]),
                dropped_bytes=row["dropped_bytes"],
                reason=row["reason"],
            )
            for row in queries.gaps(db)
        ],
        sessions=[_session(veil, row) for row in sessions],
        turns=[_turn(db, veil, row) for row in turns],
    )


def _session(veil: _Veil, row: Row) -> AnonymousSession:
    return AnonymousSession(
        session=veil.id(row["session_id"]),
        root=veil.named(row["root_session_id"]),
        parent=veil.named(row["parent_session_id"]),
        forked_from=veil.named(row["forked_from_id"]),
        relation=veil.one_of(RELATIONS, row["relation"]),
        cli_version=veil.like(_RELEASE, row["cli_version"]),
        created_ms=veil.since(row["created_at"]),
        last_ms=veil.since(row["last_at"]),
        turns=row["turns"],
        sources=sources(row["sources"]),
    )


def _turn(db: Store, veil: _Veil, row: Row) -> AnonymousTurn:
    return AnonymousTurn(
        turn=veil.id(row["turn_id"]),
        session=veil.id(row["session_id"]),
        turn_index=row["turn_index"],
        status=veil.one_of(STATUSES, row["status"]) or "",
        error_kind=veil.like(_ERROR, row["error_kind"]),
        model=veil.named(row["model"]),
        cli_version=veil.like(_RELEASE, row["cli_version"]),
        sources=sources(row["sources"]),
        parts_source=veil.one_of({"live", "rollout"}, row["parts_source"]),
        duration_clock=veil.one_of(CLOCKS, row["duration_clock"]),
        started_ms=veil.since(row["started_at"]),
        ended_ms=veil.since(row["ended_at"]),
        captured_ms=veil.since(row["captured_at"]),
        times={name: row[name] for name in TIMES},
        counts={name: row[name] for name in COUNTS},
        items=[_item(veil, item) for item in queries.items_of(db, row["turn_key"])],
    )


def _item(veil: _Veil, row: Row) -> AnonymousItem:
    return AnonymousItem(
        item=veil.id(row["item_id"]),
        kind=veil.one_of(KINDS, row["kind"]) or "",
        name=veil.named(row["name"]),
        server=veil.named(row["server"]),
        status=veil.one_of(STATUSES, row["status"]) or "",
        started_ms=veil.since(row["started_at"]),
        ended_ms=veil.since(row["ended_at"]),
        duration_ms=row["duration_ms"],
        approval_ms=row["approval_ms"],
    )

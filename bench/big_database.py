"""A database of any size, the same each time, written straight into the tables of the schema.

`python bench/big_database.py FILE [TURNS]`: 500,000 turns with eleven times as many items, events
and responses take 1.3 GB. Distributions are those of a busy team: most turns short, some very long; few
folders and models most used; releases that follow one another; a third of the turns known from logs
alone, without parts.
"""

import random
import sqlite3
import sys
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from codex_telemetry import pricing
from codex_telemetry.cli import reach
from codex_telemetry.core.facts import ItemFacts, Said, TurnFacts, Weight
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.core.rows import ItemRow, ResponseRow, TurnRow
from codex_telemetry.settings import Settings
from codex_telemetry.store import db as schema
from codex_telemetry.store import stored_items, stored_responses, stored_turns
from codex_telemetry.store.stored_values import stored_uuid

BEGUN = 1_750_000_000_000
"""ms UTC, a Sunday in June 2025."""

SPAN_MS = 540 * 86_400_000
TURNS_A_SESSION = 9
AT_ONCE = 20_000
ANY_TURN = "t" * 36
"""Stands in a body that is for any turn."""

Row = tuple[Any, ...]


class Pick(NamedTuple):
    """A choice with weights."""

    values: Sequence[Any]
    upto: Sequence[float]

    def of(self, chance: random.Random) -> Any:
        return self.values[bisect(self.upto, chance.random() * self.upto[-1])]


def pick(**weights: float) -> Pick:
    """`nothing` stands for None, `_` for a hyphen or a dot where a name needs one."""
    values = [None if name == "nothing" else name for name in weights]
    return Pick(values, list(accumulate(weights.values())))


STATUS = pick(completed=91, interrupted=6, failed=2.9, in_progress=0.1)
EFFORT = pick(medium=45, high=30, low=12, xhigh=8, nothing=5)
ITEM_STATUS = pick(completed=90, failed=7, declined=1, unfinished=2)
KIND = pick(command=62, file_change=14, mcp_tool=12, dynamic_tool=4, web_search=5, subagent=3)
WORD = pick(
    **dict.fromkeys(("rg", "sed", "cat", "git", "ls"), 12),
    **dict.fromkeys(("python3", "npm", "cargo", "make", "pytest", "go", "find", "nl"), 4),
    **{f"tool{n}": 6 / (n + 4) for n in range(300)},
    nothing=2,
)
SERVER = pick(github=5, browser=3, docs=2, database=1)
MCP_TOOL = pick(**{f"tool_{n}": 1 / (n + 1) for n in range(24)})
EVENT = pick(
    approval=30, hook=25, mcp_server_startup=12, retry=10, error=7, turn_aborted=6,
    context_compacted=5, thread_rolled_back=3, model_rerouted=2,
)  # fmt: skip
CLIENT = pick(vscode_extension=6, jetbrains=2, own_client=1, nothing=3)
MODELS = ("gpt-5-codex", "gpt-5.1-codex", "gpt-5.1-codex-mini", "gpt-5.5", "gpt-5.5-mini")
TYPICAL_MS = {"command": 90, "file_change": 25, "mcp_tool": 700, "dynamic_tool": 200,
              "web_search": 1_500, "subagent": 60_000}  # fmt: skip


def write(path: Path, turns: int, seed: int = 2026) -> None:
    """Make the database; `path` must not be there yet."""
    schema.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        # An index is made faster from what is there than kept up row by row.
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        db.execute("BEGIN")
        _fill(db, turns, random.Random(seed))
        for _, sql in indexes:
            db.execute(sql)
        db.execute("INSERT INTO to_price SELECT session_id FROM sessions")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    settings = Settings()
    reach.bring_up_to_date(path, pricing.wanted(settings), settings)


def _fill(db: sqlite3.Connection, turns: int, chance: random.Random) -> None:
    made = Made(chance, turns)
    sessions = made.sessions()
    _insert(db, "origins", "origin kind name codex_version first_at last_at", made.origins())
    _insert(db, "sessions", SESSION, (session.row for session in sessions))
    stream = made.turns(sessions)
    while some := list(islice(stream, AT_ONCE)):
        _insert(db, "turns", TURN, (turn.row for turn in some))
        _insert(db, "items", ITEM, (row for turn in some for row in made.items(turn)))
        _insert(db, "responses", RESPONSE, (row for turn in some for row in made.responses(turn)))
        _insert(db, "events", EVENT_ROW, (row for turn in some for row in made.events(turn)))
        _insert(db, "rate_limits", LIMIT, (row for turn in some for row in made.limits(turn)))
        _insert_told(db, (row for turn in some for row in made.told(turn)))
    db.execute(SPANS)
    _insert(db, "drift", DRIFT, made.drift())
    _insert(db, "gaps", "origin at reason dropped_bytes", made.gaps())
    db.execute(SUM_UP)


def _insert_told(db: sqlite3.Connection, told: Iterable[Row]) -> None:
    """Each turn in a body of its own, as if it had been heard live."""
    ((last,),) = db.execute("SELECT coalesce(max(told_body), 0) FROM told_bodies")
    rows = [(turn, origin, key, body) for key, (turn, origin, body) in enumerate(told, last + 1)]
    _insert(db, "told_bodies", "told_body turns body", ((key, 1, body) for *_, key, body in rows))
    _insert(db, "told_turns", "turn_id origin told_body", (row[:3] for row in rows))
    _insert(db, "told_by_origin", "origin told_body", (row[1:3] for row in rows))


def _insert(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[Row]) -> None:
    names = columns.split()
    marks = ", ".join("?" * len(names))
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


SESSION = """session_key session_id root_session_id relation source originator client_name cli_version
model_provider cwd git_branch git_commit git_repo created_at last_at captured_at utc_offset_min sources
models"""
TURN = " ".join(["turn_key", *stored_turns.COLUMNS])
SAID = """turn_id session_id status error_kind started_at ended_at duration_ms
duration_clock ttft_ms ttfm_ms model effort approval_policy sandbox cli_version cwd prompts messages
reasoning_items tool_calls tool_failures approvals retries errors responses input_tokens
cached_input_tokens output_tokens reasoning_output_tokens total_tokens context_tokens context_window
start_delay_ms model_ms tools_ms approval_ms hooks_ms compaction_ms retry_ms unexplained_ms captured_at
utc_offset_min sources""".split()
"""What a turn says, of all that one may say."""
_SILENT: dict[str, Any] = dict.fromkeys(TurnRow.__struct_fields__)
ITEM = " ".join(stored_items.COLUMNS)
RESPONSE = " ".join(stored_responses.COLUMNS)
EVENT_ROW = "session_id turn_id event_key kind name at duration_ms status sources"
LIMIT = "origin observed_at limit_id window_minutes used_percent resets_at plan_type session_stored"
DRIFT = "origin codex_version name reason n first_seen last_seen"

SPANS = """
INSERT INTO reading_spans SELECT origin, min(observed_at), max(observed_at) FROM rate_limits
GROUP BY origin
"""
SUM_UP = """
UPDATE sessions SET
    (turns, turns_interrupted, turns_failed, prompts, messages, tool_calls, input_tokens,
     cached_input_tokens, output_tokens, reasoning_output_tokens, total_tokens, last_at) = (
        SELECT count(*), count(*) FILTER (WHERE status = 'interrupted'),
            count(*) FILTER (WHERE status = 'failed'), sum(prompts), sum(messages),
            sum(tool_calls), sum(input_tokens), sum(cached_input_tokens), sum(output_tokens),
            sum(reasoning_output_tokens), sum(total_tokens),
            max(sessions.created_at, coalesce(max(started_at), 0))
        FROM turns WHERE turns.session_key = sessions.session_key)
"""


class Session(NamedTuple):
    row: Row
    key: int
    session_id: str
    created: int
    cwd: str
    origin: int
    sources: int


class Turn(NamedTuple):
    row: Row
    key: int
    turn_id: str
    session: Session
    status: str
    started: int
    duration: int
    tools: int
    responses: int
    model: str


class Made:
    """Rows, in the order in which they are asked for."""

    def __init__(self, chance: random.Random, turns: int) -> None:
        self.chance = chance
        self.number = turns
        self.threads = max(1, turns // TURNS_A_SESSION)
        self.templates = {n: _body(n) for n in range(41)}

    def origins(self) -> Iterator[Row]:
        for n in range(1, self.threads + 1):
            kind = "live" if n % 3 == 0 else "rollout"
            yield n, kind, f"{kind}-{n}", "0.169.0", BEGUN, BEGUN + SPAN_MS

    def sessions(self) -> list[Session]:
        chance, made = self.chance, []
        for n in range(self.threads):
            created = BEGUN + n * SPAN_MS // self.threads
            repository = int(chance.paretovariate(0.8)) % 150
            cwd = f"/home/me/work/project-{repository}"
            if chance.random() < 0.2:
                cwd = f"/home/me/.worktrees/{n % 40}/project-{repository}"
            hashed = f"{repository:032x}" if repository % 8 else None
            sources = (1, 2, 2, 3, 3, 3, 3)[int(chance.random() * 7)]
            model = _model(chance, created)
            session_id = _uuid(created, n)
            client = CLIENT.of(chance)
            row = (
                n + 1, session_id, session_id, "root", "vscode" if client else "cli",
                client or "codex_cli_rs", client, _release(created), "openai", cwd,
                f"branch-{n % 50}", f"{n:040x}", hashed, created, created, created, 60, sources,
                f'["{model}"]',
            )  # fmt: skip
            made.append(Session(row, n + 1, session_id, created, cwd, n + 1, sources))
        return made

    def turns(self, sessions: Sequence[Session]) -> Iterator[Turn]:
        chance, key = self.chance, 0
        shares = [chance.expovariate(1) for _ in sessions]
        scale = self.number / sum(shares)
        due = 0.0
        for session, share in zip(sessions, shares, strict=True):
            due += share * scale
            at = session.created
            for index in range(round(due) - key):
                key += 1
                turn = self._turn(key, index, session, at)
                yield turn
                at = turn.started + turn.duration + int(chance.expovariate(1 / 240_000))

    def _turn(self, key: int, index: int, session: Session, at: int) -> Turn:
        chance = self.chance
        status = STATUS.of(chance)
        model, effort = _model(chance, at), EFFORT.of(chance)
        duration = min(int(chance.lognormvariate(10.1, 1.4)) + 300, 9 * 3_600_000)
        ttft = min(int(chance.lognormvariate(7.9, 0.7)), duration)
        tools = min(int(chance.expovariate(1 / 3.4)), 40)
        responses = 1 + tools * 2 // 3
        heard = session.sources & 1 and status != "in_progress"
        approvals = 1 if heard and tools and chance.random() < 0.12 else 0
        approval = min(int(chance.lognormvariate(8.5, 1)), duration // 2) if approvals else 0
        in_tools = int((duration - approval) * chance.random() * 0.6) if tools else 0
        parts: Row = (None,) * 8
        if heard:
            rest = duration - approval - in_tools
            delay = min(rest, int(chance.expovariate(1 / 40)))
            parts = (delay, rest - delay, in_tools, approval, 0, 0, 0, 0)
        fresh = int(chance.lognormvariate(9, 1))
        tokens = (fresh * 3, fresh * 2, fresh // 8, fresh // 16, fresh * 3 + fresh // 8)
        ended = None if status == "in_progress" else at + duration
        cwd = session.cwd
        if chance.random() < 0.05:
            cwd = f"{cwd}/part" if chance.random() < 0.6 else None  # type: ignore[assignment]
        turn_id = _uuid(at, key)
        said = (
            turn_id, session.session_id, status,
            "usage_limit_exceeded" if status == "failed" else None, at, ended,
            None if ended is None else duration, None if ended is None else "codex_ms", ttft,
            ttft + 200 if heard else None, model, effort, "on-request", "workspaceWrite",
            _release(at), cwd, 1, 1 + tools // 3, tools // 2, tools, tools // 20, approvals, 0, 0,
            responses, *tokens, tokens[0], 258_400, *parts, at, 60, session.sources,
        )  # fmt: skip
        its = TurnRow(**{**_SILENT, **dict(zip(SAID, said, strict=True))})
        row = (key, *stored_turns.stored(its, session.key, index))
        return Turn(row, key, turn_id, session, status, at, duration, tools, responses, model)

    def items(self, turn: Turn) -> Iterator[Row]:
        for nth, item in enumerate(self._items(turn)):
            yield tuple(stored_items.stored(turn.key, nth, item))

    def _items(self, turn: Turn) -> Iterator[ItemRow]:
        chance, at, n = self.chance, turn.started, turn.key
        yield _item(f"item-{n}-p", "user_message", at, 0)
        for i in range(turn.tools // 2 + 1):
            yield _item(f"rs_{n:016x}{i:04x}", "reasoning", at, 80)
        for i in range(turn.tools // 3 + 1):
            yield _item(f"msg_{n:016x}{i:04x}", "message", at, 90)
        for i in range(turn.tools):
            kind, status = KIND.of(chance), ITEM_STATUS.of(chance)
            took = min(int(chance.lognormvariate(0, 1.5) * TYPICAL_MS[kind]), turn.duration)
            server = SERVER.of(chance) if kind == "mcp_tool" else None
            name = _name(chance, kind)
            done = status in ("completed", "failed")
            item = _item(f"call_{n:016x}{i:04x}", kind, at + i * 100, took if done else None)
            item.name, item.status, item.server = name, status, server
            item.exit_code = int(status == "failed") if kind == "command" and done else None
            item.output_bytes = took * 7 % 20_000
            item.action = "search" if kind == "web_search" else None
            yield item

    def responses(self, turn: Turn) -> Iterator[Row]:
        yield from map(tuple, stored_responses.stored(turn.key, self._responses(turn)))

    def _responses(self, turn: Turn) -> Iterator[ResponseRow]:
        step = turn.duration // turn.responses
        for i in range(turn.responses):
            used = 1_000 + (turn.key * 7919 + i * 104_729) % 60_000
            yield ResponseRow(
                (i + 1) * 70_000 + used, f"resp_{turn.key:024x}{i:04x}", turn.model,
                turn.started + (i + 1) * step, used, used // 2, None, used // 10, used // 20,
                used + used // 10, None,
            )  # fmt: skip

    def events(self, turn: Turn) -> Iterator[Row]:
        chance = self.chance
        for i in range(min(int(chance.expovariate(1 / 0.9)), 6)):
            kind = EVENT.of(chance)
            took = int(chance.lognormvariate(6, 1)) if kind in ("approval", "hook") else None
            yield (
                turn.session.session_id, turn.turn_id, f"{kind}:{i}", kind, None,
                turn.started + i * 50, took, "accept" if kind == "approval" else None,
                turn.session.sources,
            )  # fmt: skip

    def limits(self, turn: Turn) -> Iterator[Row]:
        if turn.key % 3 == 0:
            for minutes, used in ((300, 100), (10_080, 40)):
                window = minutes * 60_000
                yield (
                    turn.session.origin, turn.started, "codex", minutes,
                    turn.started % window * used / window,
                    turn.started - turn.started % window + window, "pro",
                    stored_uuid(turn.session.session_id),
                )  # fmt: skip

    def told(self, turn: Turn) -> Iterator[Row]:
        body = self.templates[turn.tools].replace(ANY_TURN.encode(), turn.turn_id.encode())
        yield turn.turn_id, turn.session.origin, body
        if turn.session.sources == 3:
            yield turn.turn_id, turn.session.origin % self.threads + 1, body

    def drift(self) -> Iterator[Row]:
        for n in range(min(self.threads, 400)):
            yield n + 1, "0.169.0", f"item/new{n % 40}", "unknown method", 5, BEGUN, BEGUN + n

    def gaps(self) -> Iterator[Row]:
        for n in range(min(self.threads, 40)):
            yield n + 1, BEGUN + n, "queue full", 4_096


def _item(item_id: str, kind: str, at: int, took: int | None) -> ItemRow:
    item = ItemRow(**dict.fromkeys(ItemRow.__struct_fields__))  # type: ignore[arg-type]
    item.item_id, item.kind, item.status = item_id, kind, "completed"
    item.started_at, item.duration_ms = at, took
    item.ended_at = None if took is None else at + took
    return item


def _name(chance: random.Random, kind: str) -> str | None:
    named = {"command": WORD, "mcp_tool": MCP_TOOL, "dynamic_tool": MCP_TOOL}
    return str(found) if kind in named and (found := named[kind].of(chance)) else None


def _model(chance: random.Random, at: int) -> str:
    """Each has its time; some stay."""
    era = (at - BEGUN) * 3 // SPAN_MS
    return MODELS[min(len(MODELS) - 1, max(0, int(era + chance.random() * 2.4)))]


def _release(at: int) -> str:
    return f"0.{130 + (at - BEGUN) * 40 // SPAN_MS}.0"


def _uuid(ms: int, n: int) -> str:
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{n & 0xFFF:03x}-8000-{n:012x}"


def _body(tools: int) -> bytes:
    """What was told of a turn of so many calls, of about the length that it really has."""
    turn = TurnFacts(TurnId(ANY_TURN), tellers={SessionId(_uuid(BEGUN, 0)): BEGUN}, sources=3)
    done = Said("completed", Weight.LIVE)
    items = [ItemFacts("command", name=Said("sed", Weight.LIVE), status=done) for _ in range(tools)]
    turn.items = {ItemId(f"call_{n:020x}"): item for n, item in enumerate(items)}
    return msgspec.msgpack.encode(turn)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python bench/big_database.py FILE [TURNS]")
    write(Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) == 3 else 500_000)

"""What the reader of a rollout file remembers between lines, so as to go on where it stopped."""

from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from codex_telemetry.core.facts import Captured, LimitSample, SessionFacts, TurnFacts, Usage
from codex_telemetry.core.identity import SessionId, TurnId
from codex_telemetry.core.veil import Veil

MOST_FOLDERS = 50

MOST_KEPT = 1000
"""Calls and turns remembered at most: a thread may go on for years."""


class Pending(Struct, array_like=True):
    """A response told by a `token_usage_record`, until the `token_count` that names its total."""

    turn_id: TurnId
    usage: Usage
    cache_write: int | None
    response_id: str | None
    thread_total: int | None
    at: int | None
    model: str | None


class Tokens(Struct, array_like=True):
    total: int | None = None
    """The running total last heard."""
    parts: Usage | None = None
    """What it is made up of."""
    pending: Pending | None = None


class Held(Struct, array_like=True):
    """A beginning told while a review is open: the reviewer's own, unless a context follows it."""

    turn_id: str | None
    root_turn_id: str | None
    started_at: int | None
    at: int | None


class Replay(Struct, array_like=True):
    """A history copied in front of a thread's own lines, while it lasts."""

    until_ordinal: int | None = None
    first: int | None = None
    last: int | None = None
    review: int | None = None
    """When a review was opened that nothing has closed so far."""


class Instructions(Struct, array_like=True):
    told: bool = False
    """Whether there was a field for them at all, empty or not."""
    length: int | None = None
    hash: str | None = None


class State(Struct, array_like=True):
    thread: SessionId | None = None
    created: int | None = None
    version: str | None = None
    paginated: bool = False
    continues: bool = False
    """Its history stands in another file: its first token count tells of the past."""
    copied: bool = False
    """It may hold turns of another thread: those begun before it was."""
    session: SessionFacts | None = None
    session_changed: bool = False
    turns: dict[TurnId, TurnFacts] = field(default_factory=dict)
    """Claims not yet handed out."""
    tally: dict[TurnId, dict[str, int]] = field(default_factory=dict)
    """How many of what, of the turns met last."""
    loose: dict[str, int] = field(default_factory=dict)
    """Counted while a review's outer turn has no name yet."""
    current: TurnId | None = None
    ended: bool = False
    elsewhere: bool = False
    """The lines are of a copied turn."""
    answered: bool = False
    """Of a turn without an id: the model has said its last word, as far as one can tell."""
    last_line: str | None = None
    """What the line before was, and when: an output, a prompt, a compaction."""
    last_at: int | None = None
    aliases: dict[str, TurnId] = field(default_factory=dict)
    """Names that a migration made up (`rollout-5`) → the turns."""
    events_seen: bool = False
    """The file tells its prompts as events: its messages of role user needn't be looked at."""
    prompt: int | None = None
    """A message of role user in a file that has told no prompt as an event so far."""
    untimed: int = 0
    """Of the format without times: lines so far, in place of their times where only order counts."""
    prompts: int = 0
    """Of the same: how many so far."""
    review: int | None = None
    """When the open review was entered."""
    reviewed: int | None = None
    """When the last review was entered whose outer turn hasn't been named so far."""
    held: Held | None = None
    replay: Replay | None = None
    tokens: Tokens = field(default_factory=Tokens)
    calls: dict[str, tuple[TurnId, str]] = field(default_factory=dict)
    """Calls without an output so far → their turn and kind."""
    known_limits: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)
    kept_limits: list[LimitSample] = field(default_factory=list)
    limits_said: bytes = b""
    """The last word on limits, as it was written, and when."""
    limits_at: int = 0
    model: str | None = None
    cwd: str | None = None
    service_tier: str | None = None
    base_instructions: Instructions | None = None
    user_instructions: Instructions | None = None
    captured: Captured | None = None
    begun: bool = False
    """A line was read."""
    last_stamp: bytes = b""
    """Of the last line of its own."""
    contexts: list[tuple[int, int]] = field(default_factory=list)
    """When the last responses came, and the tokens in the context after each."""
    estimate: tuple[int, int] | None = None
    """When Codex last said how much it reckons to be in the context, and how much."""
    folders: dict[TurnId, str] = field(default_factory=dict)
    """The latest turns whose own context told where they run."""


_decoder = msgspec.msgpack.Decoder(State)


def load(state: bytes) -> State:
    return _decoder.decode(state)


def veiled(state: State, veil: Veil) -> State:
    """It as it may be stored."""
    if veil.hashes is None:
        return state
    return replace(
        state,
        session=None if state.session is None else veil.over_session(state.session),
        turns={turn_id: veil.over_turn(turn) for turn_id, turn in state.turns.items()},
        cwd=veil.folder(state.cwd),
        folders={
            turn_id: hashed
            for turn_id, folder in state.folders.items()
            if (hashed := veil.folder(folder)) is not None
        },
    )


def bound(remembered: dict[Any, Any], most: int = MOST_KEPT) -> None:
    while len(remembered) > most:
        del remembered[next(iter(remembered))]

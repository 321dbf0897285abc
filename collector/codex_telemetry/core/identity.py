"""What things are called: typed ids, and the one function that makes a turn's id."""

import re
from functools import lru_cache
from typing import NewType

SessionId = NewType("SessionId", str)
"""Codex's *thread* id. Codex's own `sessionId` is the root's id: ours is `root_session_id`."""
TurnId = NewType("TurnId", str)
ItemId = NewType("ItemId", str)
"""Codex's item id, unique within a thread; the rollout's `call_id` is the same."""
LaunchId = NewType("LaunchId", str)
"""Made by `run` at each start of a child."""

EXEC = "exec"
"""In a turn's id: `codex exec` told of it."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_LAUNCHED = re.compile(r"[0-9a-f]{11}")
_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


@lru_cache(maxsize=256)
def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


@lru_cache(maxsize=256)
def uuid7_ms(text: str) -> int | None:
    """The Unix time in ms inside a UUIDv7; None for any other id.

    Codex makes thread ids (seen from 0.42) and turn ids (from 0.106) at the moment of creation.
    """
    match = _UUID.fullmatch(text)
    if match is None or match[1] != "7":
        return None
    return int(text[:8] + text[9:13], 16)


def is_safe_id(text: str) -> bool:
    """Whether an id from the wire may be stored and shown: no spaces, controls or free text."""
    return _ID.fullmatch(text) is not None


def turn_id(session: SessionId, launch: str, codex_turn: str) -> TurnId:
    """The id of a turn: Codex's own where it is a UUID, else `<session>:<launch>:<n>`.

    Up to 0.98 turn ids are small numbers that start again in each thread and each process.
    """
    if is_uuid(codex_turn):
        return TurnId(codex_turn)
    return TurnId(f"{session}:{launch}:{codex_turn}")


def log_turn_id(session: SessionId, said_at: int) -> TurnId:
    """The id of a turn of which only a log without turn ids tells (up to 0.98): its thread and the
    time (ms UTC) of its prompt. Never a place in a file: files are rewritten."""
    return TurnId(f"{session}:@{said_at}")


def exec_turn_id(session: SessionId, launch: str, n: int) -> TurnId:
    """The id of a turn that `codex exec` tells of, the nth of that process: its events name none."""
    return TurnId(f"{session}:{EXEC}:{launch}:{n}")


def is_exec_turn(turn: str) -> bool:
    """Whether `exec_turn_id` made it."""
    return turn.split(":")[1:2] == [EXEC]


def launched_ms(launch: LaunchId) -> int | None:
    """When `run` made it (Unix time, ms): a launch's id begins with that, in hexadecimal."""
    told, _, _ = launch.partition("-")
    return int(told, 16) if _LAUNCHED.fullmatch(told) else None


def is_log_turn(turn: str) -> bool:
    """Whether `log_turn_id` made it."""
    return ":@" in turn

"""Which threads of subagents a call speaks to, by its arguments, its answer, or its own item."""

import re
from typing import Any

from msgspec import Raw

from codex_telemetry.core.identity import SessionId, is_uuid

_TO = ("id", "ids", "target", "targets")
"""Arguments that name agents: by their threads in 0.98 to 0.169; code mode has names of its own."""

_SPAWNED = re.compile(rb'"\{\\"agent_id\\":\\"([0-9a-f-]{36})\\"')
"""How the answer of `spawn_agent` begins (0.98 to 0.169)."""


def named(*told: Any) -> frozenset[SessionId]:
    """Those that are the ids of threads, out of strings and lists of them."""
    every = [each for one in told for each in (one if isinstance(one, list) else [one])]
    return frozenset(SessionId(each) for each in every if isinstance(each, str) and is_uuid(each))


def addressed(arguments: Any) -> frozenset[SessionId]:
    if not isinstance(arguments, dict):
        return frozenset()
    return named(*(arguments.get(name) for name in _TO))


def spawned(output: Raw) -> frozenset[SessionId]:
    found = _SPAWNED.match(bytes(output))
    return named(found[1].decode()) if found is not None else frozenset()

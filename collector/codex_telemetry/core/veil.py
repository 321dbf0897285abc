"""What of a fact is stored as it is, and what only as a keyed hash: the user says which, once.

A hash is known by its form, so what is veiled already stays as it is. A folder is hashed part by
part, each with all that is above it: so what lies under what can still be asked, and nothing else.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from codex_telemetry.core.facts import (
    EventFacts,
    Fact,
    ItemFacts,
    Said,
    SessionFacts,
    Snapshot,
    TurnFacts,
)
from codex_telemetry.core.identity import ItemId

Hasher = Callable[[str], str | None]
"""A keyed hash, in hex; the key isn't known here. None: there is no key, so nothing is kept."""

STARTUP = "mcp_server_startup"
"""The kind of the events that are called like an MCP server."""

_HASHED = re.compile(r"#[0-9a-f]{16}|#(/[0-9a-f]{16})+")
_STARTUP_KEY = re.compile(r"mcp:(.*):(\d+)")
_FOLDERS = 4_096

F = TypeVar("F", SessionFacts, TurnFacts)


def is_hashed(name: str) -> bool:
    return _HASHED.fullmatch(name) is not None


class Hashes:
    """Names by their keyed hashes."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self.folder = lru_cache(_FOLDERS)(self._folder)

    def name(self, name: str) -> str | None:
        if is_hashed(name):
            return name
        found = self._hasher(name)
        return None if found is None else f"#{found}"

    def _folder(self, folder: str) -> str | None:
        """`/home/me` → `#/<of "/home">/<of "/home/me">`."""
        if is_hashed(folder):
            return folder
        parts, above = [], ""
        for part in folder.strip("/").split("/"):
            above = f"{above}/{part}"
            found = self._hasher(above)
            if found is None:
                return None
            parts.append(found)
        return "#/" + "/".join(parts)


class Veil(NamedTuple):
    """Put over every fact before it is kept."""

    hasher: Hasher | None = None
    """For what is never kept but as a hash; None: then it isn't kept at all."""
    secret_id: str | None = None
    """Of the secret with which it hashes."""
    hashes: Hashes | None = None
    """Strict: folders, branches, commits, MCP servers and commands' words are hashed too."""
    repo_names: bool = False
    """Of repositories the address is kept, not its hash."""

    def over(self, fact: Fact) -> Fact:
        """The fact as it may be kept."""
        if isinstance(fact, SessionFacts):
            return self.over_session(fact)
        if isinstance(fact, Snapshot):
            return self.over_snapshot(fact)
        return self.over_turn(fact) if isinstance(fact, TurnFacts) else fact

    def over_session(self, fact: SessionFacts) -> SessionFacts:
        return self._signed(fact if self.hashes is None else _session(self.hashes, fact))

    def over_turn(self, fact: TurnFacts) -> TurnFacts:
        return self._signed(fact if self.hashes is None else _turn(self.hashes, fact))

    def over_snapshot(self, fact: Snapshot) -> Snapshot:
        cwd = self.folder(fact.cwd)
        if cwd == fact.cwd:
            return fact
        return replace(fact, cwd=cwd, secret_id=self.secret_id)

    def folder(self, folder: str | None) -> str | None:
        return folder if self.hashes is None or folder is None else self.hashes.folder(folder)

    def _signed(self, fact: F) -> F:
        """With the id of the secret, where there is a hash in it."""
        if self.secret_id is None or not _holds_a_hash(fact):
            return fact
        return replace(fact, secrets=fact.secrets | {self.secret_id})


OPEN = Veil()


def _session(hashes: Hashes, fact: SessionFacts) -> SessionFacts:
    name = hashes.name
    return replace(
        fact,
        cwd=_said(hashes.folder, fact.cwd),
        git_branch=_said(name, fact.git_branch),
        git_commit=_said(name, fact.git_commit),
        events=_events(hashes, fact.events),
    )


def _turn(hashes: Hashes, fact: TurnFacts) -> TurnFacts:
    return replace(
        fact,
        cwd=_said(hashes.folder, fact.cwd),
        items={ItemId(key): _item(hashes, item) for key, item in fact.items.items()},
        events=_events(hashes, fact.events),
        startups=None if fact.startups is None else _events(hashes, fact.startups),
    )


def _item(hashes: Hashes, item: ItemFacts) -> ItemFacts:
    word = item.kind == "command"
    if item.server is None and not (word and item.name is not None):
        return item
    return replace(
        item,
        name=_said(hashes.name, item.name) if word else item.name,
        server=_said(hashes.name, item.server),
    )


def _events(hashes: Hashes, events: dict[str, EventFacts]) -> dict[str, EventFacts]:
    """Those of MCP servers are called by them, and known by a key that holds their name."""
    return dict(
        _startup(hashes, key, event) if event.kind == STARTUP else (key, event)
        for key, event in events.items()
    )


def _startup(hashes: Hashes, key: str, event: EventFacts) -> tuple[str, EventFacts]:
    found = _STARTUP_KEY.fullmatch(key)
    server = event.name.value if event.name is not None else found[1] if found else key
    rest = key.removeprefix(f"mcp:{server}") if key.startswith(f"mcp:{server}:") else ""
    return f"mcp:{hashes.name(server)}{rest}", replace(event, name=_said(hashes.name, event.name))


def _said(hashed: Callable[[str], str | None], said: Said[str] | None) -> Said[str] | None:
    if said is None:
        return None
    found = hashed(said.value)
    return None if found is None else replace(said, value=found)


def _holds_a_hash(fact: SessionFacts | TurnFacts) -> bool:
    told = [fact.cwd]
    if isinstance(fact, SessionFacts):
        if fact.git_repo is not None and "/" not in fact.git_repo.value:
            return True
        told += [fact.git_branch, fact.git_commit]
        told += [event.name for event in fact.events.values()]
    else:
        if any(getattr(fact, f"{kind}_instructions_hash") for kind in _INSTRUCTIONS):
            return True
        if any(item.command_hash is not None for item in fact.items.values()):
            return True
        told += [said for item in fact.items.values() for said in (item.name, item.server)]
        told += [event.name for event in fact.events.values()]
    return any(said is not None and is_hashed(said.value) for said in told)


_INSTRUCTIONS = ("base", "user", "developer")

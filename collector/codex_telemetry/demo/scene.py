"""What the demo plays: one thread, one turn with a slow command, an approval, a file, an answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codex_telemetry.demo.client import Client, Message, RefusedError, SilentError

PROMPT = "CANARY-PROMPT-1 run the slow part, tidy up, write the notes [[script:demo]]"
APPROVAL_S = 0.6

_STARTED = {
    "reasoning": "Codex is reasoning",
    "commandExecution": "Codex runs a command",
    "fileChange": "Codex changes a file",
    "agentMessage": "Codex writes a message",
}

Narrate = Callable[[str], None]


class NoAppServerError(Exception):
    """What was started doesn't speak the protocol: too old a Codex, or none."""


@dataclass(frozen=True, slots=True)
class Enacted:
    """What became of the scene, in Codex's own words."""

    codex_version: str | None
    thread: str
    turn: str
    status: str


def enact(client: Client, work: Path, narrate: Narrate = lambda _: None) -> Enacted:
    """Play the scene on a fresh connection; the connection stays open."""

    def grant(_: Message) -> Message:
        narrate(f"… which needs your permission: you think for {APPROVAL_S:g} s and say yes")
        return {"decision": "accept"}

    def follow(message: Message) -> None:
        if message.get("method") == "item/started":
            kind = message["params"]["item"]["type"]
            if kind in _STARTED:
                narrate(_STARTED[kind])

    client.listen(follow)
    client.on_request(r"/requestApproval$", grant, after=APPROVAL_S)
    try:
        version = version_in(client.initialize())
    except (SilentError, RefusedError) as error:
        raise NoAppServerError(str(error)) from error
    narrate(f"Codex {version or ''} is up; asking for one turn".replace("  ", " "))
    thread = client.start_thread(work)
    since = client.mark()
    turn = client.start_turn(thread, PROMPT)
    completed = client.completed(thread, since=since)
    narrate(f"the turn has {completed['status']}")
    return Enacted(version, thread, turn, completed["status"])


def version_in(initialized: Message) -> str | None:
    """The server's version, out of what it says of itself: `name/0.169.0 (Debian …)`."""
    found = re.match(r"[^/ ]+/(\d\S*)", str(initialized.get("userAgent")))
    return found[1] if found else None

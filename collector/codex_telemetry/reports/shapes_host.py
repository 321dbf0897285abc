"""The shapes of what is installed on this machine: shims, and the service."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Shim(Struct):
    """A launcher that starts Codex under `run`."""

    path: str
    state: Annotated[
        Literal["ok", "bare", "no_codex"],
        Meta(description="`bare`: it starts Codex, but this program isn't where it looks for it"),
    ]
    codex: Annotated[
        str | None, Meta(description="what it starts from here; an editor's PATH may be another")
    ]
    fixed: Annotated[bool, Meta(description="whether it was told which Codex to start")]
    python: Annotated[str, Meta(description="the interpreter that it starts this program with")]


class FollowedHome(Struct):
    """A home of Codex, and the process that follows it."""

    home: str
    watched: bool
    pid: int | None


class Service(Struct):
    """The watch in the background."""

    manager: Literal["systemd", "launchd"]
    path: str
    state: Annotated[
        Literal["not_installed", "stopped", "running", "broken", "foreign"],
        Meta(
            description="`broken`: what it runs is gone; `foreign`: a file that isn't ours; "
            "`running`: each of its homes is followed by some process"
        ),
    ]
    enabled: Annotated[bool, Meta(description="whether it is started at login")]
    python: str | None
    database: str | None
    homes: Annotated[
        list[FollowedHome],
        Meta(description="those of the service; where none is installed, of this environment"),
    ]

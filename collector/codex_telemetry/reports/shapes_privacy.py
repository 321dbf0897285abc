"""The shape of `privacy status`."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]


class SecretUse(Struct):
    """A secret with which names in the database were hashed."""

    secret_id: str
    current: Annotated[bool, Meta(description="it is the one that is here")]
    sessions: Count
    turns: Count


class Privacy(Struct):
    """How names are kept and shown, and what that means for what is stored."""

    mode: Literal["normal", "redacted", "strict"]
    repo_names: bool
    secret_id: Annotated[
        str | None, Meta(description="null: none was made yet, or it can't be read")
    ]
    sessions: Count
    plain_sessions: Annotated[
        int, Meta(ge=0, description="with a folder, branch or commit as it is")
    ]
    turns: Count
    plain_turns: Annotated[
        int, Meta(ge=0, description="with a folder, MCP server or command word as it is")
    ]
    secrets: list[SecretUse]

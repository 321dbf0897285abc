"""What names are shown as where the user doesn't want them shown: short labels, always the same.

A label is the beginning of the keyed hash of a name, so it is the same in every command, and the same
for a name that is stored as it is and for one that is stored as a hash.
"""

from typing import Literal, NamedTuple

from codex_telemetry.core.veil import STARTUP, Hashes, is_hashed

Kind = Literal["folder", "branch", "commit", "repo", "server", "command"]

KINDS: dict[str, Kind] = {
    "cwd": "folder",
    "project": "folder",
    "git_branch": "branch",
    "git_commit": "commit",
    "git_repo": "repo",
    "server": "server",
}
"""What is labelled, by the name it has in every shape and table."""

DIGITS = 6
"""Of a hash: enough that a thousand names hardly ever share a label."""


class Labels(NamedTuple):
    hashes: Hashes | None
    """None: names are shown as they are stored."""

    def of(self, kind: Kind, name: str | None) -> str | None:
        """The label of a name."""
        if self.hashes is None or name is None:
            return name
        if kind == "command" and not is_hashed(name):
            return name
        if kind == "repo" and "/" not in name:
            hashed: str | None = name  # it is one already
        else:
            hashed = self.hashes.folder(name) if kind == "folder" else self.hashes.name(name)
        digits = (hashed or "").rsplit("/", 1)[-1].lstrip("#")[:DIGITS]
        return f"{kind}-{digits or '?'}"

    def shown(self, field: str, value: str | None, thing: str | None = None) -> str | None:
        """The value of a field as it is shown; `thing`: the kind of the item or event it is of."""
        if field == "name" and thing == STARTUP:
            return self.of("server", value)
        if field == "name" and thing == "command":
            return self.of("command", value)
        kind = KINDS.get(field)
        return value if kind is None else self.of(kind, value)


PLAIN = Labels(None)

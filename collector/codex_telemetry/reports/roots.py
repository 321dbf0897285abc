"""Which session stands above another: what subagents and reviewers did counts for who called them."""

from collections.abc import Iterable, Sequence

from codex_telemetry.reports.elsewhere import AnyRow

CALLED = ("subagent", "review")
"""Relations of sessions that nobody sits at."""


class Roots:
    """The sessions that count for another, and what they are."""

    def __init__(self, told: Iterable[AnyRow]) -> None:
        self._by_key: dict[int, AnyRow] = {row["session_key"]: row for row in told}
        self._by_id: dict[str, AnyRow] = {row["session_id"]: row for row in self._by_key.values()}
        self.counted_by: dict[int, str] = {
            row["session_key"]: self._root(row)
            for row in self._by_key.values()
            if row["relation"] in CALLED
        }
        """Key of a session that was called → the id of that which counts it."""

    def project(self, key: int) -> str | None:
        """That of the root; its own where the root isn't known."""
        root = self._by_id.get(self.counted_by[key], self._by_key[key])
        project: str | None = root["project"]
        return project

    def under(self, session_id: str) -> set[int]:
        """The keys of those that count for a session."""
        return {key for key, root in self.counted_by.items() if root == session_id}

    def inside(self, folders: Sequence[str]) -> set[int]:
        """The keys of those that count where the root ran in one of the folders, or under it."""
        heads = tuple(f"{folder.rstrip('/')}/" for folder in folders)
        found = set()
        for key, row in self._by_key.items():
            cwd = self._by_id.get(self.counted_by.get(key, ""), row)["cwd"]
            if cwd is not None and f"{cwd}/".startswith(heads):
                found.add(key)
        return found

    def _root(self, row: AnyRow) -> str:
        """Old releases tell of the parent alone, newer ones of the root."""
        top: str = row["session_id"]
        seen: set[str] = set()
        while (at := self._by_id.get(top)) is not None and at["relation"] in CALLED:
            seen.add(top)
            above = (at["root_session_id"], at["parent_session_id"])
            up = next((other for other in above if other and other not in seen), None)
            if up is None:
                break
            top = up
        return top

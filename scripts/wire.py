"""Compare a Codex with `schema/wire/`: which names are new, and which are gone.

    make wire CODEX=path/to/codex

Exit code 1 if there is a name the catalogue doesn't know; 2 if the program can't be asked.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from codex_names import AskError, Names, ask, found

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "schema" / "wire"
RELEASES = ROOT / "scripts" / "codex_releases.txt"
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Entry(NamedTuple):
    """How a name is classified: read or ignored, or neither, if it is nothing but content."""

    read: str | None = None
    """What of it."""
    ignored: str | None = None
    """Why."""
    content: tuple[str, ...] = ()
    """The fields that hold content. They are never kept without consent, whatever else is read."""
    until: str | None = None
    """The last of the releases tried that knows it; None if the newest pinned one does."""
    experimental: bool = False
    """The client has to ask for it, in the newest release that knows it."""
    unlisted: str | None = None
    """Its parameters' name, where the schema describes these alone."""


Catalogue = dict[str, dict[str, Entry]]
"""By table, such as `rollout.events`, and name."""


class Difference(NamedTuple):
    new: dict[str, list[str]]
    """Names the catalogue doesn't have, by table."""
    gone: dict[str, list[str]]
    """Names the catalogue has as current and the program doesn't know."""
    unlisted: list[str]
    """Notifications that are described without a method, and aren't in the catalogue."""


def catalogue() -> Catalogue:
    tables: Catalogue = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for table, names in tomllib.loads(path.read_text()).items():
            tables[f"{path.stem}.{table}"] = {
                name: Entry(**{**told, "content": tuple(told.get("content", ()))})
                for name, told in names.items()
            }
    return tables


def compare(known: Catalogue, told: Names) -> Difference:
    """What a release knows against what the catalogue does. A table the release doesn't have, such
    as the older protocol's, isn't gone name by name."""
    new, gone = {}, {}
    for table, names in told.by_table.items():
        entries = known.get(table, {})
        new[table] = sorted(names - entries.keys())
        current = {name for name, e in entries.items() if e.until is None and e.unlisted is None}
        gone[table] = sorted(current - names)
    unlisted = {e.unlisted for entries in known.values() for e in entries.values()}
    return Difference(_filled(new), _filled(gone), sorted(told.unlisted - unlisted))


def _filled(lists: dict[str, list[str]]) -> dict[str, list[str]]:
    return {table: names for table, names in lists.items() if names}


def report(version: str, told: Names, difference: Difference, newest: str) -> str:
    """In the form of the catalogue, to be pasted and filled in."""
    lines = [f"Codex {version}, against schema/wire/ (Codex {newest} and older)", ""]
    for table, names in difference.new.items():
        lines.append(f"new, to be classified in {_place(table)}:")
        for name in names:
            fields = " ".join(sorted(told.fields.get((table, name), ())))
            marks = "experimental = true" if name in told.experimental else ""
            line = f"    {_key(name)} = {{ {marks} }}".replace("{  }", "{}")
            lines.append(f"{line}  # {fields}".rstrip(" #"))
        lines.append("")
    if difference.unlisted:
        lines.append(
            f"new parameters without a method: find it out, and add it to {_place(NOTICES)}:"
        )
        lines += [f"    unlisted = {json.dumps(name)}" for name in difference.unlisted] + [""]
    lines += _gone(version, difference, newest)
    if not difference.new and not difference.unlisted:
        lines.append("Nothing new.")
    return "\n".join(lines)


NOTICES = "app_server.server_notifications"


def _gone(version: str, difference: Difference, newest: str) -> list[str]:
    if order(version) < order(newest):
        n = sum(map(len, difference.gone.values()))
        return [f"{n} names of newer releases are unknown to it.", ""] if n else []
    lines = []
    for table, names in difference.gone.items():
        lines.append(f"gone: once this is the newest pinned release, until = in {_place(table)}:")
        lines += [f"    {name}" for name in names] + [""]
    return lines


def order(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _place(table: str) -> str:
    file, _, name = table.partition(".")
    return f"schema/wire/{file}.toml [{name}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def newest_pinned() -> str:
    lines = RELEASES.read_text().splitlines()
    return next(line for line in lines if line and not line.startswith("#"))


def version_of(codex: Path) -> str:
    done = subprocess.run([codex, "--version"], capture_output=True, text=True, check=False)
    said = re.search(r"\d+\.\d+\.\d+\S*", done.stdout)
    if said is None:
        raise AskError(f"{codex} doesn't say its version")
    return said[0]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0]:
        print("say which program to ask: make wire CODEX=path/to/codex", file=sys.stderr)
        return 2
    try:
        codex = found(arguments[0])
        version, told = version_of(codex), ask(codex)
    except (AskError, OSError, subprocess.TimeoutExpired) as error:
        print(f"{arguments[0]} can't be asked: {error}", file=sys.stderr)
        return 2
    difference = compare(catalogue(), told)
    print(report(version, told, difference, newest_pinned()))
    return 1 if difference.new or difference.unlisted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

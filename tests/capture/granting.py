"""Grants and content for tests: made the way the user makes them, and heard as a reader tells it."""

from collections.abc import Iterable
from pathlib import Path

import anyio
from nacl.public import PrivateKey

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Said, Weight
from codex_telemetry.core.gate import KINDS, Heard, Kind, Sealed, clear
from codex_telemetry.core.identity import ItemId
from codex_telemetry.store import consent, grants
from codex_telemetry.store.writer import Writer
from saved import BORN, query, thread, turn

KEY = PrivateKey.generate()
THREAD = thread(0)


def grant(
    database: Path,
    project: Path | str,
    kinds: Iterable[Kind] = KINDS,
    *,
    at: int = BORN,
    until: int | None = None,
) -> None:
    """As `capture enable` does it, but for the question and the private key."""
    with consent.writing(database) as db:
        public = bytes(KEY.public_key)
        consent.drop_unused_key(db, str(project))
        consent.add_key(db, str(project), (public, "file"), at)
        consent.grant(db, str(project), public, tuple(kinds), until, at)


def end(database: Path, project: Path | str, at: int = BORN) -> None:
    with consent.writing(database) as db:
        consent.end(db, str(project), at)


def heard(
    text: str,
    cwd: Path | str | None,
    *,
    n: int = 0,
    kind: Kind = "prompt",
    item: str = "i0",
    at: int | None = BORN,
    nth: int | None = None,
) -> Heard:
    """Content of the n-th turn of the first thread."""
    import msgspec

    told = turn(n, THREAD)
    where = None if cwd is None else str(cwd)
    content = Sealed(msgspec.json.encode(text))
    return Heard(THREAD, told.turn_id, ItemId(item), kind, at, where, content, nth)


def tell(
    database: Path,
    *contents: Heard,
    runs_in: Path | str | None = None,
    by: grants.Grants | None = None,
) -> None:
    """As a collector does: the facts of the turns, and what of the content is cleared."""
    granted = grants.load(database) if by is None else by
    batch = Batch("live", "launch")
    for one in contents:
        batch.keep(clear(one, granted.covering(one)))
        cwd = one.cwd if runs_in is None else str(runs_in)
        n = int(str(one.turn_id)[-12:], 16)
        folder = None if cwd is None else Said(cwd, Weight.LIVE, BORN)
        batch.add(turn(n, THREAD, cwd=folder), BORN)
    save(database, batch)


def save(database: Path, batch: Batch) -> None:
    async def run() -> None:
        writer = await Writer.open(database)
        try:
            await writer.save(batch)
        finally:
            await writer.close()

    anyio.run(run)


def kept(database: Path) -> list[str]:
    """What is stored, opened, in the order in which it was."""
    from nacl.public import SealedBox

    rows = query(database, "SELECT sealed FROM content ORDER BY content_id")
    return [SealedBox(KEY).decrypt(sealed).decode() for (sealed,) in rows]

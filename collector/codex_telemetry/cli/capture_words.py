"""How the commands about content say what is kept, where, and what was erased."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import counted, number
from codex_telemetry.reports import moments
from codex_telemetry.reports.shapes_capture import CaptureGrant
from codex_telemetry.store.consent import Erased

_MEANS = {
    "prompt": "prompts (what you send)",
    "response": "responses (what the model answers)",
    "reasoning": "reasoning (its summaries of thought)",
    "tool_args": "arguments of tools (commands, edits, queries)",
    "tool_output": "outputs of tools (what commands print, what is read)",
    "title": "titles of sessions",
}

_KEY_IN = {
    "keyring": "this system's keyring",
    "file": "a key file beside it, under a passphrase",
}


def promised(
    folder: str, kinds: Sequence[str], until: str | None, database: Path, key_in: str
) -> Iterator[str]:
    """Exactly what a grant will do, before anybody says yes."""
    yield f"of turns that run in {folder} or under it, this will be kept:"
    for kind in kinds:
        yield f"- {_MEANS[kind]}"
    end = f"until {until}" if until is not None else "until you disable it"
    yield f"from now on, {end}; at most 64 KiB of an item, with known kinds of secrets replaced"
    yield f"in {database}, sealed; the private key is in {_KEY_IN[key_in]}"
    yield "what was written before now is kept only if codex-telemetry backfill --rebuild reads it"
    yield "of a session that runs already it is read from its log, once that ends"


def erased(folder: str, result: Erased, *, key_gone: bool, covered_by: str | None) -> Iterator[str]:
    yield f"erased {counted(result.items, 'item')} of {folder}, with their grants"
    if not key_gone:
        yield "the private key couldn't be destroyed: remove it yourself; nothing needs it any more"
    if not result.clean:
        yield (
            "another process reads the database, so that traces may still be in its files; "
            f"once it is done: codex-telemetry capture purge {folder}"
        )
    if covered_by is not None:
        yield f"warning: the grant for {covered_by} covers {folder} from now on"


def grant_columns(zone: Zone) -> list[Column[CaptureGrant]]:
    def at(moment: str | None) -> str | None:
        return shown(moments.read(moment), zone)

    return [
        Column("grant", lambda g: str(g.grant_id), right=True),
        Column("state", lambda g: g.state),
        Column("items", lambda g: number(g.items), right=True),
        Column("bytes", lambda g: number(g.bytes), rank=3, right=True),
        Column("kinds", lambda g: " ".join(g.kinds), rank=2),
        Column("since", lambda g: at(g.created_at), rank=4, hoist=True),
        Column("until", lambda g: at(g.ended_at or g.expires_at), rank=5, hoist=True),
        Column("key", lambda g: g.key_in, rank=6),
        Column("project", lambda g: g.project, narrowest=16),
    ]

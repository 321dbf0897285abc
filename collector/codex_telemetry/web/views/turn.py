"""One turn: where its time and tokens went, and what worked for it."""

from typing import Any

from codex_telemetry.cli import turn_head
from codex_telemetry.cli.turn_words import unseen
from codex_telemetry.cli.turns import pictured
from codex_telemetry.cli.words import short_turn
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import capture
from codex_telemetry.reports.shapes import TokenResponse
from codex_telemetry.reports.shapes_family import TurnInFull
from codex_telemetry.store.find import find_turn
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.drawn import drawn
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source


def view(source: Source, asked: Asked, now: int) -> Made:
    wanted = asked.get("id")
    if wanted is None:
        raise UsageError("no turn is named", hint="choose one under Turns")
    with source.opened() as db:
        row = find_turn(db, wanted.strip())
        yield
        turn, model = pictured(db, row, now, roll_up=True)
        # Nothing of it, and no word about it in what is swapped in.
        kept = 0 if "fragment" in asked.words else len(capture.kept(db, row))
    return {
        "turn": turn,
        "kept": kept,
        "name": short_turn(turn.turn_id, turn.session_id, turn.turn_index),
        "model": model,
        "drawn": drawn(model),
        "length": turn_head.length(turn, model),
        "said": [word for word in (turn_head.tokens(turn), turn_head.context(turn)) if word],
        "unseen": unseen(turn) if turn.parts_source == "rollout" else None,
        "responses": _responses(turn) if len(turn.token_responses) > 1 else None,
        "folded": sum(bar.items for bar in model.bars if bar.kind == "folded"),
    }


def _responses(turn: TurnInFull) -> dict[str, Any]:
    """Each response's tokens, and how full the context was with it."""
    told = turn.token_responses
    window = turn.context_window
    return {
        "kind": "tokens",
        "x": [str(n + 1) for n in range(len(told))],
        "series": [
            {"name": "cached input", "values": [r.cached_input_tokens for r in told]},
            {"name": "other input", "values": [_fresh(r) for r in told]},
            {"name": "output", "values": [r.output_tokens for r in told]},
        ],
        "line": {
            "name": "context filled",
            "values": [r.total_tokens and round(100 * r.total_tokens / window, 1) for r in told],
        }
        if window
        else None,
    }


def _fresh(response: TokenResponse) -> int | None:
    read = response.input_tokens
    return None if read is None else read - (response.cached_input_tokens or 0)

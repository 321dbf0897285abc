"""Which tokens have no price, and why: as many as `tokens` says, of each model and tier."""

from pathlib import Path

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.core.facts import SessionFacts, TurnFacts
from codex_telemetry.core.prices import Price, PriceModel
from codex_telemetry.reports.tokens import Calendar, tokens
from codex_telemetry.reports.unpriced import Unpriced, unpriced
from codex_telemetry.store.queries import Filters, reading

T0, DAY = scenes.T0, scenes.DAY
FIRST, SECOND = scenes.session(), scenes.session(T0 + DAY, n=3)


def write(database: Path) -> Path:
    prices = [
        Price(0, "default", T0 + 5 * DAY, None, 0, 10.0, 1.0, None, 100.0),
        Price(1, "default", None, None, 0, 10.0, 1.0, None, 100.0),
    ]
    models = [
        PriceModel(0, "package", "gpt-6", r"\Agpt-6\Z"),
        PriceModel(1, "package", "gpt-5.5", r"\Agpt-5\.5\Z"),
    ]
    listed = scenes.price_list()._replace(read=lambda: (models, prices))

    def turn(
        n: int,
        model: str | None,
        total: int,
        tier: str | None = None,
        of: SessionFacts = FIRST,
    ) -> TurnFacts:
        return scenes.turn(
            of, T0 + n * DAY, 1_000, n=n + 1, model=model and scenes.told(model),
            service_tier=tier and scenes.told(tier),
            responses={total: scenes.response(T0 + n * DAY + 500, total)},
        )  # fmt: skip

    return scenes.write(
        database, FIRST, SECOND,
        turn(0, "gpt-5.5", 1_000), turn(1, "gpt-6", 2_000), turn(6, "gpt-6", 400),
        turn(2, "gpt-5.5", 3_000, "priority"), turn(3, "gpt-5.5", 300, "fast", SECOND),
        turn(4, None, 5_000), turn(5, "never-heard-of", 7_000),
        prices=listed,
    )  # fmt: skip


def test_each_model_and_tier_has_its_reason(tmp_path: Path) -> None:
    with reading(write(tmp_path / "a.db")) as db:
        assert unpriced(db, Filters()) == [
            Unpriced("never-heard-of", "default", 7_000, "price"),
            Unpriced(None, "default", 5_000, "model"),
            Unpriced("gpt-5.5", "priority", 3_300, "tier"),
            Unpriced("gpt-6", "default", 2_000, "moment"),
        ]


def test_they_add_up_to_what_tokens_says(tmp_path: Path) -> None:
    calendar = Calendar(Zone("UTC").offsets)
    with reading(write(tmp_path / "a.db")) as db:
        for filters in (
            Filters(),
            Filters(since=T0 + 2 * DAY),
            Filters(model="gpt-5.5"),
            Filters(session_id=SECOND.session_id),
        ):
            whole = tokens(db, filters, "day", calendar, roll_up=False).total.unpriced_tokens
            assert whole > 0
            assert sum(row.tokens for row in unpriced(db, filters)) == whole

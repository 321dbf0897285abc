"""Days are cut where the wall clock's are, in zones whose days have 23, 24 or 25 hours."""

import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_telemetry.cli.period import SPANS, Zone, lately, moment, shown, span_start
from codex_telemetry.errors import UsageError

HOUR = 3_600_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-28", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Africa/Cairo", "2026-04-24", 23),  # begins at 1:00: there is no midnight
        ("UTC", "2026-03-29", 24),
    ],
)
def test_a_day_has_the_hours_it_has(zone: str, day: str, hours: float) -> None:
    where = Zone(zone)
    begin = moment("--since", day, where, 0)
    end = moment("--until", day, where, 0, end=True)
    assert end - begin == hours * HOUR
    assert where.local(begin).date().isoformat() == day
    assert where.local(begin - 1).date().isoformat() < day
    assert where.local(end - 1).date().isoformat() == day


@pytest.mark.parametrize(
    ("now", "span", "start"),
    [
        ("2026-03-29T12:00+02:00", "today", "2026-03-29T00:00+01:00"),
        ("2026-03-29T00:30+01:00", "today", "2026-03-29T00:00+01:00"),
        ("2026-03-29T22:30+00:00", "today", "2026-03-30T00:00+02:00"),
        ("2026-04-01T12:00+02:00", "week", "2026-03-30T00:00+02:00"),
        ("2026-03-29T12:00+02:00", "week", "2026-03-23T00:00+01:00"),
        ("2026-03-29T12:00+02:00", "month", "2026-03-01T00:00+01:00"),
        ("2026-10-31T12:00+01:00", "month", "2026-10-01T00:00+02:00"),
        ("2026-07-01T12:00+02:00", "year", "2026-01-01T00:00+01:00"),
        ("2026-01-01T00:00+01:00", "year", "2026-01-01T00:00+01:00"),
    ],
)
def test_a_span_begins_at_its_own_midnight(now: str, span: str, start: str) -> None:
    assert span_start(span, Zone("Europe/Berlin"), ms(now)) == ms(start)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-01", "2026-11-01T00:00+01:00"),
        ("2026-11-01T09:00Z", "2026-11-01T09:00+00:00"),
        ("2026-11-01T09:00", "2026-11-01T09:00+01:00"),
        ("2026-11-01 09:00:30.250", "2026-11-01T09:00:30.250+01:00"),
        ("2026-11-01T09:00+05:30", "2026-11-01T09:00+05:30"),
        (" 24h ", "2026-11-09T12:00+00:00"),
        ("7d", "2026-11-03T12:00+00:00"),
        ("2w", "2026-10-27T12:00+00:00"),
        ("90m", "2026-11-10T10:30+00:00"),
    ],
)
def test_what_may_be_typed(typed: str, meant: str) -> None:
    now = ms("2026-11-10T12:00+00:00")
    assert moment("--since", typed, Zone("Europe/Berlin"), now) == ms(meant)


@given(st.text(max_size=20), st.booleans())
def test_anything_typed_is_a_time_or_a_usage_error(typed: str, end: bool) -> None:
    with contextlib.suppress(UsageError):
        moment("--since", typed, Zone("Europe/Berlin"), 0, end=end)


@pytest.mark.parametrize(
    "typed", ["0000-01-01", "9999-12-31", "10000-01-01", "2026-02-30", "d", "-1d"]
)
def test_the_ends_of_the_calendar_raise_nothing_else(typed: str) -> None:
    for end in (False, True):
        try:
            moment("--until", typed, Zone(), 0, end=end)
        except UsageError:
            continue


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.sampled_from(SPANS))
def test_any_moment_can_be_shown_and_lies_in_its_spans(at: int, span: str) -> None:
    text = shown(at, Zone("Pacific/Kiritimati"))
    assert text is not None
    assert text[-6] in "+-"
    if abs(at) < 4_000_000_000_000:
        assert span_start(span, Zone("Pacific/Kiritimati"), at) <= at


def test_the_machines_own_zone_is_used_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for day in ("2026-03-29", "2026-07-01", "2026-10-25"):
            expected = moment("--since", day, Zone("Europe/Berlin"), 0)
            assert moment("--since", day, Zone(), 0) == expected
            assert shown(expected, Zone()) == shown(expected, Zone("Europe/Berlin"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("before_ms", "text"),
    [
        (0, "0 s ago"),
        (59_999, "59 s ago"),
        (60_000, "1 min ago"),
        (3_599_999, "59 min ago"),
        (3_600_000, "1 h ago"),
        (24 * HOUR - 1, "23 h ago"),
        (24 * HOUR, "2026-03-01 09:00:00 +00:00"),
        (-1, "2026-03-02 09:00:00 +00:00"),
    ],
)
def test_what_was_within_a_day_is_so_long_ago(before_ms: int, text: str) -> None:
    now = ms("2026-03-02T09:00:00Z")
    assert lately(now - before_ms, Zone("UTC"), now) == text
    assert "ago" not in (lately(now - before_ms, Zone("UTC"), None) or "")
    assert lately(None, Zone("UTC"), now) is None


@given(st.lists(st.integers(1_577_836_800_000, 1_893_456_000_000)))
def test_days_of_many_moments_are_those_of_each(moments: list[int]) -> None:
    for name in ("Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"):
        zone = Zone(name)
        assert zone.days([*moments, None]) == [
            *(f"{zone.local(at):%Y-%m-%d}" for at in moments),
            None,
        ]

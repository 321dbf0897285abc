"""A moment is written as the contract says, whatever a source claims."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_telemetry.reports.moments import read, written


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_772_442_000_007, "2026-03-02T09:00:00.007Z"),
        (1_772_442_000_999, "2026-03-02T09:00:00.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (None, None),
        (1 << 48, None),
        (-(1 << 62), None),
    ],
)
def test_it_is_utc_to_the_millisecond_or_unknown(ms: int | None, text: str | None) -> None:
    assert written(ms) == text


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_it_never_fails_and_is_read_back(ms: int) -> None:
    text = written(ms)
    if text is not None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
        assert read(text) == ms

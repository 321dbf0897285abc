"""Durations, ids and names as people read them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_telemetry.cli.table import Column, stream, table
from codex_telemetry.cli.words import (
    cells,
    cut,
    duration,
    folder,
    padded,
    percent,
    plain,
    short_id,
    short_turn,
)

UUID = "01a20738-20e7-7e81-9ad3-7f9d85ab7cf5"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (540, "540 ms"),
        (999, "999 ms"),
        (1_000, "1.00 s"),
        (1_023, "1.02 s"),
        (9_994, "9.99 s"),
        (9_996, "10.0 s"),
        (59_949, "59.9 s"),
        (59_951, "1 min 00 s"),
        (185_000, "3 min 05 s"),
        (3_599_600, "1 h 00 min"),
        (7_500_000, "2 h 05 min"),
        (3 * 86_400_000 + 4 * 3_600_000, "3 d 04 h"),
        (-5, "-5 ms"),
        (None, "-"),
    ],
)
def test_a_duration(ms: int | None, text: str) -> None:
    assert duration(ms) == text


@given(st.integers(1_000, 59 * 86_400_000))
def test_a_duration_never_reads_as_sixty_of_anything(ms: int) -> None:
    assert not {"60.0", "60"} & set(duration(ms).split())


def test_a_share() -> None:
    assert [percent(part, 1000) for part in (0, 1, 4, 5, 6, 500, 1000)] == [
        "0 %", "<1 %", "<1 %", "0 %", "1 %", "50 %", "100 %"
    ]  # fmt: skip
    assert percent(1, 0) == "-"


def test_short_ids_are_prefixes_that_commands_take() -> None:
    assert short_id(UUID) == UUID[:13]
    assert short_id("s1") == "s1"
    assert short_turn(UUID, "s", 3) == UUID[:13]
    assert short_turn(f"{UUID}:ab:0", UUID, 3) == f"{UUID[:13]}:3"


def test_ones_home_is_a_tilde() -> None:
    assert folder("/home/me/x", "/home/me") == "~/x"
    assert folder("/home/me", "/home/me/") == "~"
    assert folder("/home/meander", "/home/me") == "/home/meander"
    assert folder("/x", "/") == folder("/x", None) == "/x"


@given(st.text())
def test_plain_text_has_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = plain(text)
    assert len(shown) == len(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(), st.integers(0, 40), st.booleans())
def test_what_is_cut_or_padded_takes_the_room_it_is_given(text: str, width: int, end: bool) -> None:
    short = cut(plain(text), width, keep_end=end)
    assert cells(short) <= width
    assert cells(padded(short, width)) == width


def test_a_table_leaves_out_what_matters_least() -> None:
    columns: list[Column[str]] = [
        Column("id", lambda row: row),
        Column("first", lambda _: "f" * 10, rank=1),
        Column("second", lambda _: "s" * 10, rank=2),
    ]

    def titles(width: int) -> list[str]:
        return "".join(span.text for span in table(columns, ["abc"], width)[0]).split()

    assert titles(27) == ["id", "first", "second"]
    assert titles(26) == ["id", "first"]
    assert titles(5) == ["id"]


def test_a_stream_is_drawn_as_it_is_read() -> None:
    def rows() -> object:
        yield from map(str, range(600))
        raise AssertionError("read ahead")

    lines = stream([Column("n", lambda row: row)], rows())  # type: ignore[arg-type]
    assert [next(lines) for _ in range(601)][-1][0].text == "599"

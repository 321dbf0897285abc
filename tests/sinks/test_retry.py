"""Waiting for a receiver: longer each time, by chance, as it asks, and never past the time there is."""

import pytest

from codex_telemetry.sinks.retry import (
    LONGEST_ASKED_S,
    LONGEST_S,
    LaterError,
    RefusedError,
    asked_to_wait,
    patiently,
    wait,
)


def never() -> str:
    raise LaterError("it is busy")


def test_each_wait_is_longer_than_the_last_could_be_until_they_are_as_long_as_they_get() -> None:
    longest = [wait(n, None, 1.0) for n in range(9)]
    shortest = [wait(n, None, 0.0) for n in range(9)]
    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert shortest == [seconds / 2 for seconds in longest]
    assert wait(10_000, None, 1.0) == LONGEST_S


def test_a_receiver_that_asks_for_time_gets_it_and_no_more_than_an_hour() -> None:
    assert 30 <= wait(0, 30.0, 0.5) < 31
    assert wait(0, 1e9, 0.0) < LONGEST_ASKED_S + 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:01:40 -0000", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("-3", None),
        ("soon", None),
        ("²", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_to_wait(header, 10.0) == seconds


def test_what_is_taken_in_the_end_was_tried_until_then() -> None:
    tries, waited, said = [0], list[float](), list[str]()

    def attempt() -> str:
        tries[0] += 1
        if tries[0] < 3:
            raise LaterError("it is busy", 5.0 if tries[0] == 2 else None)
        return "taken"

    def pause(seconds: float) -> bool:
        waited.append(seconds)
        return True

    assert patiently(attempt, pause, said.append, chance=lambda: 0.0) == "taken"
    assert waited == [0.5, 5.1]
    assert said == ["it is busy"] * 2


def test_what_is_refused_is_not_tried_again() -> None:
    def attempt() -> None:
        raise RefusedError("it is too large (413)")

    with pytest.raises(RefusedError):
        patiently(attempt, lambda _: True, lambda _: None)


def test_who_is_told_to_end_tries_no_more() -> None:
    with pytest.raises(LaterError):
        patiently(never, lambda _: False, lambda _: None)


def test_there_is_no_wait_that_would_end_too_late() -> None:
    waited = list[float]()

    def pause(seconds: float) -> bool:
        waited.append(seconds)
        return True

    with pytest.raises(LaterError):
        patiently(never, pause, lambda _: None, left_s=lambda: 10 - sum(waited), chance=lambda: 1.0)
    assert waited == [1, 2, 4]

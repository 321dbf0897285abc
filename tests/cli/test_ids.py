"""What a person may type for a turn or a session."""

import json
from pathlib import Path

import pytest

import scenes
from commands import Command

T0 = scenes.T0


@pytest.fixture
def twins(database: Path) -> tuple[str, str, str]:
    """Three turns of one session: two whose ids begin alike, and another."""
    session = scenes.session()
    turns = [scenes.turn(session, T0, n=1), scenes.turn(session, T0, n=2)]
    other = scenes.turn(session, T0 + scenes.DAY)
    scenes.write(database, session, *turns, other)
    return str(turns[0].turn_id), str(turns[1].turn_id), str(other.turn_id)


def found(cli: Command, *words: str) -> str:
    answer = cli("turn", *words, "--json")
    assert answer.code == 0, answer.err
    turn_id: str = json.loads(answer.out)["turn_id"]
    return turn_id


def test_a_full_id_a_unique_prefix_and_a_place_name_a_turn(
    cli: Command, twins: tuple[str, str, str]
) -> None:
    first, second, third = twins
    session = scenes.uuid7(T0)
    assert found(cli, second) == second
    assert found(cli, third[:13]) == third
    assert found(cli, third[:13].upper()) == third
    assert found(cli, f"{session}:0") == first
    assert found(cli, f"{session[:8]}:2") == third
    assert found(cli, "--last") == third


def test_a_prefix_of_several_names_them_all(cli: Command, twins: tuple[str, str, str]) -> None:
    answer = cli("turn", twins[0][:13])
    assert (answer.code, answer.out) == (1, "")
    assert f"2 turns start with {twins[0][:13]}: {twins[0]}, {twins[1]};" in answer.err
    assert twins[2] not in answer.err
    assert answer.err.count("\n") == 1


def test_of_very_many_that_match_a_few_are_named(cli: Command, database: Path) -> None:
    session = scenes.session()
    scenes.write(database, session, *(scenes.turn(session, T0, n=n) for n in range(30)))
    answer = cli("turn", scenes.uuid7(T0)[:13])
    assert "more than 5 turns" in answer.err
    assert answer.err.count(scenes.uuid7(T0)[:13]) == 6


@pytest.mark.parametrize("command", ["turn", "session"])
@pytest.mark.parametrize("wanted", ["ffff", "019:99", "%", "_", "' OR 1=1 --", "ä", "\udcff"])
@pytest.mark.usefixtures("twins")
def test_what_matches_nothing_fails_with_a_hint(cli: Command, command: str, wanted: str) -> None:
    answer = cli(command, wanted)
    assert answer.code in (1, 2)
    assert answer.out == ""
    assert answer.err.startswith("codex-telemetry: ")
    assert answer.err.count("\n") == 1
    assert "; " in answer.err


@pytest.mark.parametrize("words", [[], ["x", "--last"], [""], [" "]])
def test_one_turn_has_to_be_named(cli: Command, words: list[str]) -> None:
    answer = cli("turn", *words)
    assert answer.code == 2
    assert answer.err.count("\n") == 1


def test_a_session_comes_with_its_turns(cli: Command, twins: tuple[str, str, str]) -> None:
    session = json.loads(cli("session", scenes.uuid7(T0)[:10], "--json").out)
    assert session["turns"] == 3
    assert [turn["turn_id"] for turn in session["turn_list"]] == list(twins)


def test_a_session_for_people_says_where_it_comes_from(cli: Command, database: Path) -> None:
    parent = scenes.session()
    fork = scenes.session(T0 + scenes.HOUR, n=1, forked_from_id=scenes.told(str(parent.session_id)))
    scenes.write(database, parent, fork, scenes.turn(parent, T0))
    assert f"fork of {parent.session_id[:13]}" in cli("session", fork.session_id).out
    assert f"fork {fork.session_id[:13]}" in cli("session", parent.session_id).out

"""Instructions, commands and addresses are kept as keyed hashes or not at all."""

import json
from typing import Any

import pytest

from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.rollout import RolloutName
from recordings import Recordings
from rolled import Rolled, file_up, lines_of, name_of, one_turn, read


def test_hashes_are_made_only_with_a_key(recordings: Recordings) -> None:
    (path,) = recordings.one("0.98.0/b_shell").rollouts()
    without = one_turn(file_up(path))
    assert without.base_instructions_hash is None
    assert without.base_instructions_length is not None
    assert without.base_instructions_length.value == 7604
    rolled = Rolled()
    read(rolled, name_of(path), lines_of(path), hasher=lambda text: f"h{len(text)}")
    turn = one_turn(rolled)
    assert turn.base_instructions_hash is not None
    assert turn.base_instructions_hash.value == "h7604"
    assert turn.user_instructions_length is not None
    assert turn.user_instructions_length.value == 2974
    assert all(item.command_hash is None for item in turn.items.values())


def test_commands_are_hashed_only_where_the_user_wants_it(recordings: Recordings) -> None:
    for name in ("0.98.0/b_shell", "0.169.0/b_shell"):
        (path,) = recordings.one(name).rollouts()
        rolled = Rolled()
        read(
            rolled, name_of(path), lines_of(path), hasher=lambda t: f"h{len(t)}", hash_commands=True
        )
        commands = [i for i in one_turn(rolled).items.values() if i.kind == "command"]
        assert all(item.command_hash is not None for item in commands)


def repository(url: str, **options: Any) -> str | None:
    line = (
        b'{"timestamp":"2026-11-23T06:42:19.247Z","type":"session_meta","payload":{"id":"t1",'
        b'"git":{"branch":"main","repository_url":%s}}}' % json.dumps(url).encode()
    )
    rolled = Rolled()
    read(rolled, RolloutName(SessionId("t1"), "2026-11-23T06-42-19"), [line], **options)
    return rolled.sessions[0].git_repo


def test_a_repositorys_address_is_kept_only_as_a_hash() -> None:
    url = "git@example.com:secret/thing.git"
    assert repository(url) is None
    assert repository(url, hasher=lambda text: f"h{len(text)}") == "h24"


ADDRESSES = [
    "git@example.com:team/thing.git",
    "https://example.com/team/thing",
    "https://user:CANARY-password@Example.com/team/thing.git",
    "https://CANARY-token@example.com:8443/team/thing/",
    "ssh://git@example.com/team/thing.git?x=CANARY-1#CANARY-2",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_a_repository_has_one_address_however_it_is_reached(url: str) -> None:
    assert repository(url, hasher=str) == "example.com/team/thing"
    assert repository(url, repo_names=True) == "example.com/team/thing"


@pytest.mark.parametrize("url", ["/srv/git/thing.git", "", "thing", "a b:c d", "https://"])
def test_what_is_no_address_has_no_name(url: str) -> None:
    assert repository(url, repo_names=True) is None

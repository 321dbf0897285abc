"""The catalogue in `schema/wire/` knows every name that a pinned Codex says it uses, and no others."""

import json
from functools import cache
from typing import Any

import pytest

import wire
from catalogue import CATALOGUE, names
from codex_names import LINES, METHODS, VARIANTS, Names, ask
from codex_telemetry.store.db import schema_folder
from real_codex import NEWEST, RELEASES, RealCodex, real_codex
from recordings import Recordings, rows

ENTRIES = [(t, name, entry) for t, names in CATALOGUE.items() for name, entry in names.items()]
OF_EXEC = {"exec.events", "exec.items"}
"""What no Codex says of itself."""


@cache
def told_by(version: str) -> Names:
    return ask(real_codex(version).path)


def later(version: str, than: str) -> bool:
    return wire.order(version) > wire.order(than)


def test_the_catalogue_has_the_tables_that_a_codex_is_asked_for() -> None:
    assert schema_folder() / "wire" == wire.FOLDER
    assert CATALOGUE.keys() == {*METHODS, *VARIANTS, *LINES} | OF_EXEC


def test_a_name_is_read_or_ignored_for_a_reason_or_is_nothing_but_content() -> None:
    for table, name, entry in ENTRIES:
        where = f"{table} {name}"
        assert entry.read is None or entry.ignored is None, where
        assert entry.read or entry.ignored or entry.content, where
        assert len(entry.content) == len(set(entry.content)), where


def test_every_name_a_codex_knows_is_classified(codex: RealCodex) -> None:
    """If this fails, `make wire` says what is new; docs/WIRE.md, what to do about it."""
    difference = wire.compare(CATALOGUE, told_by(codex.version))
    assert (difference.new, difference.unlisted) == ({}, [])


@pytest.mark.codex(NEWEST)
def test_a_name_that_the_newest_codex_has_lost_says_until_when(codex: RealCodex) -> None:
    told = told_by(codex.version)
    assert told.by_table.keys() == CATALOGUE.keys() - {"older_events.events"} - OF_EXEC
    assert wire.compare(CATALOGUE, told).gone == {}


def test_a_codex_knows_the_names_it_is_said_to_and_none_that_went_before(codex: RealCodex) -> None:
    told = told_by(codex.version).by_table
    for table, name, entry in ENTRIES:
        if table not in told or entry.until is None:
            continue
        if later(codex.version, entry.until):
            assert name not in told[table]
        elif codex.version == entry.until:
            assert name in told[table]


@pytest.mark.codex(NEWEST)
def test_what_has_to_be_asked_for_is_marked_experimental(codex: RealCodex) -> None:
    told = told_by(codex.version)
    known = {name for table in METHODS for name in told.by_table[table]}
    marked = {name for _, name, entry in ENTRIES if entry.experimental}
    assert marked & known == told.experimental


@pytest.mark.codex
def test_what_is_said_to_hold_content_is_a_field_of_its_message() -> None:
    """As far as a schema tells; `answer` is the answer to a request."""
    every = [told_by(version) for version in RELEASES]
    wrong, checked = {}, 0
    for table, name, entry in ENTRIES:
        fields = frozenset().union(*(told.fields.get((table, name), ()) for told in every))
        missing = {field.partition(".")[0] for field in entry.content} - {"answer"} - fields
        if fields and missing:
            wrong[f"{table} {name}"] = missing
        checked += bool(fields)
    assert wrong == {}
    assert checked > 300


def spoken(direction: str, line: bytes, seen: dict[str, set[str]]) -> None:
    """Note the names in a line of a stream."""
    message = json.loads(line) if line[:1] == b"{" else {}
    if "type" in message:
        seen["exec.events"].add(message["type"])
        if "item" in message:
            seen["exec.items"].add(message["item"]["type"])
    if "method" not in message:
        return
    method, params = message["method"], message.get("params") or {}
    if method.startswith("codex/event"):
        seen["older_events.events"].add(params["msg"]["type"])
        return
    who = "server" if direction == "s2c" else "client"
    seen[f"app_server.{who}_{'requests' if 'id' in message else 'notifications'}"].add(method)
    if method in ("item/started", "item/completed"):
        seen["app_server.items"].add(params["item"]["type"])


def written(line: dict[str, Any], seen: dict[str, set[str]]) -> None:
    """Note the names in a line of a rollout file."""
    payload = line.get("payload")
    if payload is None:  # of 0.20: a response item, the head, or a note that has no type
        seen["rollout.response_items"].update([line["type"]] if "type" in line else [])
        return
    seen["rollout.lines"].add(line["type"])
    if line["type"] == "response_item":
        seen["rollout.response_items"].add(payload["type"])
    elif line["type"] == "event_msg":
        seen["rollout.events"].add(payload["type"])
        if payload["type"] == "item_completed":
            seen["rollout.items"].add(payload["item"]["type"])


def test_no_recording_holds_a_name_that_the_catalogue_doesnt(recordings: Recordings) -> None:
    """They are of more releases than are pinned: 0.20 to 0.169."""
    seen: dict[str, set[str]] = {table: set() for table in CATALOGUE}
    for recording in recordings.like("*"):
        for frame in recording.frames():
            if frame.direction in ("c2s", "s2c"):
                spoken(frame.direction, frame.line, seen)
        for path in recording.rollouts():
            if path.suffix == ".jsonl":
                for line in rows(path):
                    written(line, seen)
    unknown = {t: found - names(t) for t, found in seen.items() if found - names(t)}
    assert unknown == {
        # Asked of Codex to see what it says to a name it doesn't know.
        "app_server.client_requests": {"no/such/method"},
        "app_server.client_notifications": {"no/such/notification"},
    }
    assert all(seen[table] for table in CATALOGUE if table != "rollout.extensions")


def test_a_name_that_is_new_is_reported_so_that_it_can_be_pasted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "app_server.server_notifications"
    told = Names(
        {table: frozenset({*CATALOGUE[table], "turn/dreamt", "dreamt"} - {"turn/started"})},
        frozenset({"turn/dreamt"}),
        frozenset({"DreamNotification"}),
        {(table, "turn/dreamt"): frozenset({"turnId", "dream"})},
    )
    monkeypatch.setattr(wire, "ask", lambda _: told)
    monkeypatch.setattr(wire, "version_of", lambda _: "9.0.0")
    assert wire.main(["true"]) == 1
    printed = capsys.readouterr().out
    place = "schema/wire/app_server.toml [server_notifications]"
    assert f"new, to be classified in {place}:\n    dreamt = {{}}\n" in printed
    assert '    "turn/dreamt" = { experimental = true }  # dream turnId\n' in printed
    assert '    unlisted = "DreamNotification"\n' in printed
    assert f"until = in {place}:\n    turn/started\n" in printed


@pytest.mark.codex(NEWEST)
def test_of_a_pinned_codex_nothing_is_new(
    codex: RealCodex, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wire.main([str(codex)]) == 0
    assert capsys.readouterr().out.endswith("\nNothing new.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "make wire CODEX=path/to/codex"),
        ([""], "make wire CODEX=path/to/codex"),
        (["no-such-program"], "there is no such program"),
        (["true"], "doesn't say its version"),
    ],
)
def test_a_program_that_cant_be_asked_is_said_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wire.main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err

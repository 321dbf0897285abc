"""`turns` and `sessions`: every way they are narrowed and printed."""

import csv
import io
import json
from pathlib import Path

import pytest

import scenes
from codex_telemetry.reports.shapes import Session, Turn
from commands import Command

T0, DAY = scenes.T0, scenes.DAY


def starts(cli: Command, *words: str) -> list[str]:
    answer = cli("turns", "--ndjson", *words)
    assert answer.code == 0, answer.err
    return [json.loads(line)["started_at"][:16] for line in answer.out.splitlines()]


MONDAY, TUESDAY = "2026-03-02T09:00", "2026-03-03T09:00"
THURSDAY, FRIDAY = "2026-03-05T09:00", "2026-03-06T09:00"
ALL = [MONDAY, TUESDAY, THURSDAY, THURSDAY, THURSDAY, FRIDAY]


@pytest.mark.usefixtures("week")
class TestNarrowing:
    def test_without_a_filter_all_turns_come_the_newest_last(self, cli: Command) -> None:
        assert starts(cli) == ALL

    def test_since_is_from_then_on_and_until_is_before_then(self, cli: Command) -> None:
        at = "2026-03-05T09:00:05Z"
        assert len(starts(cli, "--since", at)) + len(starts(cli, "--until", at)) == len(ALL)
        assert starts(cli, "--since", at) == [THURSDAY, THURSDAY, FRIDAY]

    def test_a_day_is_meant_whole(self, cli: Command) -> None:
        day = "2026-03-03"
        assert starts(cli, "--since", day, "--until", day) == [TUESDAY]

    def test_a_day_is_cut_by_the_zone_asked_for(self, cli: Command) -> None:
        """9:00 UTC on the 3rd is 23:00 on the 2nd in Honolulu."""
        zone = ("--tz", "Pacific/Honolulu")
        assert starts(cli, "--since", "2026-03-03", "--until", "2026-03-03", *zone) == []
        assert starts(cli, "--since", "2026-03-02", "--until", "2026-03-02", *zone) == [TUESDAY]

    def test_last_is_the_newest_of_what_matches(self, cli: Command) -> None:
        assert starts(cli, "--last", "2") == [THURSDAY, FRIDAY]
        assert starts(cli, "--last", "1", "--status", "interrupted") == [TUESDAY]
        assert starts(cli, "--last", "99") == ALL

    def test_a_session_is_known_by_the_beginning_of_its_id(self, cli: Command) -> None:
        assert starts(cli, "--session", scenes.uuid7(T0)[:13]) == [MONDAY, TUESDAY]

    def test_status_and_model(self, cli: Command) -> None:
        assert starts(cli, "--status", "in_progress") == [FRIDAY]
        assert starts(cli, "--model", "gpt-5.5-mini") == [THURSDAY]
        assert starts(cli, "--model", "gpt-5.5", "--status", "failed") == [THURSDAY]
        assert starts(cli, "--model", "gpt") == []

    def test_a_project_is_a_folder_and_what_is_under_it(self, cli: Command) -> None:
        assert starts(cli, "--project", "/home/me") == ALL
        assert starts(cli, "--project", "/home/me/other/deep/") == [THURSDAY]
        assert starts(cli, "--project", "/home/me/oth") == []
        assert starts(cli, "--project", "/") == ALL

    def test_a_turn_that_did_not_say_where_it_ran_ran_where_its_session_did(
        self, cli: Command
    ) -> None:
        found = json.loads(cli("turns", "--json", "--project", "~/other").out)
        assert [turn["status"] for turn in found] == ["completed", "failed"]
        assert found[1]["cwd"] is None

    def test_sessions_are_found_by_what_any_of_their_turns_was(self, cli: Command) -> None:
        def found(*words: str) -> list[str]:
            return [row["session_id"] for row in json.loads(cli("sessions", "--json", *words).out)]

        first, second = scenes.uuid7(T0), scenes.uuid7(T0 + 3 * DAY)
        assert found() == [first, second]
        assert found("--status", "failed") == [second]
        assert found("--model", "gpt-5.5-mini") == [second]
        assert found("--project", "/home/me/project") == [first]
        assert found("--last", "1") == [second]

    def test_a_session_is_in_every_stretch_of_its_life(self, cli: Command) -> None:
        def count(*words: str) -> int:
            return len(json.loads(cli("sessions", "--json", *words).out))

        assert count("--since", "2026-03-02T09:30Z", "--until", "2026-03-02T09:31Z") == 1
        assert count("--until", "2026-03-02T08:59Z") == 0


@pytest.mark.usefixtures("week")
class TestPrinting:
    def test_json_is_one_array_ndjson_the_same_objects_a_line(self, cli: Command) -> None:
        array = json.loads(cli("turns", "--json").out)
        assert [json.loads(line) for line in cli("turns", "--ndjson").out.splitlines()] == array
        assert all(list(row) == list(Turn.__struct_fields__) for row in array)

    def test_every_name_of_a_session_is_there(self, cli: Command) -> None:
        for row in json.loads(cli("sessions", "--json").out):
            assert list(row) == list(Session.__struct_fields__)

    def test_nothing_that_matches_is_an_empty_array(self, cli: Command) -> None:
        assert cli("turns", "--json", "--model", "none").out == "[]\n"
        assert cli("turns", "--ndjson", "--model", "none").out == ""
        assert len(cli("turns", "--csv", "--model", "none").out.splitlines()) == 1

    def test_csv_holds_the_same_with_unknown_empty_and_lists_joined(self, cli: Command) -> None:
        rows = list(csv.DictReader(io.StringIO(cli("turns", "--csv").out)))
        array = json.loads(cli("turns", "--json").out)
        assert list(rows[0]) == list(array[0])
        assert [row["turn_id"] for row in rows] == [turn["turn_id"] for turn in array]
        assert rows[0]["cost_usd"] == ""
        assert rows[0]["sources"] == "live"

    def test_a_pipe_gets_a_table_of_all_rows_without_colour(self, cli: Command) -> None:
        answer = cli("turns")
        assert len(answer.out.splitlines()) == 1 + len(ALL)
        assert "\x1b" not in answer.out
        assert answer.err == ""

    def test_moments_are_shown_in_the_zone_asked_for_with_its_offset(self, cli: Command) -> None:
        shown = cli("turns", "--tz", "Asia/Kolkata").out
        assert "2026-03-02 14:30:01 +05:30" in shown

    def test_an_old_turn_is_named_so_that_it_can_be_asked_for(self, cli: Command) -> None:
        name = f"{scenes.uuid7(T0 + 3 * DAY)[:13]}:2"
        assert name in cli("turns").out
        turn = json.loads(cli("turn", name, "--json").out)
        assert turn["turn_id"].endswith(":1aunch:0")
        assert turn["turn_index"] == 2


def test_csv_quotes_what_would_break_it(database: Path, cli: Command) -> None:
    folder = '/tmp/a,b "c"\nd=1'
    session = scenes.session(cwd=scenes.told(folder))
    scenes.write(database, session, scenes.turn(session, T0, cwd=scenes.told(folder)))
    (row,) = csv.DictReader(io.StringIO(cli("turns", "--csv").out))
    assert row["cwd"] == folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "--since is not a time: yesterday; write 2026-11-01"),
        (["--until", "2026-13-01"], "--until is not a time"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "--until is not after --since"),
        (["--today", "--week"], "--today and --week exclude each other"),
        (["--today", "--since", "1d"], "--today and --since exclude each other"),
        (["--json", "--csv"], "--json and --csv exclude each other"),
        (["--status", "done"], "--status: there is no status done; one of completed"),
        (["--tz", "Mars/Olympus"], "no time zone is called Mars/Olympus"),
        (["--tz", "../../etc/passwd"], "no time zone is called"),
        (["--tz", ""], "no time zone is called"),
        (["--last", "0"], "--last"),
        (["--last", "many"], "--last"),
        (["--project", ""], "--project is not a folder"),
        (["--log-level", "loud"], "--log-level names no log level"),
        (["--db", ""], "--db is empty"),
        (["--nonsense"], "--nonsense"),
        (["extra"], "extra"),
    ],
)
@pytest.mark.parametrize("command", ["turns", "sessions", "stats", "tools", "events"])
def test_what_cannot_be_meant_is_one_line_and_a_usage_error(
    cli: Command, command: str, words: list[str], said: str
) -> None:
    """Before any file is looked for: there is no database here."""
    answer = cli(command, *words)
    assert answer.code == 2
    assert answer.out == ""
    assert said in answer.err
    assert answer.err.count("\n") == 1

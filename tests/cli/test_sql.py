"""`sql`: any question, and no way to change anything by one."""

import json
import subprocess
from pathlib import Path

import pytest

import scenes
from codex_telemetry.core.facts import Gap
from commands import PROGRAM, Command, on_a_terminal, run

COUNT = "SELECT count(*) AS n FROM turns"


def test_an_answer_has_the_columns_that_were_asked_for(cli: Command, week: Path) -> None:
    question = "SELECT model, count(*) AS n, NULL AS unknown FROM turns GROUP BY 1 ORDER BY 1"
    rows = [
        {"model": "gpt-5.5", "n": 5, "unknown": None},
        {"model": "gpt-5.5-mini", "n": 1, "unknown": None},
    ]
    assert json.loads(cli("sql", question, "--json").out) == rows
    assert [json.loads(line) for line in cli("sql", question, "--ndjson").out.splitlines()] == rows
    assert cli("sql", question, "--csv").out == "model,n,unknown\ngpt-5.5,5,\ngpt-5.5-mini,1,\n"
    assert cli("sql", question).out.splitlines() == [
        "model         n  unknown",
        "gpt-5.5       5  -",
        "gpt-5.5-mini  1  -",
    ]


def test_columns_of_one_name_are_told_apart(cli: Command, week: Path) -> None:
    assert json.loads(cli("sql", "SELECT 1 AS a, 2 AS a, 3 AS a", "--json").out) == [
        {"a": 1, "a:1": 2, "a:2": 3}
    ]


@pytest.mark.parametrize("form", ["--json", "--ndjson", "--csv", "--timeout=9"])
def test_what_is_not_text_is_shown_as_its_size(cli: Command, week: Path, form: str) -> None:
    out = cli("sql", "SELECT body FROM told_sessions", form).out
    assert out.count(" bytes)") == 2
    assert "completed" not in out


CHANGES = [
    "DELETE FROM turns", "INSERT INTO spools VALUES ('x', 1)", "UPDATE turns SET model = NULL",
    "REPLACE INTO spools VALUES ('x', 1)", "DROP TABLE turns", "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x (a)", "CREATE VIEW v AS SELECT 1", "ALTER TABLE turns ADD COLUMN x",
    "WITH x AS (SELECT 1) DELETE FROM turns", "VACUUM", "VACUUM INTO '{other}'", "ANALYZE", "REINDEX",
    "ATTACH '{other}' AS other", "DETACH main", "BEGIN", "SAVEPOINT x", "COMMIT",
    "PRAGMA query_only=0", "PRAGMA journal_mode=DELETE", "PRAGMA user_version=99",
    "PRAGMA writable_schema=1", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA secure_delete=0",
    "SELECT load_extension('{other}')", "SELECT fts3_tokenizer('simple')",
    "EXPLAIN DELETE FROM turns", "/* SELECT */ DELETE FROM turns",
    "INSERT INTO spools VALUES ('x', 1) RETURNING name",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_can_be_changed_or_reached(
    cli: Command, week: Path, tmp_path: Path, change: str
) -> None:
    before, other = week.read_bytes(), tmp_path / "other.db"
    answer = cli("sql", change.format(other=other))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "codex-telemetry: sql: this would do more than read; ask with a SELECT\n"
    assert week.read_bytes() == before
    assert not other.exists()


@pytest.mark.parametrize(
    "question",
    [
        "PRAGMA table_info(turns)",
        "PRAGMA user_version",
        "SELECT name FROM pragma_table_info('turns')",
        "SELECT value FROM json_each('[1]')",
        "SELECT name FROM sqlite_master",
        "EXPLAIN QUERY PLAN SELECT * FROM turns",
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3) SELECT n FROM c",
        "-- a comment\nSELECT 1",
        "SELECT 1;",
    ],
)
def test_what_only_reads_is_answered(cli: Command, week: Path, question: str) -> None:
    answer = cli("sql", "--json", "--", question)
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("SELECT foo FROM turns", "no such column: foo"),
        ("SELECT * FROM nix", "no such table: nix"),
        ("SELECT", "incomplete input"),
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT 1; SELECT 2", "these are several statements"),
        ("SELECT ?", "Incorrect number of bindings"),
        ("  ", "there is no statement"),
        ("SELECT '\0'", "null character"),
        ("SELECT nix(1)", "no such function: nix"),
    ],
)
def test_bad_sql_is_one_line(cli: Command, week: Path, question: str, said: str) -> None:
    answer = cli("sql", question)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_no_question_at_all_says_how_to_ask(cli: Command, week: Path) -> None:
    answer = cli("sql")
    assert answer.code == 2
    assert 'codex-telemetry sql "SELECT' in answer.err


ENDLESS = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT {} FROM c"


@pytest.mark.parametrize("what", ["max(n)", "n"])
def test_a_question_that_takes_too_long_is_stopped(week: Path, what: str) -> None:
    """Before its first row, or between two."""
    answer = run("sql", ENDLESS.format(what), "--timeout", "0.3", "--ndjson")
    assert answer.code == 1
    assert answer.err.startswith("codex-telemetry: sql: it took longer than 0.3 s; --timeout S")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "1e9"])
def test_a_time_that_cannot_be_meant_is_one_line(cli: Command, week: Path, seconds: str) -> None:
    answer = cli("sql", "SELECT 1", f"--timeout={seconds}")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1


def test_a_value_too_large_for_memory_is_not_made(cli: Command, week: Path) -> None:
    answer = cli("sql", "SELECT hex(zeroblob(900000000))")
    assert (answer.code, answer.out) == (1, "")
    assert "too big" in answer.err


@pytest.mark.parametrize(
    "question",
    [
        "SELECT json_extract('{}', cwd) FROM turns",
        "SELECT json_extract(cwd, '$') FROM turns",
        "SELECT CAST(x'ff' || cwd AS TEXT) FROM turns WHERE abs(-9223372036854775808) > length(cwd)",
    ],
)
def test_an_error_while_it_runs_holds_no_value(cli: Command, week: Path, question: str) -> None:
    answer = cli("sql", question)
    assert answer.code == 1
    assert "/home/me" not in answer.err
    assert answer.err.startswith("codex-telemetry: sql: it failed while it ran: ")
    assert answer.err.count("\n") == 1


def test_text_that_is_no_utf8_is_shown_as_far_as_it_is(cli: Command, week: Path) -> None:
    assert json.loads(cli("sql", "SELECT CAST(x'ff41' AS TEXT) AS a", "--json").out) == [
        {"a": "\ufffdA"}
    ]


HOSTILE = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eabc\r\n"


@pytest.mark.parametrize("form", ["--json", "--ndjson", "--csv", "--timeout=9"])
def test_a_hostile_value_or_name_never_reaches_a_terminal(database: Path, form: str) -> None:
    scenes.write(database, Gap(scenes.T0, 1, HOSTILE))
    question = f'SELECT reason, reason AS "{HOSTILE}" FROM gaps'
    out = on_a_terminal("sql", question, form, columns=200).out
    assert out.count("red") >= 2
    # Colours of our own are not what is looked for.
    assert not [c for c in ("\x1b[31m", "\x07", "\x9b", "\u202e", "\r") if c in out]


def test_a_terminal_shows_the_first_rows_and_says_that_there_are_more(week: Path) -> None:
    question = ENDLESS.format("n") + " LIMIT {}"
    answer = on_a_terminal("sql", question.format(21))
    assert len(answer.out.splitlines()) == 1 + 20
    assert answer.err == "these are the first 20 rows: --json has all\n"
    assert on_a_terminal("sql", question.format(20)).err == ""
    assert on_a_terminal("sql", question.format(0)).err == "no rows\n"


def test_rows_that_are_wider_than_the_terminal_are_shown_column_by_column(week: Path) -> None:
    out = on_a_terminal("sql", "SELECT * FROM turns LIMIT 2", env={"NO_COLOR": "1"}).out
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("\nturn_index") == 2


def test_a_reader_that_has_enough_ends_it_quietly(week: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "sql", ENDLESS.format("n"), "--ndjson"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_schema_says_what_each_table_and_column_means(cli: Command) -> None:
    """Without a database: it is that of this version."""
    rows = json.loads(cli("sql", "--schema", "--json").out)
    by_name = {(row["table"], row["column"]): row for row in rows}
    assert by_name["turns", "ttft_ms"]["meaning"] == "to the first output of any kind"
    assert by_name["turns", "ttft_ms"]["table_meaning"] == "One row a turn, whoever told of it."
    only = json.loads(cli("sql", "--schema", "Gaps", "--json").out)
    assert only == [row for row in rows if row["table"] == "gaps"]
    assert "to the first output of any kind" in cli("sql", "--schema").out
    assert cli("sql", "--schema", "gaps", "--csv").out.startswith("table,table_meaning,column,")


def test_schema_of_no_table_names_those_there_are(cli: Command) -> None:
    answer = cli("sql", "--schema", "nix")
    assert (answer.code, answer.out) == (2, "")
    assert "there is no table nix" in answer.err
    assert "sessions" in answer.err

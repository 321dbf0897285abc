"""What a receiver has of every recorded turn is what is stored of it, with its own times, and no word."""

import itertools
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import scenes
from canary import MARKED
from codex_telemetry.core.facts import Fact
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.sinks.otlp import names
from codex_telemetry.sinks.otlp.span import span_id, trace_id
from commands import Command
from otlp.conftest import Sent
from otlp_receiver import Receiver, attributes
from saved import BORN, batch, query, save, thread, turn

MS = 1_000_000
KINDS = ", ".join(f"'{kind}'" for kind in TOOLS)
SENT = "status <> 'in_progress' AND started_at >= 0"


def exported(cli: Command, *words: str) -> dict[str, Any]:
    answer = cli("export", "otlp", "--json", *words)
    assert (answer.code, answer.err) == (0, "")
    told: dict[str, Any] = json.loads(answer.out)
    return told


def rows(path: Path, sql: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(sql).fetchall()


def test_every_recorded_turn_is_a_trace_with_all_that_belongs_to_it(
    sent: Sent,
) -> None:
    recorded, receiver, told = sent
    turns = rows(recorded, f"SELECT * FROM turns WHERE {SENT}")
    found = receiver.distinct
    assert told["turns"] == len(turns) > 20
    assert told["spans"] == len(receiver.spans) == len(found)
    assert told["waiting_turns"] == told["rejected_spans"] == 0
    assert told["bytes"] == sum(map(len, receiver.requests))
    assert told["wire_bytes"] == (receiver.on_the_wire or None)
    for row in turns:
        span = found[trace_id(row["turn_id"]) + span_id(row["turn_id"])]
        _is_the_turn(span, row)
    wanted = Counter(
        dict(
            query(
                recorded,
                f"""
                SELECT 'execute_tool', count(*) FROM items JOIN turns t USING (turn_key)
                WHERE kind IN ({KINDS}) AND t.{SENT.replace("started_at", "t.started_at")}
                UNION SELECT 'chat', count(*) FROM responses JOIN turns USING (turn_key) WHERE {SENT}
                UNION SELECT 'invoke_agent', count(*) FROM turns WHERE {SENT}
                UNION SELECT 'approval', count(*) FROM events JOIN turns t USING (turn_id)
                WHERE kind = 'approval' AND at IS NOT NULL AND t.{SENT}
                UNION SELECT i.kind, count(*) FROM items i JOIN turns t USING (turn_key)
                WHERE i.kind IN ('compaction', 'hook') AND t.{SENT.replace("started_at", "t.started_at")}
                GROUP BY i.kind
                """,
            )
        )
    )
    assert Counter(span.name.split(" ")[0] for span in found.values()) == wanted


def _is_the_turn(span: Span, row: sqlite3.Row) -> None:
    assert span.name == "invoke_agent codex"
    assert span.start_time_unix_nano == row["started_at"] * MS
    if row["duration_ms"] is not None:
        assert span.end_time_unix_nano - span.start_time_unix_nano == row["duration_ms"] * MS
    told = attributes(span)
    for field in names.TURN:
        assert told.get(field.attribute) == row[field.ours], field
    is_error = span.status.code == Status.STATUS_CODE_ERROR
    assert is_error == (row["status"] == "failed") == (names.ERROR_TYPE in told)


def test_every_span_is_within_its_turn_and_under_it(sent: Sent) -> None:
    found = sent.receiver.distinct
    for span in found.values():
        assert len(span.trace_id) == 16
        assert len(span.span_id) == 8
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        if span.parent_span_id:
            parent = found[span.trace_id + span.parent_span_id]
            assert parent.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= parent.end_time_unix_nano
        else:
            assert span.name == "invoke_agent codex"


def test_a_tool_has_its_own_times_and_what_is_unsaid_is_marked(
    sent: Sent,
) -> None:
    recorded, http, _ = sent
    found = http.distinct
    items = rows(
        recorded,
        f"""SELECT i.*, t.turn_id, t.started_at AS zero, t.started_at + t.duration_ms AS final
        FROM items i JOIN turns t USING (turn_key)
        WHERE kind IN ({KINDS}) AND t.status <> 'in_progress' AND t.duration_ms IS NOT NULL""",
    )
    assert len(items) > 20
    unsaid = 0
    for item in items:
        span = found[trace_id(item["turn_id"]) + span_id(item["turn_id"], "item", item["item_id"])]
        told = attributes(span)
        assert span.name == f"execute_tool {told['gen_ai.tool.name']}"
        missing = [n for n, c in (("start", "started_at"), ("end", "ended_at")) if item[c] is None]
        assert told.get(names.INFERRED) == (",".join(missing) or None)
        unsaid += bool(missing)
        if not missing:
            clip = [
                max(item["zero"], min(item[c], item["final"])) for c in ("started_at", "ended_at")
            ]
            assert [span.start_time_unix_nano, span.end_time_unix_nano] == [ms * MS for ms in clip]
        for field in names.ITEM:
            if field.ours != "output_capped":
                assert told.get(field.attribute) == item[field.ours]
    assert unsaid > 0


def test_a_response_ends_when_it_was_counted_and_its_beginning_is_marked_as_inferred(
    sent: Sent,
) -> None:
    recorded, http, _ = sent
    chats = [span for span in http.spans if span.name.startswith("chat ")]
    assert all(span.kind == Span.SPAN_KIND_CLIENT for span in chats)
    assert all("start" in attributes(span)[names.INFERRED] for span in chats)
    ends = {
        (trace_id(turn_id), span_id(turn_id, "response", total)): (at, model)
        for turn_id, total, at, model in query(
            recorded,
            """SELECT turn_id, running_total_tokens, max(t.started_at, min(at, t.started_at
            + t.duration_ms)), coalesce(r.model, t.model)
            FROM responses r JOIN turns t USING (turn_key)
            WHERE at IS NOT NULL AND t.duration_ms IS NOT NULL AND t.status <> 'in_progress'""",
        )
    }
    assert len(ends) > 40
    for span in chats:
        if (key := (span.trace_id, span.span_id)) in ends:
            at, model = ends[key]
            assert (span.end_time_unix_nano, span.name) == (at * MS, f"chat {model}")


def test_the_model_is_asked_again_once_its_tools_are_done(
    cli: Command, database: Path, http: Receiver
) -> None:
    session = scenes.session()
    scenes.write(database, session, scenes.busy_turn(session))
    exported(cli)
    chats = sorted(
        (s for s in http.spans if s.name.startswith("chat ")), key=lambda s: s.end_time_unix_nano
    )
    tools = [s for s in http.spans if s.name.startswith("execute_tool ")]
    for before, chat in itertools.pairwise(chats):
        assert chat.start_time_unix_nano >= before.end_time_unix_nano
    assert any(
        chat.start_time_unix_nano == tool.end_time_unix_nano for chat in chats for tool in tools
    )


def test_turns_are_linked_to_the_turn_they_worked_for_and_to_the_clients_trace(
    cli: Command, database: Path, http: Receiver
) -> None:
    root, traced, odd = (turn(n, thread(1)) for n in (1, 3, 4))
    child = turn(2, thread(2), root_turn_id=scenes.told(str(root.turn_id)))
    client = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    save(
        database,
        batch("a", root, child, traced, odd),
    )
    with closing(sqlite3.connect(database)) as db:
        put = "UPDATE turns SET more = json_array(NULL, NULL, NULL, NULL, ?) WHERE turn_id = ?"
        db.execute(put, (f"00-{client[0]}-{client[1]}-01", traced.turn_id))
        db.execute(put, (f"00-{'0' * 32}-{client[1]}-01", odd.turn_id))
        db.commit()
    exported(cli)
    links = {
        attributes(s)["codex_telemetry.turn.id"]: [
            (link.trace_id, link.span_id, attributes(link)["codex_telemetry.link"])
            for link in s.links
        ]
        for s in http.spans
        if s.name == "invoke_agent codex"
    }
    of_root = (trace_id(root.turn_id), span_id(root.turn_id), "parent_turn")
    assert links[child.turn_id] == [of_root]
    assert links[traced.turn_id] == [(*map(bytes.fromhex, client), "client")]
    assert links[root.turn_id] == links[odd.turn_id] == []


def test_no_word_of_anybodys_and_no_folder_leaves_the_machine(
    sent: Sent,
) -> None:
    recorded, receiver, _ = sent
    everything = receiver.everything()
    assert MARKED.search(everything) is None
    folders = {cwd for (cwd,) in query(recorded, "SELECT cwd FROM sessions WHERE cwd NOT NULL")}
    branches = {
        b for (b,) in query(recorded, "SELECT git_branch FROM sessions WHERE git_branch NOT NULL")
    }
    assert folders
    for name in folders:
        assert name.encode() not in everything
    told = {
        value for span in receiver.spans for key, value in attributes(span).items()
        if key in ("codex_telemetry.project", "codex_telemetry.item.server")
    }  # fmt: skip
    assert all(value.startswith(("folder-", "server-")) for value in told)
    assert not branches & {v for s in receiver.spans for v in attributes(s).values()}


@pytest.mark.parametrize(("how", "project"), [("shown", "/home/me/project"), ("none", None)])
def test_folders_are_told_as_the_config_says(
    cli: Command, week: Path, http: Receiver, home: Path, how: str, project: str | None
) -> None:
    (home / "config.toml").write_text(f'[otlp]\nnames = "{how}"\n')
    exported(cli)
    told = {
        attributes(s).get("codex_telemetry.project") for s in http.spans if not s.parent_span_id
    }
    assert project in told
    assert how == "shown" or told == {None}
    http.traces.clear()
    exported(cli, "--since=2000-01-01", "--redact")
    told = {attributes(s).get("codex_telemetry.project") for s in http.spans}
    assert all(name is None or name.startswith("folder-") for name in told)


def test_only_the_projects_that_are_named_are_sent(
    cli: Command, database: Path, http: Receiver, home: Path
) -> None:
    facts: list[Fact] = []
    for n, cwd in enumerate(("/src/a", "/src/a/inner", "/src/ab", "/private")):
        own = scenes.session(scenes.T0 + n * scenes.HOUR, n=n, cwd=scenes.told(cwd))
        facts += [own, scenes.turn(own, scenes.T0 + n * scenes.HOUR, cwd=scenes.told(cwd))]
    scenes.write(database, *facts)
    (home / "config.toml").write_text(
        '[otlp]\nnames = "shown"\nprojects = ["/src"]\nexcept_projects = ["/src/a/inner"]\n'
    )
    exported(cli)
    assert {
        attributes(s)["codex_telemetry.project"] for s in http.spans if not s.parent_span_id
    } == {"/src/a", "/src/ab"}
    counted = http.points()["gen_ai.invoke_agent.duration"].histogram.data_points
    assert sum(point.count for point in counted) == 2


def test_the_same_ids_are_sent_again_and_what_is_since_added_with_them(
    cli: Command, database: Path, http: Receiver
) -> None:
    first = turn(1, thread(1))
    save(database, batch("a", first))
    exported(cli)
    before = set(http.distinct)
    assert exported(cli)["turns"] == 0
    save(database, batch("b", turn(1, thread(1), total=300)))
    assert exported(cli)["turns"] == 1
    assert before < set(http.distinct)


def test_a_stretch_of_time_is_sent_whatever_was_sent_before(
    cli: Command, database: Path, http: Receiver
) -> None:
    day = 86_400_000
    save(database, batch("a", *(turn(n, thread(1), at=n * day) for n in range(5))))
    exported(cli)
    http.traces.clear()
    since = day_of(BORN + 2 * day)
    told = exported(cli, f"--since={since}", f"--until={day_of(BORN + 3 * day)}")
    assert told["turns"] == 2
    assert len({s.trace_id for s in http.spans}) == 2
    assert exported(cli)["turns"] == 0
    assert query(database, "SELECT count(*) FROM sink_cursors") == [(1,)]


def day_of(ms: int) -> str:
    from codex_telemetry.reports.moments import written

    return (written(ms) or "")[:10]

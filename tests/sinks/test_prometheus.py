"""`metrics`: what Prometheus reads is what the reports say, in few series and without a name."""

import http.client
import json
import signal
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import large
from commands import PROGRAM, run
from saved import query

PATIENCE = 30.0


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large.write(tmp_path_factory.mktemp("metrics") / "t.db", 2_000)


Samples = dict[str, list[tuple[dict[str, str], float]]]


def samples(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.fixture(scope="module")
def told(database: Path) -> Samples:
    answer = run("metrics", f"--db={database}")
    assert (answer.code, answer.err) == (0, "")
    return samples(answer.out)


def total(told: Samples, name: str, **labels: str) -> float:
    its = told[f"codex_telemetry_{name}"]
    return sum(value for found, value in its if labels.items() <= found.items())


def test_totals_are_those_of_the_reports(database: Path, told: Samples) -> None:
    turns = "SELECT count(*), count(duration_ms), sum(duration_ms) / 1000.0 FROM turns"
    ((number, timed, seconds),) = query(database, turns)
    assert total(told, "turns_total") == number
    assert total(told, "turn_duration_seconds_count") == timed
    assert total(told, "turn_duration_seconds_sum") == pytest.approx(seconds)
    days = json.loads(run("tokens", "--json", f"--db={database}").out)
    tokens = {key: sum(day[key] or 0 for day in days) for key in days[0] if key != "key"}
    for kind in ("input", "cached_input", "cache_write_input", "output", "reasoning_output"):
        assert total(told, "tokens_total", type=kind) == tokens[f"{kind}_tokens"]
    assert total(told, "cost_usd_total") == pytest.approx(tokens["cost_usd"])
    assert total(told, "unpriced_tokens_total") == tokens["unpriced_tokens"]
    tools = json.loads(run("tools", "--by", "kind", "--json", f"--db={database}").out)
    for tool in tools:
        assert total(told, "tool_calls_total", kind=tool["key"]) == tool["calls"]
        declined = total(told, "tool_calls_total", kind=tool["key"], status="declined")
        assert declined == tool["declines"]
    limits = json.loads(run("limits", "--json", f"--db={database}").out)
    used = sorted(value for _, value in told["codex_telemetry_limit_used_ratio"])
    assert used == pytest.approx(sorted(limit["used_percent"] / 100 for limit in limits))


def test_buckets_hold_what_took_no_longer(database: Path, told: Samples) -> None:
    for bound in ("1.0", "30.0", "600.0"):
        most = float(bound) * 1000
        ((number,),) = query(database, "SELECT count(*) FROM turns WHERE duration_ms <= ?", most)
        assert total(told, "turn_duration_seconds_bucket", le=bound) == number
    ran = "SELECT count(*) FROM items WHERE kind = 'command' AND status <> 'declined' AND duration_ms <= 100"
    its = total(told, "tool_duration_seconds_bucket", kind="command", le="0.1")
    assert its == query(database, ran)[0][0] > 0


def test_there_are_few_series_however_many_models_there_are(tmp_path: Path) -> None:
    database = large.write(tmp_path / "t.db", 300)
    before = run("metrics", f"--db={database}").out
    with closing(sqlite3.connect(database)) as db:
        db.execute("UPDATE turns SET model = 'model-' || turn_key")
        db.commit()
    after = run("metrics", f"--db={database}").out
    assert len(after.splitlines()) < len(before.splitlines()) + 21 * 40
    assert 'model="other"' in after
    assert total(samples(after), "turns_total") == total(samples(before), "turns_total")


def test_no_id_folder_or_name_is_among_the_labels(database: Path, told: Samples) -> None:
    labels = {key for its in told.values() for found, _ in its for key in found}
    assert labels == {"model", "status", "kind", "type", "le", "limit_id", "window"}
    text = run("metrics", f"--db={database}").out
    for column in ("session_id", "cwd"):
        for (value,) in query(database, f"SELECT DISTINCT {column} FROM turns LIMIT 50"):
            assert value is None or value not in text


def test_a_file_is_written_at_once_and_can_be_read_by_others(
    database: Path, tmp_path: Path
) -> None:
    out = tmp_path / "codex.prom"
    out.write_text("old")
    answer = run("metrics", "--out", str(out), f"--db={database}")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert samples(out.read_text())["codex_telemetry_turns_total"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["codex.prom"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--serve", "0.0.0.0:9478"], 2),
        (["--serve", "9478"], 2),
        (["--serve", "127.0.0.1:many"], 2),
        (["--serve", "127.0.0.1:99999"], 2),
        (["--serve", "127.0.0.1:0", "--out", "x"], 2),
        (["--out", "/nowhere/at/all.prom"], 1),
    ],
)
def test_what_cant_be_is_refused_in_one_line(database: Path, words: list[str], code: int) -> None:
    answer = run("metrics", *words, f"--db={database}")
    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
    assert "; " in answer.err


@contextmanager
def serving(database: Path) -> Iterator[int]:
    """`metrics --serve` on a port of its own."""
    words = [*PROGRAM, "metrics", "--serve", "127.0.0.1:0", f"--db={database}"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        yield int(said.rpartition("127.0.0.1:")[2].partition("/")[0])
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        assert "Traceback" not in process.stderr.read()


def asked(
    port: int, path: str = "/metrics", host: str = "127.0.0.1", method: str = "GET"
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_a_scrape_tells_what_there_is_now(tmp_path: Path) -> None:
    database = large.write(tmp_path / "t.db", 100)
    with serving(database) as port:
        status, text = asked(port)
        assert (status, total(samples(text), "turns_total")) == (200, 100)
        assert asked(port)[1] == text
        database.unlink()
        assert asked(port)[0] == 503
        large.write(tmp_path / "t.db", 120)
        assert total(samples(asked(port)[1]), "turns_total") == 120


def test_nobody_else_is_answered(tmp_path: Path) -> None:
    with serving(large.write(tmp_path / "t.db", 20)) as port:
        assert asked(port, host="evil.example")[0] == 403
        assert asked(port, path="/")[0] == 404
        assert asked(port, method="POST")[0] == 501


def test_a_client_that_says_nothing_holds_up_the_next_one_for_seconds_only(tmp_path: Path) -> None:
    with serving(large.write(tmp_path / "t.db", 20)) as port:
        silent = http.client.HTTPConnection("127.0.0.1", port)
        silent.connect()
        time.sleep(0.2)
        assert asked(port)[0] == 200
        silent.close()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    database = large.write(tmp_path / "t.db", 20)
    with serving(database) as port:
        answer = run("metrics", "--serve", f"127.0.0.1:{port}", f"--db={database}")
    assert answer.code == 1
    assert f"can't listen on 127.0.0.1:{port}" in answer.err

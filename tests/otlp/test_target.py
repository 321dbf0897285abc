"""Where to send: the standard variables say it first, then the config; what can't be meant is one line."""

from pathlib import Path

import pytest

from codex_telemetry.errors import UsageError
from codex_telemetry.sections import Otlp
from codex_telemetry.sinks.otlp.target import target
from commands import Command, run
from otlp_receiver import Receiver, attributes
from saved import query

BASE = "OTEL_EXPORTER_OTLP_"
CONFIG = Otlp(endpoint="http://config:4318", headers={"X-Key": "config"})


def test_unless_anybody_says_where_it_is_this_machine() -> None:
    assert target({}, Otlp()).traces.url == "http://localhost:4318/v1/traces"
    assert target({}, Otlp(protocol="grpc")).metrics.url == "http://localhost:4317"


def test_the_config_holds_where_no_variable_is_set_or_it_is_empty() -> None:
    found = target({f"{BASE}ENDPOINT": " ", f"{BASE}HEADERS": ""}, CONFIG).traces
    assert (found.url, found.headers) == ("http://config:4318/v1/traces", (("x-key", "config"),))


def test_a_variable_comes_before_it_and_one_of_a_signal_first() -> None:
    environ = {
        f"{BASE}ENDPOINT": "https://all:1/base/",
        f"{BASE}TRACES_ENDPOINT": "https://traces:2/as/it/is",
        f"{BASE}HEADERS": "a=1,b=x%20y",
        f"{BASE}METRICS_HEADERS": "c=3",
        f"{BASE}TIMEOUT": "2500",
        f"{BASE}COMPRESSION": "none",
        f"{BASE}METRICS_TEMPORALITY_PREFERENCE": "Delta",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    }
    found = target(environ, CONFIG)
    assert found.traces.url == "https://traces:2/as/it/is"
    assert found.metrics.url == "https://all:1/base/v1/metrics"
    assert found.traces.headers == (("a", "1"), ("b", "x y"))
    assert found.metrics.headers == (("c", "3"),)
    assert (found.traces.timeout_s, found.traces.gzip) == (2.5, False)
    assert (found.temporality, found.interval_s) == ("delta", 5.0)


def test_what_is_shown_of_it_holds_no_key() -> None:
    found = target({f"{BASE}TRACES_ENDPOINT": "https://x:1/key/s3cret?token=s3cret"}, Otlp())
    shown = found.traces.public()
    assert shown.startswith("https://x:1 (")
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENDPOINT", "localhost"),
        ("ENDPOINT", "ftp://x"),
        ("ENDPOINT", "http://[::1"),
        ("ENDPOINT", "http://user:s3cret@x"),
        ("PROTOCOL", "http/json"),
        ("COMPRESSION", "zip"),
        ("HEADERS", "s3cret value"),
        ("HEADERS", "a=s3cret%0d%0ab"),
        ("TIMEOUT", "soon"),
        ("METRICS_TEMPORALITY_PREFERENCE", "sideways"),
    ],
)
def test_what_cannot_be_meant_is_said_without_its_value(name: str, value: str) -> None:
    with pytest.raises(UsageError) as said:
        target({BASE + name: value}, Otlp())
    assert "s3cret" not in said.value.message + (said.value.hint or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("otlp = 8", "otlp must be a table headed [otlp]"),
        ("[otlp]\nwhere = 1", "unknown key otlp.where (known: enabled, endpoint,"),
        ('[otlp]\nnames = "all"', 'otlp.names must be "labels", "shown" or "none"'),
        ("[otlp]\nheaders = { a = 1 }", "otlp.headers must be a table of texts"),
        ("[otlp]\nsettle_seconds = -1", "otlp.settle_seconds must be a number of seconds"),
    ],
)
def test_what_is_wrong_in_the_config_is_one_line(
    cli: Command, home: Path, text: str, said: str
) -> None:
    (home / "config.toml").write_text(text)
    answer = cli("config")
    assert answer.code == 2
    assert said in answer.err


MISSING = """
import sys
sys.modules["grpc"] = None
from codex_telemetry.cli import app
sys.exit(app.run(["export", "otlp"]))
"""

LOOKS = """
import sys
from codex_telemetry.cli import app
folder = sys.argv[1]
for words in (["turns"], ["doctor"], ["config"], ["export", "jsonl", "--out", folder]):
    app.run([*words, "--json"])
heavy = {"opentelemetry", "grpc", "google"}
sys.exit(bool(heavy & {name.split(".")[0] for name in sys.modules}))
"""


def test_what_it_takes_is_named_where_it_is_missing(week: Path) -> None:
    answer = run(python=("-c", MISSING))
    assert (answer.code, answer.out) == (1, "")
    assert "pip install 'codex-telemetry[otel]'" in answer.err


def test_nothing_of_it_is_imported_by_any_other_command(week: Path, tmp_path: Path) -> None:
    look = ("-c", LOOKS, str(tmp_path / "out"))
    answer = run(python=look, env={"CODEX_TELEMETRY_CODEX": "/bin/true"})
    assert (tmp_path / "out" / "turns").is_dir()
    assert answer.code == 0


def test_nothing_is_sent_where_the_user_turned_all_of_it_off(
    cli: Command, week: Path, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    answer = cli("export", "otlp")
    assert "OTEL_SDK_DISABLED" in answer.err
    assert http.tried == []


def test_whose_data_it_is_says_the_user_and_nothing_says_which_machine(
    cli: Command, week: Path, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=dev,team=a")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    assert cli("export", "otlp").code == 0
    told = attributes(http.traces[0].resource_spans[0].resource)
    ((database,),) = query(week, "SELECT database FROM saves")
    assert told == {
        "service.name": "ours",
        "service.version": told["service.version"],
        "service.instance.id": database,
        "deployment.environment.name": "dev",
        "team": "a",
    }

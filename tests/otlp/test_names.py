"""docs/OTEL.md has every name that goes out, and no other; ours are under our own prefix."""

from itertools import chain
from pathlib import Path

from codex_telemetry.reports.shapes import Turn
from codex_telemetry.sinks.otlp import names, totals
from codex_telemetry.sinks.otlp.spans import MARKS
from otlp.conftest import Sent
from otlp_receiver import attributes

DOC = Path(__file__).parents[2] / "docs" / "OTEL.md"
MARKER = "<!-- names: checked by tests/otlp/test_names.py -->\n"

GROUPS = {
    "The turn's span": (*names.TURN, *names.SESSION, *names.PLACE[:1]),
    "A response's": names.RESPONSE,
    "A tool's, a compaction's, a hook's": (*names.ITEM, *names.PLACE[1:]),
    "With `--content` alone": names.CONTENT,
}
ALWAYS = (
    names.OPERATION, names.AGENT_NAME, names.PROVIDER, names.MODEL, names.TOOL_NAME, names.TOOL_TYPE,
    names.ERROR_TYPE, names.INFERRED, f"{names.OWN}link", f"{names.OWN}event.status",
    totals.STATUS, totals.KIND, totals.PART, totals.LIMIT, totals.WINDOW,
)  # fmt: skip


def table() -> str:
    """What stands there. To write it anew: `PYTHONPATH=tests python -m otlp.test_names`."""
    parts = ["", f"On all of them where it applies, and on metrics: {_listed(ALWAYS)}.", ""]
    for title, fields in GROUPS.items():
        parts += [f"### {title}", "", "| attribute | column | meaning |", "|---|---|---|"]
        parts += [f"| `{f.attribute}` | `{f.ours}` | {f.meaning} |" for f in fields] + [""]
    parts += [
        "### Events of a turn's span",
        "",
        f"{_listed(names.OWN + m for m in sorted(MARKS))}.",
        "",
    ]
    parts += ["### Metrics", "", "| metric | unit | meaning |", "|---|---|---|"]
    parts += [f"| `{m.name}` | `{m.unit}` | {m.meaning} |" for m in names.METRICS]
    return "\n".join(parts) + "\n"


def _listed(told: object) -> str:
    assert not isinstance(told, str)
    return ", ".join(f"`{name}`" for name in told)  # type: ignore[attr-defined]


def test_the_page_has_the_names_of_the_code() -> None:
    assert DOC.read_text(encoding="utf-8").partition(MARKER)[2] == table()


def test_every_name_that_went_out_is_on_the_page(sent: Sent) -> None:
    known = {f.attribute for fields in GROUPS.values() for f in fields} | {*ALWAYS}
    found = {
        name
        for span in sent.receiver.spans
        for of in (span, *span.links, *span.events)
        for name in attributes(of)
    }
    for metric in sent.receiver.points().values():
        data = getattr(metric, metric.WhichOneof("data"))
        found |= {name for point in data.data_points for name in attributes(point)}
    assert found <= known
    content = {f.attribute for f in names.CONTENT}
    assert not found & content
    events = {event.name for span in sent.receiver.spans for event in span.events}
    assert events <= {names.OWN + mark for mark in MARKS}


def test_ours_are_under_our_prefix_and_none_is_codexs() -> None:
    every = [*chain(*GROUPS.values())]
    told = {*(f.attribute for f in every), *ALWAYS, *(m.name for m in names.METRICS)}
    assert {name.split(".")[0] for name in told} == {"gen_ai", "openai", "error", "codex_telemetry"}


def test_every_figure_of_a_turn_has_a_name_or_is_left_out_on_purpose() -> None:
    left_out = {
        "root_turn_id": "a link", "error_kind": "error.type", "started_at": "the span's own",
        "ended_at": "the span's own", "cwd": "as the config says", "reasoning_items": "a count of spans",
        "total_tokens": "input and output", "captured_at": "ours", "utc_offset_min": "ours",
        "sources": "ours", "interrupt_ms": "an event", "mcp_startup_ms": "part of start_delay_ms",
        "traceparent": "a link", "secret_ids": "ours",
    }  # fmt: skip
    told = {field.ours for field in names.TURN} | set(left_out)
    assert {*Turn.__struct_fields__} - told == set()


if __name__ == "__main__":
    head, marker, _ = DOC.read_text(encoding="utf-8").partition(MARKER)
    DOC.write_text(head + marker + table(), encoding="utf-8")

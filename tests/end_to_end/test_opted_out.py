"""A client of the real Codex that doesn't want to hear of items: what that costs us is null, not 0."""

import pytest
from test_real_codex import RUN, ended_rows

from app_server import PLAIN_MODEL, talk
from codex_telemetry.core.parts import Parts
from real_codex import RealCodex
from store_of import rows, until

ITEMS = ["item/started", "item/completed"]


@pytest.mark.codex("0.169.0", "0.125.0")
def test_what_the_client_does_not_hear_is_null(codex: RealCodex) -> None:
    opted_out = {"optOutNotificationMethods": ITEMS}
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL, capabilities=opted_out) as it:
        it.client.approve(after=0.3)
        it.turn("demo")
        (row,) = ended_rows(it, 1)
        (session,) = rows(it.home.database, "SELECT opted_out FROM sessions")
        heard = {
            line.message["method"]
            for line in it.client.lines
            if line.message and "method" in line.message
        }
    assert not heard & set(ITEMS)
    assert session["opted_out"] == '["item/completed","item/started"]'
    for unknown in ("tools_ms", "model_ms", "ttft_ms", "tool_calls", "messages", "tool_failures"):
        assert row[unknown] is None, unknown
    assert row["approvals"] == 1
    assert row["approval_ms"] >= 290
    assert row["total_tokens"] > 0
    assert sum(row[f"{part}_ms"] or 0 for part in Parts._fields) == row["duration_ms"]


@pytest.mark.codex("0.169.0")
def test_a_log_tells_what_the_client_did_not_hear(codex: RealCodex) -> None:
    opted_out = {"optOutNotificationMethods": ITEMS}
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL, capabilities=opted_out) as it:
        it.client.approve(after=0.3)
        it.turn("demo")
        it.client.close()
        (row,) = until(lambda: rows(it.home.database, "SELECT * FROM turns WHERE sources = 3"))
    assert (row["parts_source"], row["tool_calls"]) == ("live", 3)
    # What the client was asked only the stream tells, what its tools took only the log.
    assert row["approval_ms"] >= 290
    assert row["tools_ms"] > 0
    assert row["ttft_ms"] is not None

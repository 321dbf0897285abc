"""The JSON Schemas in `schema/output/` are those of the structs that print."""

import msgspec
import pytest

from codex_telemetry.core.rows import ItemRow, ResponseRow, SessionRow, TurnRow
from codex_telemetry.reports import shapes, shapes_stats, shapes_upkeep
from codex_telemetry.reports.schemas import PRINTED_BY, SHAPES, generate, published, text
from codex_telemetry.store.db import schema_folder

# Out of the contract, to be compared with: these names are what people's scripts rely on.
TURN = """session_id turn_id turn_index root_turn_id status error_kind started_at ended_at duration_ms
duration_clock ttft_ms ttfm_ms model effort service_tier approval_policy sandbox cli_version cwd prompts
messages reasoning_items tool_calls tool_failures approvals retries errors responses input_tokens
cached_input_tokens cache_write_input_tokens output_tokens reasoning_output_tokens total_tokens cost_usd
context_tokens context_window start_delay_ms model_ms tools_ms approval_ms hooks_ms compaction_ms retry_ms
unexplained_ms captured_at utc_offset_min sources"""
ITEM = """item_id kind name status started_at ended_at duration_ms approval_ms exit_code output_bytes
output_capped decision"""
RESPONSE = """response_id model at input_tokens cached_input_tokens cache_write_input_tokens output_tokens
reasoning_output_tokens total_tokens running_total_tokens cost_usd"""
CONTEXT = """sandbox_type sandbox_network sandbox_writable_roots exclude_tmpdir exclude_slash_tmp
truncation_policy summary_mode has_base_instructions has_user_instructions has_developer_instructions
context_percent_left"""
COUNTS = """local_shell_call function_call custom_tool_call web_search_call compaction images local_images
reasoning_chars"""
SESSION = """session_id root_session_id parent_session_id forked_from_id relation source originator
client_name client_version cli_version model_provider models cwd git_branch git_commit git_repo created_at
last_at archived turns turns_interrupted turns_failed prompts messages tool_calls compactions rollbacks
reviews images input_tokens cached_input_tokens cache_write_input_tokens output_tokens
reasoning_output_tokens total_tokens cost_usd rollout_path captured_at utc_offset_min sources"""
STATS = "key turns " + " ".join(
    f"{measure}_{rank}_ms"
    for measure in ("duration", "ttft", "tools", "approval")
    for rank in ("p50", "p90", "p95", "p99", "max")
)
BACKFILL = (
    """files files_read bytes_read lines sessions turns responses drift skipped_lines seconds"""
)


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        (shapes.Turn, TURN),
        (shapes.TurnDetail, f"{TURN} items token_responses context counts"),
        (shapes.Item, ITEM),
        (shapes.TokenResponse, RESPONSE),
        (shapes.TurnContext, CONTEXT),
        (shapes.TurnCounts, COUNTS),
        (shapes.Session, SESSION),
        (shapes_stats.Stats, STATS),
        (shapes_stats.ToolStats, "key calls failures declines p50_ms p95_ms max_ms total_ms"),
        (
            shapes_stats.Event,
            "event_id session_id turn_id kind name at duration_ms status source",
        ),
        (shapes_upkeep.PathInfo, "database config log spool"),
        (shapes_upkeep.BackfillSummary, BACKFILL),
        (shapes_upkeep.Doctor, "checks drift gaps"),
        (shapes_upkeep.Check, "name status detail hint"),
        (shapes_upkeep.DriftCount, "source codex_version name reason n first_seen last_seen"),
        (shapes_upkeep.GapSeen, "session_id at dropped_bytes reason"),
    ],
)
def test_every_name_of_the_contract_is_in_its_shape(
    shape: type[msgspec.Struct], names: str
) -> None:
    assert set(shape.__struct_fields__) >= set(names.split())


@pytest.mark.parametrize("name", SHAPES)
def test_the_schema_on_disk_is_that_of_the_struct(name: str) -> None:
    """If this fails: raise the version in `reports/schemas.py`, then write the files anew with
    `python -m codex_telemetry.reports.schemas --write`."""
    assert published(name) == text(name)


def test_there_is_a_file_for_each_shape_and_no_other() -> None:
    files = {path.stem for path in (schema_folder() / "output").iterdir()}
    assert files == set(SHAPES) == set(PRINTED_BY)


@pytest.mark.parametrize("name", SHAPES)
def test_every_name_is_required_so_unknown_is_null_and_never_absent(name: str) -> None:
    schema = generate(name)
    assert set(schema["required"]) == set(schema["properties"])
    assert schema["version"] >= 1


def test_what_the_store_has_and_the_contract_prints_has_the_same_name() -> None:
    """A renamed column would print null for ever."""
    made_here = {"turn_index"}
    assert set(shapes.Turn.__struct_fields__) - set(TurnRow.__struct_fields__) == made_here
    assert set(shapes.Item.__struct_fields__) <= set(ItemRow.__struct_fields__)
    assert set(shapes.TokenResponse.__struct_fields__) <= set(ResponseRow.__struct_fields__)
    told = set(SessionRow.__struct_fields__)
    assert told <= set(shapes.Session.__struct_fields__)

"""Which name of OpenTelemetry's a field of ours has; what has none is under our own prefix.

The GenAI conventions are still moving, and have a repository of their own since 2026
(open-telemetry/semantic-conventions-genai). All names that follow them stand here and nowhere else.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

SEMCONV: Final = "0.1.0"
"""The release of the GenAI conventions that is followed."""
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/gen-ai/{SEMCONV}"

OWN: Final = "codex_telemetry."
"""Never `codex.`: that is Codex's own telemetry."""

SCOPE: Final = "codex-telemetry"
AGENT: Final = "codex"

OPERATION: Final = "gen_ai.operation.name"
AGENT_NAME: Final = "gen_ai.agent.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
ERROR_TYPE: Final = "error.type"
OTHER_ERROR: Final = "_OTHER"

INVOKE, CHAT, EXECUTE = "invoke_agent", "chat", "execute_tool"
"""Values of `gen_ai.operation.name`."""

INFERRED: Final = f"{OWN}inferred"
"""Which of a span's times nobody said: start, end, or both. Worked out from what came before."""

PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
}
"""Codex's words for a provider → the conventions'; others are what they are."""


class Field(NamedTuple):
    """One column of ours, and the attribute it becomes."""

    ours: str
    attribute: str
    meaning: str
    of: Callable[[Any], Any] = lambda value: value


def _yes(value: Any) -> bool:
    return bool(value)


def _own(*columns: tuple[str, str, str]) -> tuple[Field, ...]:
    return tuple(Field(ours, OWN + name, meaning) for ours, name, meaning in columns)


USAGE: Final = (
    Field("input_tokens", "gen_ai.usage.input_tokens", "cached ones included"),
    Field("cached_input_tokens", "gen_ai.usage.cache_read.input_tokens", "a part of the input"),
    Field(
        "cache_write_input_tokens", "gen_ai.usage.cache_write.input_tokens", "a part of the input"
    ),
    Field("output_tokens", "gen_ai.usage.output_tokens", "reasoning included"),
    Field(
        "reasoning_output_tokens", "gen_ai.usage.reasoning.output_tokens", "a part of the output"
    ),
    *_own(("cost_usd", "cost_usd", "what the API would charge, never a bill; absent if unknown")),
)

TURN: Final = (
    Field("session_id", "gen_ai.conversation.id", "Codex's thread id"),
    Field("cli_version", "gen_ai.agent.version", "the Codex that ran it"),
    Field("model", MODEL, "as it was asked for"),
    Field("effort", "gen_ai.request.reasoning.level", "of reasoning"),
    Field("service_tier", "openai.request.service_tier", "as it was asked for"),
    *USAGE,
    *_own(
        ("turn_id", "turn.id", "Codex's, or ours where it gave none"),
        ("turn_index", "turn.index", "from 0 within its session"),
        ("status", "turn.status", "completed, interrupted, failed"),
        ("duration_ms", "turn.duration_ms", "as it is known best"),
        ("duration_clock", "turn.duration_clock", "codex_ms, wire, codex_s, log"),
        ("ttft_ms", "turn.ttft_ms", "to the first output of any kind"),
        ("ttfm_ms", "turn.ttfm_ms", "to the first message"),
        ("start_delay_ms", "turn.start_delay_ms", "where its time went: eight parts"),
        ("model_ms", "turn.model_ms", "the same"),
        ("tools_ms", "turn.tools_ms", "the same"),
        ("approval_ms", "turn.approval_ms", "the same"),
        ("hooks_ms", "turn.hooks_ms", "the same"),
        ("compaction_ms", "turn.compaction_ms", "the same"),
        ("retry_ms", "turn.retry_ms", "the same"),
        ("unexplained_ms", "turn.unexplained_ms", "the same"),
        ("parts_source", "turn.parts_source", "who told them: live, rollout"),
        ("prompts", "turn.prompts", "how many"),
        ("messages", "turn.messages", "how many"),
        ("tool_calls", "turn.tool_calls", "how many"),
        ("tool_failures", "turn.tool_failures", "how many, declined ones aside"),
        ("approvals", "turn.approvals", "requests for a permission"),
        ("retries", "turn.retries", "how many"),
        ("errors", "turn.errors", "how many"),
        ("responses", "turn.responses", "of the model"),
        ("context_tokens", "turn.context_tokens", "in the context after the last response"),
        ("context_window", "turn.context_window", "how many would fit"),
        ("approval_policy", "turn.approval_policy", "as Codex calls it"),
        ("sandbox", "turn.sandbox", "as Codex calls it"),
    ),
)

SESSION: Final = _own(
    ("relation", "session.relation", "root, fork, subagent, review"),
    ("root_session_id", "session.root_id", "the thread at the top of the tree"),
    ("source", "session.source", "cli, vscode, exec, …"),
    ("client_name", "session.client_name", "what drives Codex"),
    ("client_version", "session.client_version", "the same"),
)

RESPONSE: Final = (
    Field("model", MODEL, "as it was asked for"),
    Field("response_id", "gen_ai.response.id", "where the log has it"),
    *USAGE,
)

ITEM: Final = (
    Field("item_id", "gen_ai.tool.call.id", "Codex's id of the item"),
    *_own(
        ("kind", "item.kind", "command, file_change, mcp_tool, …"),
        ("status", "item.status", "completed, failed, declined, unfinished"),
        ("duration_ms", "item.duration_ms", "how long it ran, without the wait for an approval"),
        ("approval_ms", "item.approval_ms", "that wait"),
        ("exit_code", "item.exit_code", "of a command"),
        ("output_bytes", "item.output_bytes", "how much it gave; nothing of it"),
        ("decision", "item.decision", "of who was asked"),
        ("lines_added", "item.lines_added", "by a file change"),
        ("lines_removed", "item.lines_removed", "the same"),
        ("context_before", "item.context_before", "tokens before a compaction"),
        ("context_after", "item.context_after", "and after it"),
    ),
    Field("output_capped", f"{OWN}item.output_capped", "Codex cut what it reported", _yes),
)

PLACE: Final = _own(
    ("cwd", "project", "a label of the folder; the folder itself only if you say so"),
    ("server", "item.server", "of an MCP tool: a label, or its name if you say so"),
)
"""What is named by the user: as the config says."""

CONTENT: Final = (
    Field("prompt", "gen_ai.input.messages", "content: two locks must be open"),
    Field("answer", "gen_ai.output.messages", "content: two locks must be open"),
    Field("arguments", "gen_ai.tool.call.arguments", "content: two locks must be open"),
    Field("output", "gen_ai.tool.call.result", "content: two locks must be open"),
)


class Metric(NamedTuple):
    name: str
    unit: str
    meaning: str


TURN_DURATION = Metric("gen_ai.invoke_agent.duration", "s", "How long turns took.")
TOOL_DURATION = Metric("gen_ai.execute_tool.duration", "s", "How long calls ran.")
TTFT = Metric(f"{OWN}turn.time_to_first_token", "s", "From a turn's start to its first output.")
APPROVAL_WAIT = Metric(f"{OWN}approval.wait", "s", "Until a permission was given or refused.")
PART_TIME = Metric(f"{OWN}turn.part.time", "s", "Where the time of turns went.")
RESPONSES = Metric(f"{OWN}responses", "{response}", "Responses of the model.")
COST = Metric(f"{OWN}cost", "USD", "What the API would charge, never a bill.")
TOKENS: Final = {
    "input": Metric("gen_ai.client.inference.usage.input_tokens", "{token}", "Input."),
    "cached_input": Metric(
        "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "Part of the input."
    ),
    "cache_write_input": Metric(
        "gen_ai.client.inference.usage.cache_write.input_tokens", "{token}", "Part of the input."
    ),
    "output": Metric("gen_ai.client.inference.usage.output_tokens", "{token}", "Output."),
    "reasoning_output": Metric(
        "gen_ai.client.inference.usage.reasoning.output_tokens", "{token}", "Part of the output."
    ),
}
LIMIT_USED = Metric(f"{OWN}limit.used", "1", "How full a rate limit was, from 0 to 1.")
LIMIT_RESETS = Metric(f"{OWN}limit.resets_in", "s", "Until its window ends.")

METRICS: Final = (
    TURN_DURATION, TTFT, PART_TIME, TOOL_DURATION, APPROVAL_WAIT, *TOKENS.values(), RESPONSES, COST,
    LIMIT_USED, LIMIT_RESETS,
)  # fmt: skip

"""The messages of `codex app-server` as far as we read them (0.58 to 0.169).

Structs name only the fields they need. Whatever may hold content is left as `msgspec.Raw`, its
size measured where the size is wanted.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

Int = Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)]
"""A whole number as JSON can hold it, and SQLite too."""

Id = Int | str

NOTHING = Raw(b"")
"""A field that isn't there (msgspec knows no optional `Raw`); one that is null holds `null`."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises on bytes that aren't what we expect."""


def given(raw: Raw) -> bool:
    """Whether a field is there and not null."""
    size = len(raw)
    return size > 0 and (
        size != 4 or bytes(raw) != b"null"
    )  # it may be megabytes: not a copy of it


class Envelope(Struct):
    method: str | None = None
    id: Id | None = None
    params: Raw = NOTHING
    result: Raw = NOTHING
    error: Raw = NOTHING
    trace: Raw = NOTHING
    emittedAtMs: Int | None = None  # noqa: N815 - the wire's own names, here and below


class Trace(Struct):
    """The trace context of a request; its `tracestate` is a vendor's own and isn't read."""

    traceparent: str | None = None


class Refused(Struct):
    """The error of an answer. Its message is content."""

    code: Int | None = None


class ClientInfo(Struct):
    name: str | None = None
    version: str | None = None


class Capabilities(Struct):
    optOutNotificationMethods: list[str] | None = None  # noqa: N815


class Initialize(Struct):
    clientInfo: ClientInfo | None = None  # noqa: N815
    capabilities: Capabilities | None = None


class ServerInfo(Struct):
    user_agent: str | None = None


class Initialized(Struct):
    userAgent: str | None = None  # noqa: N815
    serverInfo: ServerInfo | None = None  # noqa: N815 - of `codex mcp serve` (0.42)


class GitInfo(Struct):
    sha: str | None = None
    branch: str | None = None


class ThreadInfo(Struct):
    id: str
    sessionId: str | None = None  # noqa: N815
    forkedFromId: str | None = None  # noqa: N815
    parentThreadId: str | None = None  # noqa: N815
    modelProvider: str | None = None  # noqa: N815
    createdAt: Int | None = None  # noqa: N815
    cwd: str | None = None
    cliVersion: str | None = None  # noqa: N815
    originator: str | None = None
    source: Any = None
    gitInfo: GitInfo | None = None  # noqa: N815


class ThreadStarted(Struct):
    thread: ThreadInfo


class ThreadOpened(Struct):
    """The answer to `thread/start`, `thread/resume`, `thread/fork`. Its turns are never read:
    old histories get fresh ids each time."""

    thread: ThreadInfo
    model: str | None = None
    modelProvider: str | None = None  # noqa: N815
    serviceTier: str | None = None  # noqa: N815
    cwd: str | None = None
    approvalPolicy: Any = None  # noqa: N815
    sandbox: Any = None
    reasoningEffort: str | None = None  # noqa: N815


class Wanted(Struct):
    """What turns are to run with."""

    model: str | None = None
    effort: str | None = None
    serviceTier: str | None = None  # noqa: N815
    summary: str | None = None
    cwd: str | None = None
    approvalPolicy: Any = None  # noqa: N815
    sandboxPolicy: Any = None  # noqa: N815


class TurnStart(Wanted, kw_only=True):
    threadId: str  # noqa: N815


class TurnInfo(Struct):
    id: str
    rootTurnId: str | None = None  # noqa: N815
    status: str | None = None
    error: Raw = NOTHING
    startedAt: Int | None = None  # noqa: N815
    completedAt: Int | None = None  # noqa: N815
    durationMs: Int | None = None  # noqa: N815


class TurnAnswer(Struct):
    turn: TurnInfo
    reviewThreadId: str | None = None  # noqa: N815


class TurnNotice(Struct):
    turn: TurnInfo
    threadId: str | None = None  # noqa: N815


class ItemNotice(Struct):
    item: Raw
    threadId: str | None = None  # noqa: N815
    turnId: str | None = None  # noqa: N815
    startedAtMs: Int | None = None  # noqa: N815
    completedAtMs: Int | None = None  # noqa: N815


class Tokens(Struct):
    totalTokens: Int  # noqa: N815
    inputTokens: Int  # noqa: N815
    outputTokens: Int  # noqa: N815
    cachedInputTokens: Int = 0  # noqa: N815
    reasoningOutputTokens: Int = 0  # noqa: N815
    cacheWriteInputTokens: Int | None = None  # noqa: N815


class TokenUsage(Struct):
    total: Tokens
    last: Tokens
    modelContextWindow: Int | None = None  # noqa: N815


class UsageNotice(Struct):
    threadId: str  # noqa: N815
    turnId: str  # noqa: N815
    tokenUsage: TokenUsage  # noqa: N815


class TurnError(Struct):
    """Its message is content: bodies and addresses of a provider. Only the kind is read."""

    codexErrorInfo: Any = None  # noqa: N815


class ErrorNotice(Struct):
    error: TurnError
    willRetry: bool | None = None  # noqa: N815
    threadId: str | None = None  # noqa: N815
    turnId: str | None = None  # noqa: N815


class Ask(Struct):
    """A request of Codex to the client; the snake-case names are the v1 protocol's."""

    threadId: str | None = None  # noqa: N815
    turnId: str | None = None  # noqa: N815
    itemId: str | None = None  # noqa: N815
    callId: str | None = None  # noqa: N815
    startedAtMs: Int | None = None  # noqa: N815
    conversationId: str | None = None  # noqa: N815
    conversation_id: str | None = None
    call_id: str | None = None


class Answer(Struct):
    decision: Any = None
    action: Any = None
    """Of an elicitation: accept, decline, cancel."""


class Resolved(Struct):
    requestId: Id  # noqa: N815


class Rerouted(Struct):
    threadId: str  # noqa: N815
    turnId: str  # noqa: N815
    toModel: str | None = None  # noqa: N815


class OfThread(Struct):
    threadId: str  # noqa: N815


class OfTurn(Struct):
    """A request of the client that may be about a thread and its turn; v1 says `conversationId`."""

    threadId: str | None = None  # noqa: N815
    turnId: str | None = None  # noqa: N815
    expectedTurnId: str | None = None  # noqa: N815
    conversationId: str | None = None  # noqa: N815


class StatusNotice(Struct):
    threadId: str  # noqa: N815
    status: Any = None


class PlanStep(Struct):
    status: str | None = None


class PlanNotice(Struct):
    """What the steps are is content."""

    plan: list[PlanStep]
    threadId: str | None = None  # noqa: N815
    turnId: str | None = None  # noqa: N815


class SettingsNotice(Struct):
    threadId: str  # noqa: N815
    threadSettings: Wanted  # noqa: N815


class RawResponseNotice(Struct):
    threadId: str  # noqa: N815
    responseId: str | None = None  # noqa: N815
    usage: Tokens | None = None


OPENS_THREAD = frozenset({"thread/start", "thread/resume", "thread/fork"})
STARTS_TURN = frozenset({"turn/start", "review/start"})

APPROVALS = frozenset(
    {
        "item/commandExecution/requestApproval",
        "item/fileChange/requestApproval",
        "item/permissions/requestApproval",
        "execCommandApproval",
        "applyPatchApproval",
    }
)
ASKS = {
    **dict.fromkeys(APPROVALS, "approval"),
    "item/tool/requestUserInput": "user_input",
    "mcpServer/elicitation/request": "user_input",
    "item/tool/call": "tool",
}
"""Requests of Codex to the client (0.169) that belong to a turn → what they are."""

"""What the stub model says: each script is a list of responses, as data.

Everything said carries a canary (`CANARY-ANSWER-1`, …), so that a test can search whatever was
written for a word that should not be there. In the texts `{n}` becomes the canary's number and
`{seconds}` the length of the command that takes its time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """A summary of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """A message: an answer, or a comment on the way to it."""

    text: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A shell command."""

    command: str
    yield_ms: int = 30_000
    """How long unified exec waits before it leaves it in the background: 30 s is its own limit."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of files, in the language of apply_patch."""

    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """Any other tool, by its name: one that the client brought, or that asks the user."""

    tool: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    server: str | None = None
    """The MCP server whose tool it is."""


Part = Reason | Say | Run | Patch | Use


@dataclass(frozen=True, slots=True)
class Response:
    """One response of the model, and how it goes wrong if it does."""

    parts: tuple[Part, ...] = ()
    first_token_s: float = 0.12
    word_s: float = 0.02
    refuse: int | None = None
    """Answer with this HTTP status instead."""
    refuse_first: int | None = None
    """Answer the first attempt with this HTTP status; the next one is as it should be."""
    cut_first: bool = False
    """Break the first attempt off in the middle of its first part; the next one is whole."""


def _add_file(name: str, *lines: str) -> Patch:
    body = "".join(f"+{line}\n" for line in lines)
    return Patch(f"*** Begin Patch\n*** Add File: {name}\n{body}*** End Patch")


def _timed(name: str, seconds: str, yield_ms: int = 30_000) -> Run:
    """A command that writes down by the system's clock (ns) when it began and ended."""
    clock = f"date +%s%N >> CANARY-FILE-{{n}}-{name}.ns"
    return Run(f"{clock}; sleep {seconds}; {clock}; echo CANARY-OUT-{{n}}-{name}", yield_ms)


_DONE = Response((Say("CANARY-ANSWER-{n} done"),))

# Codex asks before `rm -f` under every policy but "never", even without a sandbox, and for
# nothing else a script runs: so the demo needs no sandbox, which many machines can't give.
_ASKED = Run("rm -f CANARY-ARG-{n}.old && echo CANARY-OUT-{n}-removed")
_SLOW = Run("sleep {seconds}; echo CANARY-OUT-{n} # CANARY-ARG-{n}")
_QUESTION = Use(
    "request_user_input",
    {
        "questions": [
            {
                "id": "which",
                "header": "CANARY-ARG",
                "question": "CANARY-ARG-{n} which?",
                "options": [
                    {"label": "this", "description": "CANARY-ARG-{n} this"},
                    {"label": "that", "description": "CANARY-ARG-{n} that"},
                ],
            }
        ]
    },
)

SCRIPTS: Mapping[str, tuple[Response, ...]] = {
    "plain": (
        Response(
            (
                Reason("**CANARY-REASON-{n}** thinking about it"),
                Say("CANARY-ANSWER-{n} plain text"),
            )
        ),
    ),
    "demo": (
        Response(
            (
                Reason("**CANARY-REASON-{n}** first the slow part, then tidy up, then write"),
                Say("CANARY-ANSWER-{n} running the slow part", final=False),
                _SLOW,
            ),
            first_token_s=0.35,
        ),
        Response((Reason("**CANARY-REASON-{n}** an old file is in the way"), _ASKED), 0.25),
        Response((_add_file("notes-{n}.txt", "CANARY-FILE-{n} line one", "line two"),), 0.25),
        Response((Say("CANARY-ANSWER-{n} ran it, tidied up and wrote the notes"),), 0.25),
    ),
    "shell": (
        Response(
            (
                Reason("**CANARY-REASON-{n}** run commands"),
                Say("CANARY-ANSWER-{n} I will run a command", final=False),
                Run("echo CANARY-OUT-{n} CANARY-ARG-{n}"),
            )
        ),
        Response((Run("echo CANARY-OUT-{n}-err >&2; exit 3 # CANARY-ARG-{n}"),)),
        Response((_SLOW,)),
        _DONE,
    ),
    "approval": (Response((_ASKED,)), _DONE),
    "parallel": (
        Response(
            (Run("sleep 0.6; echo CANARY-OUT-{n}-a"), Run("sleep 0.9; echo CANARY-OUT-{n}-b"))
        ),
        _DONE,
    ),
    "patch": (
        Response(
            (
                Reason("**CANARY-REASON-{n}** patch"),
                _add_file("new-{n}.txt", "CANARY-FILE-{n} line one", "line two"),
            )
        ),
        Response(
            (
                Patch(
                    "*** Begin Patch\n*** Update File: new-{n}.txt\n@@\n-line two\n"
                    "+CANARY-FILE-{n} line 2\n*** End Patch"
                ),
            )
        ),
        Response(
            (
                Patch(
                    "*** Begin Patch\n*** Update File: missing-{n}.txt\n@@\n-nope CANARY-FILE-{n}\n"
                    "+yes\n*** End Patch"
                ),
            )
        ),
        _DONE,
    ),
    "slow_first_token": (Response((Say("CANARY-ANSWER-{n} at last"),), first_token_s=1.5),),
    "slow_answer": (Response((Say("CANARY-ANSWER-{n} " + "word " * 100),), word_s=0.1),),
    "error400": (Response(refuse=400),),
    "retry_once": (Response((Say("CANARY-ANSWER-{n} whole at the second try"),), cut_first=True),),
    "refused_once": (Response((Say("CANARY-ANSWER-{n} granted at last"),), refuse_first=500),),
    "limited_once": (Response((Say("CANARY-ANSWER-{n} granted at last"),), refuse_first=429),),
    "pauses": (
        Response((Reason("**CANARY-REASON-{n}** look first"), _timed("a", "0.4")), 0.3),
        Response((Say("CANARY-ANSWER-{n} once more", final=False), _timed("b", "0.3")), 0.6),
        Response((Say("CANARY-ANSWER-{n} " + "word " * 10),), 0.15, word_s=0.04),
    ),
    "parallel_asked": (Response((_timed("a", "0.9"), _ASKED, _timed("b", "0.6"))), _DONE),
    "talks_on": (
        Response(
            (_timed("a", "0.4"), Say("CANARY-ANSWER-{n} " + "word " * 20, final=False)), word_s=0.04
        ),
        _DONE,
    ),
    "background": (
        Response((_timed("a", "2", yield_ms=500),)),
        Response((Say("CANARY-ANSWER-{n} it goes on by itself"),), first_token_s=0.6),
    ),
    "polled": (
        Response((_timed("a", "1.5", yield_ms=500),)),
        Response(
            (
                Reason("**CANARY-REASON-{n}** let it finish"),
                Use("write_stdin", {"session_id": "{session}", "yield_time_ms": 5000}),
            ),
            first_token_s=0.3,
        ),
        _DONE,
    ),
    "asks_user": (Response((_QUESTION,)), _DONE),
    "clients_tool": (Response((Use("client_lookup", {"word": "CANARY-ARG-{n}"}),)), _DONE),
    "elicits": (Response((Use("ask", {"word": "CANARY-ARG-{n}"}, "asking"),)), _DONE),
    "long_sleep": (Response((Run("echo CANARY-OUT-{n}; sleep 30; echo CANARY-ARG-{n}"),)), _DONE),
}


def number(seconds: float) -> str:
    """`1`, `0.25`: how a person would write it in a shell."""
    return f"{seconds:g}"


def fill(text: str, n: str, seconds: float, session: str = "0") -> str:
    """`text` with its canary's number, the length of the slow command and the number of the command
    in the background put in; the last within arguments, which are JSON within JSON."""
    filled = text.replace("{n}", n).replace("{seconds}", number(seconds))
    return filled.replace('\\"{session}\\"', session)

"""Threads as four releases of Codex write them down, line by line: 0.20, 0.63, 0.125 and 0.169.

Every kind of line is as one of a real release is; only what people, models and tools say is made up.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from made_up_text import Texts

Usage = tuple[int, int, int, int]
"""Input, cached, output, reasoning."""

WINDOW = 258_400
FOLDERS = tuple(f"/home/me/work/project-{n}" for n in range(12))
WORDS = (
    "rg -n",
    "sed -n 1,200p",
    "cat",
    "git diff",
    "ls -la",
    "pytest -q",
    "npm test",
    "cargo check",
)
INSTRUCTIONS = 21_000
"""Characters of the model's own instructions, from 0.98 on."""
ADDED = 5_000
"""Of skills, permissions and AGENTS.md."""


class Counted(NamedTuple):
    """What a reader has to find in a thread."""

    turns: int
    responses: int
    tokens: int


class Thread:
    """What all of them have in common: a clock, totals, an id. `ms`: when it begins (UTC)."""

    VERSION = ""

    def __init__(self, chance: random.Random, texts: Texts, ms: int, number: int) -> None:
        self.chance, self.texts, self.ms, self.number = chance, texts, ms, number
        self.id = self.uuid(ms)
        self.begun_ms = ms
        self.cwd = chance.choice(FOLDERS)
        self.lines: list[str] = []
        self.total: Usage = (0, 0, 0, 0)
        self.last: Usage = (0, 0, 0, 0)
        self.calls = self.turns = self.responses = self.tokens = 0
        self.turn = ""
        self.begun = ms

    @property
    def counted(self) -> Counted:
        return Counted(self.turns, self.responses, self.tokens)

    def uuid(self, ms: int) -> str:
        tail = self.chance.getrandbits(48)
        return (
            f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{self.chance.getrandbits(12):03x}-9000-{tail:012x}"
        )

    def hexes(self, n: int) -> str:
        return f"{self.chance.getrandbits(4 * n):0{n}x}"

    def write(self, kind: str, payload: str, after: int = 2) -> None:
        self.ms += after
        self.lines.append(f'{{"timestamp":"{stamp(self.ms)}","type":"{kind}","payload":{payload}}}')

    def event(self, payload: str, after: int = 2) -> None:
        self.write("event_msg", payload, after)

    def item(self, payload: str, after: int = 2) -> None:
        self.write("response_item", payload, after)

    def used(self) -> None:
        """The model answers: its input grows with the thread, most of it cached."""
        context = min(WINDOW - 20_000, 9_000 + self.last[0] + self.chance.randrange(200, 4_000))
        output = self.chance.randrange(40, 1_500)
        self.last = (context, context * 9 // 10, output, output // 3)
        self.total = tuple(a + b for a, b in zip(self.total, self.last, strict=True))  # type: ignore[assignment]
        self.responses += 1
        self.tokens += context + output
        self.ms += self.chance.randrange(800, 20_000)

    def call(self) -> tuple[str, str]:
        """The id of the next call, and a command."""
        self.calls += 1
        words = f"{self.chance.choice(WORDS)} src/file_{self.chance.randrange(400)}.py"
        return f"call_{self.hexes(22)}{self.calls:02x}", words

    def limits(self) -> str:
        """Two windows, filling up slowly."""
        used, week = self.ms // 60_000 % 300 // 3, self.ms // 60_000 % 10_080 // 101
        resets = self.ms // 18_000_000 * 18_000 + 18_000
        resets_week = self.ms // 604_800_000 * 604_800 + 604_800
        return (
            f'"primary":{{"used_percent":{used}.0,"window_minutes":300,"resets_at":{resets}}},'
            f'"secondary":{{"used_percent":{week}.0,"window_minutes":10080,"resets_at":{resets_week}}},'
            '"credits":{"has_credits":true,"unlimited":false,"balance":"12.5"}'
        )

    def counts(self) -> None:
        """Said after each response; up to 0.130 once more when the next is asked for."""
        info = "null"
        if self.total[0]:
            info = (
                f'{{"total_token_usage":{tokens(self.total)},"last_token_usage":{tokens(self.last)},'
                f'"model_context_window":{WINDOW}}}'
            )
        self.event(
            f'{{"type":"token_count","info":{info},"rate_limits":{{{self.limits()}}}}}', after=1
        )

    def history(self) -> str:
        """What a compaction leaves: the prompts and a summary."""
        said = ",".join(message("user", self.texts.about(600)) for _ in range(12))
        return f"[{said},{message('user', self.texts.of(6_000))}]"

    def begin(self) -> None:
        raise NotImplementedError

    def take_turn(self, responses: int) -> None:
        raise NotImplementedError

    def compact(self) -> None:
        """Nothing, in a release of which no compaction is told."""

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def copied_from(self, parent: "Thread") -> None:
        """Where a fork copies its parent's lines: all of them, stamped anew within a few ms."""
        for line in parent.lines:
            self.ms += self.chance.random() < 0.2
            self.lines.append(f'{{"timestamp":"{stamp(self.ms)}"{line[line.index(",") :]}')
        self.total, self.last, self.cwd = parent.total, parent.last, parent.cwd


Make = Callable[[random.Random, Texts, int, int], Thread]


def stamp(ms: int) -> str:
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def tokens(usage: Usage, *, written: bool = False) -> str:
    extra = '"cache_write_input_tokens":0,' if written else ""
    return (
        f'{{"input_tokens":{usage[0]},"cached_input_tokens":{usage[1]},{extra}'
        f'"output_tokens":{usage[2]},"reasoning_output_tokens":{usage[3]},'
        f'"total_tokens":{usage[0] + usage[2]}}}'
    )


def message(role: str, text: str, rest: str = "") -> str:
    kind = "output_text" if role == "assistant" else "input_text"
    return f'{{"type":"message","role":"{role}","content":[{{"type":"{kind}","text":"{text}"}}]{rest}}}'

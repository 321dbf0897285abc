"""A real Codex, the stub it asks and a client that talks to it, for one test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from codex_telemetry.demo.client import Client, Message
from codex_telemetry.demo.home import Home, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from real_codex import RealCodex

PLAIN_MODEL = "gpt-5.5"
"""A model that calls its tools by name; the default of new releases writes programs that do."""


@dataclass(frozen=True)
class Talk:
    """A connection with one thread on it."""

    client: Client
    stub: ModelStub
    home: Home
    thread: str

    def turn(self, script: str, n: str = "1") -> Message:
        """One whole turn, as `turn/completed` tells of it."""
        return self.client.run_turn(self.thread, prompt(script, n))

    def items(self, kind: str, *, since: int = 0, event: str = "completed") -> list[Message]:
        """The items of a kind that started or completed, in order."""
        heard = self.client.messages(f"item/{event}", since=since)
        items: list[Message] = [message["params"]["item"] for message in heard]
        return [item for item in items if item["type"] == kind]


def prompt(script: str, n: str = "1") -> str:
    return f"CANARY-PROMPT-{n} please [[script:{script}]]"


@contextmanager
def talk(
    codex: RealCodex,
    *,
    wrapper: Sequence[str] = (),
    command_seconds: float = 0.2,
    model: str | None = None,
    config: str = "",
    capabilities: Message | None = None,
    thread: Message | None = None,
) -> Iterator[Talk]:
    """Start `codex app-server`, behind `wrapper` if there is one, and a thread on it.

    `config` is added to Codex's own, `thread` to the parameters of `thread/start`.
    """
    with (
        ModelStub(command_seconds=command_seconds) as stub,
        temporary_home(stub.origin, model=model, config=config) as home,
        Client([*wrapper, str(codex), "app-server"], env=home.env, cwd=home.work) as client,
    ):
        client.initialize("canary_client", **(capabilities or {}))
        yield Talk(client, stub, home, client.start_thread(home.work, **(thread or {})))

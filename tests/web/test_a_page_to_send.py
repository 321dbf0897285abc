"""`report --html`: one file that says it all, loads nothing, runs nothing, and names nobody if asked."""

import base64
import hashlib
import json
import os
import re
import stat
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

import scenes
import showcase
from cli.conftest import cli
from codex_telemetry.cli import app
from codex_telemetry.web.sent import command as sent
from commands import Command
from web.conftest import HOSTILE, HOSTILE_TURN
from web.conftest import home as hostile_home

__all__ = ["cli", "hostile_home"]

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
MONTH = ("--since", "2026-03-02", "--tz", "UTC")
HOSTILE_ID = HOSTILE_TURN.partition("=")[2]
WAYS = {
    "period": MONTH,
    "session": ("--session", showcase.SESSION, "--tz", "UTC"),
    "turn": ("--turn", showcase.TURN, "--tz", "UTC"),
}
LARGEST = 300_000


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    folder.chmod(0o700)
    return showcase.write(folder / "telemetry.db")


@cache
def written(database: Path, *words: str) -> str:
    """What the page says, at the moment that the pictures are of."""
    page = database.with_name("page.html")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sent, "time", SimpleNamespace(time_ns=lambda: showcase.NOW * 1_000_000))
        patch.setenv("HOME", "/home/ada")
        patch.setenv("CODEX_TELEMETRY_HOME", str(database.parent))
        assert app.run(["report", "--html", str(page), "--db", str(database), *words]) == 0
    return page.read_text(encoding="utf-8")


class Read(HTMLParser):
    """A page as its elements, and as words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "path"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self._inside:
            self.style += data
        elif data.strip() and "title" not in self._inside[-1:]:
            self.words.append(" ".join(data.split()))


@pytest.mark.parametrize("way", WAYS)
def test_a_page_says_what_the_reports_say(month: Path, way: str) -> None:
    said = "\n".join(Read(written(month, *WAYS[way])).words) + "\n"
    path = GOLDEN / f"report_{way}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("way", WAYS)
def test_a_page_loads_nothing_and_runs_nothing(month: Path, way: str) -> None:
    page = Read(written(month, *WAYS[way]))
    for tag, attributes in page.elements:
        assert tag not in {
            "script",
            "link",
            "img",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "use",
        }
        assert attributes.get("href", "#")[:1] == "#"  # type: ignore[index]
        assert not {name for name in attributes if name.startswith("on")}
        assert "style" not in attributes
        assert "src" not in attributes
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_its_policy_lets_in_its_own_style_alone(month: Path) -> None:
    page = Read(written(month, *WAYS["turn"]))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    (policy,) = (
        attributes["content"]
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "prefers-color-scheme: dark" in page.style


def test_every_link_leads_to_a_place_on_the_page(month: Path) -> None:
    page = Read(written(month, *WAYS["session"]))
    ids = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert links
    assert links <= ids


@pytest.mark.parametrize("words", [("--since", "9000d"), ("--turn", HOSTILE_ID)])
def test_names_that_would_be_markup_are_words(hostile_home: Path, words: tuple[str, ...]) -> None:
    text = written(hostile_home / "telemetry.db", *words)
    page = Read(text)
    assert HOSTILE in " ".join(page.words)
    assert "<img" not in text
    assert "49" not in text.split("{{7*7}}")[0][-20:]
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "script"})


@pytest.mark.parametrize("way", WAYS)
def test_with_labels_it_names_no_folder_branch_or_server(month: Path, way: str) -> None:
    names = re.compile(r"/home/ada|~/|atlas|tile-renderer|infra|checkout-flow|simd|grafana|github")
    plain = written(month, *WAYS[way])
    assert len(set(names.findall(plain))) >= 1
    labelled = written(month, *WAYS[way], "--redact")
    assert names.findall(labelled) == []
    assert "folder-" in labelled
    assert "have labels in place of their names" in labelled


def test_a_folder_that_was_asked_for_is_a_label_too(month: Path) -> None:
    labelled = written(month, *MONTH, "--project", "/home/ada/src/infra", "--redact")
    assert "infra" not in labelled


def test_a_page_is_small_enough_to_be_sent(month: Path) -> None:
    for words in WAYS.values():
        assert len(written(month, *words).encode()) < LARGEST


def test_of_a_long_session_the_longest_turns_are_drawn(tmp_path: Path) -> None:
    session = scenes.session()
    turns = [
        scenes.turn(
            session, scenes.T0 + n * 60_000, 1_000 + n, n=n,
            items={f"i{k}": scenes.item("command", scenes.T0 + n * 60_000 + k, None, "rg") for k in range(26)},
        )
        for n in range(1, 206)
    ]  # fmt: skip
    database = scenes.write(tmp_path / "telemetry.db", session, *turns)
    text = written(database, "--session", session.session_id)
    assert text.count("<article") == 12
    assert "5 earlier turns not shown" in text
    assert len(text.encode()) < 500_000


@pytest.fixture
def here(month: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEX_TELEMETRY_HOME", str(month.parent))
    monkeypatch.delenv("CODEX_TELEMETRY_DB", raising=False)
    return month


def test_the_file_is_its_owners_alone_and_whole(here: Path, cli: Command, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("what was there")
    page.chmod(0o644)
    answer = cli("report", "--html", str(page), *WAYS["turn"], "--json")
    told = json.loads(answer.out)
    assert told == {"file": str(page), "bytes": page.stat().st_size, "turns": 1}
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.read_text().endswith("</html>")
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--html", "/nowhere/page.html"], "No such file or directory"),
        (["--html", "-", "--session", "01", "--turn", "01"], "--session and --turn exclude"),
        (["--html", "-", "--since", "7d", "--turn", "01"], "--since and --turn exclude"),
        (["--html", "-", "--json"], "--json and --html - exclude"),
        (["--html", "-", "--turn", " "], "the id is empty"),
        ([], "--html"),
    ],
)
def test_what_can_not_be_meant_is_one_line(
    here: Path, cli: Command, words: list[str], said: str
) -> None:
    answer = cli("report", *words)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_what_it_takes_is_named(here: Path, cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "find_spec", lambda _: None)
    answer = cli("report", "--html", "-")
    assert (answer.code, answer.out) == (1, "")
    assert "pip install 'codex-telemetry[web]'" in answer.err


def test_without_turns_it_says_so(here: Path, cli: Command) -> None:
    assert (
        "No turns in this stretch of time."
        in cli("report", "--html", "-", "--until", "2020-01-01").out
    )


def test_a_long_time_is_cut_into_weeks_or_months(tmp_path: Path) -> None:
    session = scenes.session()
    for days, word in ((100, "By week"), (900, "By month")):
        last = scenes.T0 + days * scenes.DAY
        database = scenes.write(
            tmp_path / f"{days}.db", session,
            scenes.turn(session, scenes.T0 + 9_000, 2_000), scenes.turn(session, last, 3_000, n=2),
        )  # fmt: skip
        assert word in written(database, "--since", "2026-01-01")

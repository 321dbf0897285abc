"""What was kept of a turn is shown to a visitor who opens it, for that visit, and left nowhere."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from nacl.pwhash import argon2id

import scenes
from canary import leaks
from capture import granting
from codex_telemetry import keys
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.gate import KINDS, Heard, Kind, Sealed, clear
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.store import consent, grants
from codex_telemetry.web.visits import MOST, OPEN_S, Visits
from web.browser import barriers, chromium, is_too_wide, looking
from web.dashboard import Answer, Dashboard, dashboard

PASSPHRASE = "correct horse battery"
GRANTED, OTHER = "/home/me/project", "/home/me/elsewhere"
SAID: dict[Kind, str] = {
    "prompt": "CANARY-PROMPT-1 <script>alert(1)</script><img src=x>\x1b[31m\u202e",
    "tool_output": "CANARY-OUTPUT\n\tindented",
    "response": "CANARY-ANSWER-1",
}
TURN, UNGRANTED = scenes.uuid7(scenes.T0 + 1_000, 1), scenes.uuid7(scenes.T0 + 9_000, 2)
AT = f"/turn/content?id={TURN}"


class Visitor(NamedTuple):
    """Who has the dashboard's cookie, and one for the visit."""

    served: Dashboard
    cookie: str
    form: str

    def ask(self, path: str) -> Answer:
        return self.served.ask(path, cookie=False, Cookie=self._cookies)

    def send(self, path: str, form: str | None = None, **headers: str) -> Answer:
        """As the page's own form does."""
        told = {"Origin": self.served.base, "Cookie": self._cookies} | headers
        body = f"form={self.form}&id={TURN}&passphrase={PASSPHRASE.replace(' ', '+')}"
        return self.served.ask(
            path, method="POST", cookie=False, body=form or body,
            Content_Type="application/x-www-form-urlencoded",
            **{name: value for name, value in told.items() if value},
        )  # fmt: skip

    @property
    def _cookies(self) -> str:
        return f"{self.served.cookie}; {self.cookie}"


def visitor(served: Dashboard) -> Visitor:
    answer = served.ask(AT)
    form = re.search(r'name="form" value="([0-9a-f]{64})"', answer.text)
    assert form is not None
    return Visitor(served, answer.headers["set-cookie"].partition(";")[0], form[1])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A turn of which things were kept, and one of a folder that was never granted."""
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    database = folder / "telemetry.db"
    session = scenes.session()
    other = scenes.turn(session, scenes.T0 + 9_000, n=2, cwd=scenes.told(OTHER))
    scenes.write(database, session, scenes.busy_turn(session), other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.setattr(argon2id, "OPSLIMIT_MODERATE", argon2id.OPSLIMIT_MIN)
        patch.setattr(argon2id, "MEMLIMIT_MODERATE", argon2id.MEMLIMIT_MIN)
        patch.setattr(keys, "keeper", lambda: "file")
        patch.setattr(keys, "_keyring", lambda: None)
        made = keys.make(database, lambda: PASSPHRASE)
        with consent.writing(database) as db:
            consent.add_key(db, GRANTED, made, scenes.T0)
            consent.grant(db, GRANTED, made.public, tuple(KINDS), None, scenes.T0)
        _tell(database, session.session_id)
        yield folder


def _tell(database: Path, session: SessionId) -> None:
    granted = grants.load(database)
    batch = Batch("live", "launch")
    for turn, folder in ((TURN, GRANTED), (UNGRANTED, OTHER)):
        for n, (kind, text) in enumerate(SAID.items()):
            heard = Heard(
                session, TurnId(turn), ItemId(f"i{n}"), kind, scenes.T0 + 2_000 + n, folder,
                Sealed(msgspec.json.encode(text)), None,
            )  # fmt: skip
            batch.keep(clear(heard, granted.covering(heard)))
    granting.save(database, batch)


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Dashboard]:
    with dashboard(home) as found:
        yield found
    assert leaks(home) == []


def test_a_visitor_opens_it_and_locks_it(served: Dashboard) -> None:
    one = visitor(served)
    answer = one.send("/turn/content/unlock")
    assert (answer.status, answer.headers["location"]) == (303, f"/turn?id={TURN}#kept")
    shown = one.ask(AT)
    assert "CANARY-PROMPT-1" in shown.text
    assert "CANARY-OUTPUT\n    indented" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert one.send("/turn/content/lock").status == 303
    assert "CANARY" not in one.ask(AT).text


def test_what_was_said_is_never_markup(served: Dashboard) -> None:
    one = visitor(served)
    one.send("/turn/content/unlock")
    text = one.ask(AT).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x&gt;?[31m?" in text
    assert "<script>alert" not in text
    one.send("/turn/content/lock")


def test_it_is_in_no_other_page_and_in_no_update(served: Dashboard) -> None:
    one = visitor(served)
    one.send("/turn/content/unlock")
    for path in (f"/turn?id={TURN}", "/", "/turns", f"/turns?session={TURN}"):
        for fragment in ("", "fragment=1"):
            asked = path + (("&" if "?" in path else "?") + fragment if fragment else "")
            assert "CANARY" not in one.ask(asked).text, asked
    assert "/turn/content" in one.ask(f"/turn?id={TURN}").text
    assert "/turn/content" not in one.ask(f"/turn?id={TURN}&fragment=1").text
    one.send("/turn/content/lock")


def test_another_visit_is_locked(served: Dashboard) -> None:
    one, other = visitor(served), visitor(served)
    one.send("/turn/content/unlock")
    assert "CANARY" in one.ask(AT).text
    assert "CANARY" not in other.ask(AT).text
    assert "CANARY" not in served.ask(AT).text
    assert "CANARY" not in served.ask(AT, cookie=False, Cookie=one.cookie).text
    one.send("/turn/content/lock")


def test_without_a_grant_there_is_nothing(served: Dashboard) -> None:
    page = served.ask(f"/turn?id={UNGRANTED}")
    assert page.status == 200
    assert "/turn/content" not in page.text
    answer = served.ask(f"/turn/content?id={UNGRANTED}")
    assert "Nothing was kept of this turn" in answer.text
    assert "passphrase" not in answer.text


@pytest.mark.parametrize("word", ["wrong", "", "%00%ff", "CANARY-WORD"])
def test_a_wrong_passphrase_is_one_calm_line(served: Dashboard, home: Path, word: str) -> None:
    one = visitor(served)
    answer = one.send("/turn/content/unlock", f"form={one.form}&id={TURN}&passphrase={word}")
    assert answer.status == 403
    (line,) = re.findall(r'role="alert">([^<]*)<', answer.text)
    assert line == "the passphrase doesn&#39;t open the key; try again; nothing was changed"
    assert "CANARY" not in answer.text
    assert 'type="password"' in answer.text
    assert (home / "stderr").read_text() == ""


@pytest.mark.parametrize("path", ["/turn/content/unlock", "/turn/content/lock"])
def test_another_page_can_send_no_form(served: Dashboard, path: str) -> None:
    one = visitor(served)
    for headers in (
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": ""},  # nobody says from where
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "elsewhere.example"},
        {"Cookie": served.cookie},
        {"Cookie": f"{served.cookie}; {visitor(served).cookie}"},
    ):
        assert one.send(path, **headers).status == 403, headers
    assert one.send(path, Cookie=one.cookie).status == 401
    for form in (
        f"id={TURN}&passphrase=x",
        "form=&id=x",
        f"form={'0' * 64}&id={TURN}",
        "x" * 99_999,
    ):
        assert one.send(path, form).status == 403
    assert served.ask(path).status == 405
    assert "CANARY" not in one.ask(AT).text


def test_a_key_is_closed_after_a_while_or_when_it_is_locked() -> None:
    loop = asyncio.new_event_loop()
    due: list[asyncio.TimerHandle] = []

    def later(seconds: float, done: Callable[[], None]) -> asyncio.TimerHandle:
        due.append(loop.call_later(seconds, done))
        assert seconds == OPEN_S
        return due[-1]

    visits = Visits(later)
    visits.open("one", {b"key": lambda box: box})
    visits.open("other", {b"key": lambda box: box})
    assert visits.opened("one", [b"key"]) is not None
    assert visits.opened("one", [b"key", b"another"]) is None
    due[0]._run()
    assert visits.opened("one", [b"key"]) is None
    assert visits.opened("other", [b"key"]) is not None
    visits.lock("other")
    assert visits.opened("other", [b"key"]) is None
    assert due[1].cancelled()  # what waits would hold the key
    loop.close()


def test_only_so_many_visits_have_keys() -> None:
    async def run() -> None:
        visits = Visits()
        for n in range(MOST + 1):
            visits.open(str(n), {b"key": lambda box: box})
        assert visits.opened("0", [b"key"]) is None
        assert all(visits.opened(str(n + 1), [b"key"]) is not None for n in range(MOST))

    asyncio.run(run())


def test_it_is_locked_when_the_server_starts_anew(home: Path) -> None:
    with dashboard(home) as first:
        one = visitor(first)
        one.send("/turn/content/unlock")
        assert "CANARY" in one.ask(AT).text
    with dashboard(home, "--port", str(first.port)) as second:
        assert "CANARY" not in one._replace(served=second).ask(AT).text
    assert leaks(home) == []


@pytest.mark.alone
def test_the_form_on_the_page_opens_and_locks_it(served: Dashboard) -> None:
    with chromium() as browser, looking(browser, served, "phone", "dark") as page:
        page.goto(f"{served.base}/turn?id={TURN}")
        page.fill("#kept input[type=password]", PASSPHRASE)
        page.get_by_role("button", name="Open").click()
        page.wait_for_selector("#kept .said")
        assert page.url == f"{served.base}/turn?id={TURN}#kept"
        assert "<script>alert(1)</script>" in page.inner_text("#kept")
        assert barriers(page) == []
        assert not is_too_wide(page)
        page.get_by_role("button", name="Lock").click()
        page.wait_for_selector("#kept input[type=password]")
        assert page.locator(".said").count() == 0

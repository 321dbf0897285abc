"""Nobody but a browser on this machine that was shown the token is let in, and nothing can be changed."""

import re

import pytest

import scenes
from codex_telemetry.web.app import PAGES
from codex_telemetry.web.rendering import STATIC_PATH
from commands import run
from web.conftest import HOSTILE, HOSTILE_SESSION, HOSTILE_TURN
from web.dashboard import Dashboard

PATHS = [
    *("/", "/turns", "/turns/charts", HOSTILE_TURN, f"/turns?session={scenes.uuid7(scenes.T0)}"),
    *("/sessions", HOSTILE_SESSION, f"/session?id={scenes.uuid7(scenes.T0)}"),
    *("/tools", "/tools/calls", "/tools/calls?by=command", "/startups", "/versions"),
    *("/health", "/health/checks"),
    *(
        "/tokens?span=ever",
        "/tokens/unpriced?span=ever",
        "/tokens/figures?span=ever",
        "/tokens/year",
    ),
    *(f"/tokens?span=ever&by={by}" for by in ("model", "project", "session", "tier")),
    *("/limits?span=ever", "/limits/history?span=ever"),
    HOSTILE_TURN.replace("/turn", "/turn/content"),
]
NAMES_IT = {
    *("/", "/turns", HOSTILE_TURN, "/sessions", HOSTILE_SESSION),
    *("/tools/calls", "/startups", "/versions", "/health/checks"),
    *("/tokens?span=ever&by=model", "/limits?span=ever"),
}
"""Pages with something on them that is called so."""


def test_the_token_is_taken_out_of_the_address_and_kept_in_a_cookie(served: Dashboard) -> None:
    token = served.url.partition("token=")[2]
    answer = served.ask(f"/turns?model=x&token={token}", cookie=False)
    assert (answer.status, answer.headers["location"]) == (303, "/turns?model=x")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"codex-telemetry-{served.port}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "path", [*PATHS, "/events", f"{STATIC_PATH}/app.css", "/?token=wrong", "/?token="]
)
def test_nothing_is_shown_without_the_token(served: Dashboard, path: str) -> None:
    answer = served.ask(path, cookie=False)
    assert answer.status == 401
    assert "<" not in answer.text


def test_a_wrong_cookie_is_no_cookie(served: Dashboard) -> None:
    name = f"codex-telemetry-{served.port}"
    for value in ("", "wrong", "é", served.cookie.partition("=")[2] + "x"):
        assert served.ask("/", cookie=False, Cookie=f"{name}={value}").status == 401


def test_a_token_leads_to_no_other_host(served: Dashboard) -> None:
    token = served.url.partition("token=")[2]
    answer = served.ask(f"//elsewhere.example/?token={token}", cookie=False)
    assert answer.headers.get("location", "/").startswith("/")
    assert not answer.headers.get("location", "/").startswith("//")


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "elsewhere.example:{port}", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_another_host_is_refused(served: Dashboard, host: str) -> None:
    assert served.ask("/", Host=host.format(port=served.port)).status == 403


def test_it_can_be_called_localhost(served: Dashboard) -> None:
    assert served.ask("/", Host=f"localhost:{served.port}").status == 200


@pytest.mark.parametrize(
    "origin", ["http://elsewhere.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}"]
)
def test_another_origin_is_refused(served: Dashboard, origin: str) -> None:
    assert served.ask("/", Origin=origin.format(port=served.port)).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_asks_for_is_refused(served: Dashboard, site: str) -> None:
    assert served.ask("/turns", Sec_Fetch_Site=site).status == 403
    assert served.ask("/turns", Sec_Fetch_Site="same-origin").status == 200


def test_a_page_that_leads_here_loses_hold_of_the_window(served: Dashboard) -> None:
    """Whether it is let in or not; a browser that says nothing of it is believed nothing."""
    policy = "cross-origin-opener-policy"
    for path in ("/turns", served.url.removeprefix(served.base), "/?token=wrong"):
        for site in ("cross-site", "same-site", "nonsense", "none, cross-site", ""):
            assert served.ask(path, Sec_Fetch_Site=site).headers[policy] == "same-origin"
        assert served.ask(path).headers[policy] == "same-origin"
        for nobody in ("none", "same-origin"):
            assert policy not in served.ask(path, Sec_Fetch_Site=nobody).headers


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"]
)
def test_there_is_only_reading(served: Dashboard, method: str) -> None:
    assert served.ask("/", method=method).status == 405


@pytest.mark.parametrize(
    "path",
    [*PATHS, "/nothing", f"{STATIC_PATH}/nothing.js", f"{STATIC_PATH}/../app.py", "/?token=wrong"],
)
def test_every_answer_forbids_what_a_page_does_not_need(served: Dashboard, path: str) -> None:
    headers = served.ask(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_browser_may_keep_only_what_belongs_to_the_program(served: Dashboard) -> None:
    for name in ("app.css", "app.js", "charts.js", "icon.svg"):
        answer = served.ask(f"{STATIC_PATH}/{name}")
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["content-security-policy"]
        refused = served.ask(f"{STATIC_PATH}/{name}", cookie=False)
        assert refused.headers["cache-control"] == "no-store"
    assert f'"{STATIC_PATH}/app.css"' in served.ask("/").text


@pytest.mark.parametrize("path", PATHS)
def test_names_are_never_markup(served: Dashboard, path: str) -> None:
    answer = served.ask(path)
    assert answer.status == 200
    for bad in ("<img", "<script>alert", "onerror=alert(1)>"):
        assert bad not in answer.text, path
    if path in NAMES_IT:
        assert "&lt;img src=x" in answer.text
        assert "{{7*7}}" in answer.text


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "model",
        "project",
        "session",
        "since",
        "status",
        "order",
        "way",
        "page",
        "span",
        "compare",
        "by",
        "until",
        "year",
        "fragment",
        "rows",
    ],
)
def test_what_an_address_says_is_never_markup_nor_a_crash(served: Dashboard, name: str) -> None:
    for page in PAGES:
        for value in (HOSTILE, "%00", "%ff%fe", "9" * 40, "../../etc/passwd"):
            quoted = (
                value if value.startswith("%") else "".join(f"%{b:02x}" for b in value.encode())
            )
            answer = served.ask(f"{page.path}?{name}={quoted}")
            assert answer.status in (200, 400, 404, 503), answer.text
            assert "<img" not in answer.text
            assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_no_page_styles_or_runs_anything_of_its_own(served: Dashboard, path: str) -> None:
    text = re.sub(r'"[^"]*"', '""', served.ask(path).text)
    assert not re.search(r"<[^>]*\sstyle=|<style|<[a-z][^>]*\son[a-z]+=", text)
    scripts = re.findall(r"<script([^>]*)>", served.ask(path).text)
    assert all("src=" in one or "application/json" in one for one in scripts)


def test_nothing_of_a_page_comes_from_elsewhere(served: Dashboard) -> None:
    for path in PATHS:
        assert not re.search(r"(?:src|href|action)=\"(?:[a-z]+:)?//", served.ask(path).text)


def test_a_port_that_is_taken_is_said_in_one_line(served: Dashboard, home: object) -> None:
    answer = run("serve", "--port", str(served.port), env={"CODEX_TELEMETRY_HOME": str(home)})
    assert (answer.code, answer.out) == (1, "")
    assert "Address already in use" in answer.err
    assert len(answer.err.splitlines()) == 1

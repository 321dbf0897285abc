"""Who is let in: only a browser on this machine that was shown the token, and nothing but reading,
except to open what was kept of a turn.

Every answer passes here, so every one carries the headers that keep a page from being used by others.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
"""Content-Security-Policy: all a page needs comes from here, and nothing in it may run or style itself."""

UNLOCK, LOCK = "/turn/content/unlock", "/turn/content/lock"
CHANGING = (UNLOCK, LOCK)
"""What may be posted to; all else is read."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With `no-referrer` a browser sends the forms of these very pages as of nobody (`Origin: null`).
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

SEVERED = {"cross-origin-opener-policy": "same-origin"}
"""For whoever another page may have led here: that page loses hold of the window. Not for a browser that
says nobody did: Chromium would drop the process it has started for the page and start one anew, which
is a third of the time until the first page is seen."""

UNCHANGING = "private, max-age=31536000, immutable"
"""Instead of `no-store`, for what belongs to the program and bears a name of its own when it changes."""


class Doors(NamedTuple):
    """Where the pages are, and what opens them."""

    port: int
    token: str

    @classmethod
    def made(cls, port: int) -> "Doors":
        return cls(port, secrets.token_urlsafe(32))

    @property
    def url(self) -> str:
        """To be opened first; the cookie it sets opens all others."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """A browser's cookies are a host's, whatever its port: two dashboards would lock each other out."""
        return f"codex-telemetry-{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.port}" for name in (HOST, "localhost"))


class Guard:
    """Stands before the pages."""

    def __init__(self, pages: ASGIApp, doors: Doors, unchanging: str) -> None:
        """`unchanging`: the folder of what a browser may keep: nothing of a session is in it."""
        self._pages = pages
        self._doors = doors
        self._unchanging = f"{unchanging}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._pages(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a WebSocket: there are none, and the server refuses what isn't answered
        answer = self._refused(scope) or self._welcomed(scope)
        severed = SEVERED if _led_here(scope) is not False else {}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(k, v) for k, v in message["headers"] if k.decode() not in HEADERS]
                told = HEADERS | severed
                if message["status"] == 200 and scope["path"].startswith(self._unchanging):
                    told |= {"cache-control": UNCHANGING}
                own = [(k.encode(), v.encode()) for k, v in told.items()]
                message = {**message, "headers": kept + own}
            await send(message)

        await (self._pages if answer is None else answer)(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        """An answer to whoever has no business here, whatever they know."""
        hosts = list(_headers(scope, b"host"))
        # A name that somebody made to lead here (DNS rebinding) would make our pages theirs.
        if len(hosts) != 1 or hosts[0] not in self._doors.hosts:
            return _say(403, "This page is reached by 127.0.0.1 only.")
        allowed = {f"http://{host}" for host in self._doors.hosts}
        origins = list(_headers(scope, b"origin"))
        if any(origin not in allowed for origin in origins):
            return _say(403, "Another page asked.")
        # `same-site` too: what another program serves on this host isn't ours. A link in an editor or
        # a mail may lead here, but only with the token in it.
        if _led_here(scope) and not self._has_token(scope):
            return _say(403, "Another page asked.")
        if scope["method"] == "POST" and scope["path"] in CHANGING:
            # Every browser says which page sends a form.
            return None if origins else _say(403, "Nobody says which page asks.")
        if scope["method"] not in ("GET", "HEAD"):
            return _say(405, "There is only reading here.", {"allow": "GET, HEAD"})
        return None

    def _welcomed(self, scope: Scope) -> Response | None:
        """None for who has the cookie; who comes with the token is given it."""
        if self._has_token(scope):
            asked = [(k, v) for k, v in _query(scope) if k != "token"]
            place = _own_path(scope["path"]) + (f"?{urlencode(asked)}" if asked else "")
            answer = RedirectResponse(place, 303)
            answer.set_cookie(
                self._doors.cookie, self._doors.token, path="/", httponly=True, samesite="strict"
            )
            return answer
        if any(self._is_token(value) for value in self._cookies(scope)):
            return None
        return _say(
            401,
            "Open the address that codex-telemetry serve printed: it holds this start's token.",
        )

    def _has_token(self, scope: Scope) -> bool:
        return any(k == "token" and self._is_token(v) for k, v in _query(scope))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._doors.token.encode())

    def _cookies(self, scope: Scope) -> Iterator[str]:
        for header in _headers(scope, b"cookie"):
            try:
                found = SimpleCookie(header).get(self._doors.cookie)
            except CookieError:
                continue
            if found is not None:
                yield found.value


def _headers(scope: Scope, name: bytes) -> Iterator[str]:
    told: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return (value.decode("latin-1") for key, value in told if key == name)


def _led_here(scope: Scope) -> bool | None:
    """Whether another page did; None where the browser is one that doesn't say."""
    sites = list(_headers(scope, b"sec-fetch-site"))
    return any(site not in ("same-origin", "none") for site in sites) if sites else None


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=100)
    except ValueError:
        return []


def _own_path(path: str) -> str:
    """`//elsewhere` would be read as the name of a host."""
    return "/" + path.lstrip("/\\")


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers)

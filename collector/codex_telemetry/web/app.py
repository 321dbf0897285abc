"""Which pages there are, and what becomes of a page that can't be made."""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from codex_telemetry import log
from codex_telemetry.errors import NotFoundError, UserError
from codex_telemetry.web import unchanging
from codex_telemetry.web.asking import Asked, asked
from codex_telemetry.web.changes import Changes
from codex_telemetry.web.guard import Doors, Guard
from codex_telemetry.web.kept import Content
from codex_telemetry.web.pieces import InPieces, Made, finished
from codex_telemetry.web.rendering import STATIC_PATH, render
from codex_telemetry.web.source import Source
from codex_telemetry.web.views import (
    health,
    health_checks,
    limits,
    now,
    session,
    sessions,
    startups,
    tokens,
    tools,
    tools_calls,
    turn,
    turns,
    turns_charts,
    versions,
)

View = Callable[[Source, Asked, int], Made]
"""What a page shows, of what is asked for, at a moment (ms UTC)."""


class Page(NamedTuple):
    path: str
    title: str
    template: str
    view: View
    key: str | None = None
    """What is typed after `g` to go there; only pages that have one are in the menu."""


PAGES = (
    Page("/", "Now", "now.html", now.view, "n"),
    Page("/turns", "Turns", "turns.html", turns.view, "t"),
    Page("/turns/charts", "Turns, drawn", "turns_charts.html", turns_charts.view),
    Page("/turn", "A turn", "turn.html", turn.view),
    Page("/sessions", "Sessions", "sessions.html", sessions.view, "s"),
    Page("/session", "A session", "session.html", session.view),
    Page("/tools", "Tools", "tools.html", tools.view, "o"),
    Page("/tools/calls", "Tools, their calls", "tools_calls.html", tools_calls.view),
    Page("/tokens", "Tokens and cost", "tokens.html", tokens.view, "c"),
    Page("/tokens/figures", "Tokens, summed up", "tokens_figures.html", tokens.figures),
    Page("/tokens/unpriced", "What has no price", "tokens_unpriced.html", tokens.unpriced),
    Page("/tokens/year", "A year of tokens", "tokens_year.html", tokens.year),
    Page("/limits", "Limits", "limits.html", limits.view, "l"),
    Page("/limits/history", "Limits as they were", "limits_history.html", limits.history),
    Page("/startups", "MCP start-up", "startups.html", startups.view, "m"),
    Page("/versions", "Codex versions", "versions.html", versions.view, "v"),
    Page("/health", "Health", "health.html", health.view, "h"),
    Page("/health/checks", "Health, looked at", "health_checks.html", health_checks.view),
)
NOTICE, NOT_NOW = "notice.html", "Not now"
MENU = tuple(page for page in PAGES if page.key is not None)


def made(source: Source, doors: Doors) -> tuple[Guard, Changes]:
    """The pages, guarded, and what tells them of changes."""
    changes = Changes(source.database)
    routes = [Route(page.path, _shown(page, source), methods=["GET"]) for page in PAGES]

    def show(
        request: Request, template: str, at: int, status: int, title: str, **told: Any
    ) -> Response:
        page = Page(request.url.path, title, template, _nothing)
        return _html(source, request, template, at, status, page=page, **told)

    content = Content(source, doors, show, lambda *said: _refused(source, *said))
    application = Starlette(
        routes=[
            *routes,
            *content.routes,
            Route("/events", changes.answer, methods=["GET"]),
            Route(f"{STATIC_PATH}/{{name}}", unchanging.answer, methods=["GET"]),
        ],
        exception_handlers={
            HTTPException: lambda request, error: _not_there(source, request, error),
            Exception: lambda request, error: _crashed(source, request, error),
        },
    )
    return Guard(application, doors, STATIC_PATH), changes


def _shown(page: Page, source: Source) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return InPieces(lambda: _asked_for(page, source, request))

    return answer


def _asked_for(page: Page, source: Source, request: Request) -> Response | Iterator[str]:
    at = time.time_ns() // 1_000_000
    words = asked(page.path, request.query_params.multi_items())
    making = page.view(source, words, at)
    try:
        next(making)
        if not _is_part(request):
            return _pieces(page, source, words, at, making)
        told = finished(making)
    except UserError as error:
        return _refused(source, request, error)
    return _html(source, request, page.template, at, page=page, asked=words, **told)


def _pieces(page: Page, source: Source, words: Asked, at: int, making: Made) -> Iterator[str]:
    """What goes wrong behind the head is said in its place. The part that such a page asks for, to see
    whether it is well again, has the status."""
    yield _head(source, at, page)
    try:
        body = _body(source, page.template, at, page=page, asked=words, **finished(making))
    except Exception as error:  # noqa: BLE001 - its status is said already
        said = error if isinstance(error, UserError) else _mistake(error)
        body = _body(source, NOTICE, at, page=page._replace(title=NOT_NOW), error=said)
    yield body


def _refused(source: Source, request: Request, error: UserError) -> Response:
    wrong = 400 if error.exit_code == 2 else 503
    return _notice(source, request, 404 if isinstance(error, NotFoundError) else wrong, error)


def _is_part(request: Request) -> bool:
    """It's what a page asks for when something has changed, or for what comes after it."""
    return "fragment" in request.query_params


def _html(
    source: Source,
    request: Request,
    template: str,
    at: int,
    status: int = 200,
    *,
    page: Page,
    **told: Any,
) -> Response:
    if _is_part(request):
        text = _body(source, template, at, layout="part.html", page=page, **told)
    else:
        text = _head(source, at, page) + _body(source, template, at, page=page, **told)
    return HTMLResponse(text, status)


def _head(source: Source, at: int, page: Page) -> str:
    return render("head.html", source.zone, at, page=page, menu=MENU)


def _body(source: Source, template: str, at: int, layout: str = "base.html", **told: Any) -> str:
    return render(template, source.zone, at, layout=layout, menu=MENU, home=source.home, **told)


def _notice(source: Source, request: Request, status: int, error: UserError) -> Response:
    """In place of a page: what is wrong and the next step. It goes when what is wrong goes."""
    return _html(
        source, request, NOTICE, time.time_ns() // 1_000_000, status,
        page=Page(request.url.path, NOT_NOW, "", _nothing), error=error,
    )  # fmt: skip


def _nothing(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001
    yield
    return {}


def _not_there(source: Source, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = UserError("there is no such page", hint="the menu has those there are")
    return _notice(source, request, error.status_code, said)


def _crashed(source: Source, request: Request, error: Exception) -> Response:
    return _notice(source, request, 500, _mistake(error))


def _mistake(error: Exception) -> UserError:
    log.crash(error)
    return UserError(
        f"a mistake of the program: {type(error).__name__} at {log.raised_at(error)}",
        hint="please report it; with --log-level error more is in the log",
    )

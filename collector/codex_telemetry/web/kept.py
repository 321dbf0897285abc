"""What was kept of a turn's content: shown to a visitor who opens it, and to nobody else.

It is in the answers of this module alone: not in the page of the turn, nor in what pages are sent when
something changes.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from codex_telemetry.cli.captured import openers
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.keys import Opener
from codex_telemetry.reports import capture as report
from codex_telemetry.reports.shapes_capture import CapturedItem
from codex_telemetry.store.find import find_turn
from codex_telemetry.store.queries import Row
from codex_telemetry.web.asking import LONGEST
from codex_telemetry.web.guard import LOCK, UNLOCK, Doors
from codex_telemetry.web.source import Source
from codex_telemetry.web.visits import Visits

SHOWN = "/turn/content"

LONGEST_FORM = 16_384
"""Bytes."""

Show = Callable[..., Response]
"""A template, made into an answer: of a request, a status, and names for it."""


class Kept(NamedTuple):
    """Of one turn."""

    turn_id: str
    rows: list[Row]

    @property
    def public(self) -> set[bytes]:
        return {row["public"] for row in self.rows}


class Content:
    """The pages about content. `show` makes a template into an answer, `wrong` an error."""

    def __init__(self, source: Source, doors: Doors, show: Show, wrong: Show) -> None:
        self._source = source
        self._cookie = f"{doors.cookie}-visit"
        self._show = show
        self._wrong = wrong
        self._visits = Visits()
        # To try a passphrase takes 256 MiB.
        self._trying = asyncio.Lock()

    @property
    def routes(self) -> list[Route]:
        return [
            Route(SHOWN, self._shown, methods=["GET"]),
            Route(UNLOCK, self._unlock, methods=["POST"]),
            Route(LOCK, self._lock, methods=["POST"]),
        ]

    async def _shown(self, request: Request) -> Response:
        visit = request.cookies.get(self._cookie)
        return await self._answer(request, request.query_params.get("id", ""), visit)

    async def _unlock(self, request: Request) -> Response:
        form, visit = await self._form(request)
        if visit is None:
            return _refused()
        try:
            kept = await run_in_threadpool(self._kept, form.get("id", ""))
            async with self._trying:
                found = await run_in_threadpool(self._opened, kept, form.get("passphrase", ""))
        except UserError as error:
            return await self._answer(request, form.get("id", ""), visit, error, 403)
        self._visits.open(visit, found)
        return _back(kept.turn_id)

    async def _lock(self, request: Request) -> Response:
        form, visit = await self._form(request)
        if visit is None:
            return _refused()
        self._visits.lock(visit)
        return _back(form.get("id", ""))

    async def _form(self, request: Request) -> tuple[dict[str, str], str | None]:
        """What was sent, and the visit that sent it; None where another page may have."""
        body = b""
        try:
            async for part in request.stream():
                body += part
                if len(body) > LONGEST_FORM:
                    return {}, None
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=8))
        except (ValueError, ClientDisconnect):
            return {}, None
        visit = request.cookies.get(self._cookie)
        if visit is None or not self._visits.is_of(visit, form.get("form", "")):
            return {}, None
        return form, visit

    async def _answer(
        self,
        request: Request,
        wanted: str,
        visit: str | None,
        error: UserError | None = None,
        status: int = 200,
    ) -> Response:
        at = time.time_ns() // 1_000_000
        try:
            kept = await run_in_threadpool(self._kept, wanted)
        except UserError as missing:
            return self._wrong(request, missing)
        visit = visit or self._visits.begun()
        opened = self._visits.opened(visit, kept.public)
        items = None if opened is None else await run_in_threadpool(_items, kept, opened)
        told: dict[str, Any] = {
            "items": items,
            "turn_id": kept.turn_id,
            "number": len(kept.rows),
            "kinds": sorted({row["kind"] for row in kept.rows}),
            "asks": any(row["kept_in"] == "file" for row in kept.rows),
            "form": self._visits.form_token(visit),
            "unlock": UNLOCK,
            "lock": LOCK,
            "error": error,
        }
        answer = self._show(request, "content.html", at, status, title="Captured content", **told)
        answer.set_cookie(self._cookie, visit, path=SHOWN, httponly=True, samesite="strict")
        return answer

    def _kept(self, wanted: str) -> Kept:
        if not wanted.strip():
            raise UsageError("no turn is named", hint="choose one under Turns")
        with self._source.opened() as db:
            turn = find_turn(db, wanted.strip()[:LONGEST])
            return Kept(turn["turn_id"], report.kept(db, turn))

    def _opened(self, kept: Kept, word: str) -> Mapping[bytes, Opener]:
        found = openers(self._source.database, kept.rows, lambda: word)
        return {row["public"]: found[row["key_id"]] for row in kept.rows}


def _items(kept: Kept, opened: Mapping[bytes, Opener]) -> list[CapturedItem]:
    by_key = {row["key_id"]: opened[row["public"]] for row in kept.rows}
    return list(report.opened(kept.rows, by_key))


def _refused() -> Response:
    return PlainTextResponse("This form is not of this visit: open the turn again.\n", 403)


def _back(turn_id: str) -> Response:
    return RedirectResponse(f"/turn?{urlencode({'id': turn_id})}#kept", 303)

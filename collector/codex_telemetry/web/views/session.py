"""One session: its turns one after the other, where their time went, and the threads that hang on it."""

from codex_telemetry.cli.labelled import all_labelled, labelled
from codex_telemetry.core.parts import Parts
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import family, forest, sessions, turns
from codex_telemetry.reports.shapes import Session
from codex_telemetry.reports.shaping import one
from codex_telemetry.reports.waterfall import Share
from codex_telemetry.store import threads
from codex_telemetry.store.find import find_session
from codex_telemetry.store.queries import Filters, Row
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source
from codex_telemetry.web.timeline import timeline
from codex_telemetry.web.views.sessions import shown

SIZE = 50
"""Turns on a page."""

DRAWN = 1_500
"""Of a session with more turns none are drawn on a common axis: it would take longer than it tells."""


def view(source: Source, asked: Asked, now: int) -> Made:
    wanted = asked.get("id")
    if wanted is None:
        raise UsageError("no session is named", hint="choose one under Sessions")
    with source.opened() as db:
        row = find_session(db, wanted.strip())
        session = one(Session, row)
        pages = max(1, -(-session.turns // SIZE))
        page = min(max(1, asked.number("page", pages)), pages)
        yield
        own = Filters(session_id=session.session_id)
        found = turns.page(db, own, "started_at", down=False, size=SIZE, skipped=(page - 1) * SIZE)
        listed = list(all_labelled(found))
        drawable = session.turns <= DRAWN
        told = family.together(db, session.session_id) if drawable else []
        below = shown(forest.below(db, session.session_id))
        elders = sessions.above(row)
        shares = _shares(threads.time_of(db, session.session_id))
    return {
        "session": labelled(session),
        "elders": elders,
        "below": below._replace(threads=below.threads[1:]),
        "turns": listed,
        "longest": max((turn.duration_ms or 0 for turn in listed), default=0),
        "number_of_page": page,
        "pages": pages,
        "shares": shares,
        "whole": sum(share.ms for share in shares),
        "timeline": timeline(told, session.session_id, now),
        "drawable": drawable,
        "together": family.rolled_up(told) if len({turn.session_id for turn in told}) > 1 else None,
    }


def _shares(sums: Row) -> list[Share]:
    known = [Share(part, sums[f"{part}_ms"] or 0) for part in Parts._fields]
    return sorted((share for share in known if share.ms > 0), key=lambda share: -share.ms)

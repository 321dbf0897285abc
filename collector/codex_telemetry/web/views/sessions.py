"""Sessions that match, as trees: forks, subagents and reviews under what they came out of."""

from codex_telemetry.cli.labelled import labelled
from codex_telemetry.cli.options import STATUSES
from codex_telemetry.cli.period import SPANS
from codex_telemetry.reports import forest
from codex_telemetry.reports.forest import Tree
from codex_telemetry.store import queries
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

SIZE = 30
"""Trees on a page."""


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    page = max(1, asked.number("page", 1))
    with source.opened() as db:
        filters = source.filters(db, asked.narrow())
        yield
        found = forest.page(db, filters, size=SIZE, skipped=(page - 1) * SIZE)
        models = queries.models(db)
    return {
        "trees": [shown(tree) for tree in found.shown],
        "number": found.sessions,
        "number_of_trees": found.trees,
        "number_of_page": page,
        "pages": max(1, -(-found.trees // SIZE)),
        "choices": (("span", "Since", SPANS), ("status", "Status", STATUSES), ("model", "Model", models)),
    }  # fmt: skip


def shown(tree: Tree) -> Tree:
    return tree._replace(
        threads=[one._replace(session=labelled(one.session)) for one in tree.threads]
    )

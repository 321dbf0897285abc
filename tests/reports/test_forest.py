"""Sessions as trees: each once, under the thread it came out of."""

from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

import scenes
from codex_telemetry.core.facts import SessionFacts
from codex_telemetry.reports import forest
from codex_telemetry.store.queries import Filters, reading
from codex_telemetry.store.threads import Threads
from scenes import DAY, HOUR, T0, told

Shape = list[list[tuple[str, int]]]


def thread(n: int, elder: SessionFacts | None = None, link: str = "", at: int = T0) -> SessionFacts:
    fields: dict[str, object] = {} if elder is None else {link: told(elder.session_id)}
    return scenes.session(at + n * HOUR, n=n, **fields)


def pages(database: Path, filters: Filters = Filters(), size: int = 2) -> Shape:  # noqa: B008
    """Trees as ids and depths, of all pages."""
    found: Shape = []
    with reading(database) as db:
        for skipped in range(0, 20, size):
            page = forest.page(db, filters, size=size, skipped=skipped)
            found += [
                [(one.session.session_id, one.depth) for one in tree.threads] for tree in page.shown
            ]
        assert page.trees == len(found)
        assert page.sessions == sum(map(len, found))
    return found


def test_each_thread_stands_under_the_one_it_came_out_of(tmp_path: Path) -> None:
    root = thread(0)
    subagent = thread(1, root, "parent_session_id")
    review = thread(2, subagent, "parent_session_id")
    fork = thread(3, root, "forked_from_id")
    of_root = thread(4, root, "root_session_id")
    alone = thread(5)
    database = scenes.write(
        tmp_path / "a.db", alone, of_root, fork, review, subagent, root
    )  # in any order
    assert pages(database) == [
        [(alone.session_id, 0)],
        [
            (root.session_id, 0),
            (subagent.session_id, 1),
            (review.session_id, 2),
            (fork.session_id, 1),
            (of_root.session_id, 1),
        ],
    ]
    with reading(database) as db:
        own = forest.below(db, subagent.session_id).threads
    assert [(one.session.session_id, one.depth) for one in own] == [
        (subagent.session_id, 0),
        (review.session_id, 1),
    ]


def test_a_tree_is_as_recent_as_the_last_of_its_threads(tmp_path: Path) -> None:
    old, newer = thread(0), thread(1)
    fork = thread(2, old, "forked_from_id", at=T0 + DAY)
    database = scenes.write(tmp_path / "a.db", old, newer, fork)
    assert [tree[0][0] for tree in pages(database)] == [old.session_id, newer.session_id]


def test_what_matches_is_shown_though_its_elder_does_not(tmp_path: Path) -> None:
    root = thread(0)
    child = thread(1, root, "parent_session_id")
    grandchild = thread(2, child, "parent_session_id")
    child.cwd = grandchild.cwd = told("/home/me/other")
    database = scenes.write(tmp_path / "a.db", root, child, grandchild)
    found = pages(database, Filters(projects=("/home/me/other",)))
    assert found == [[(child.session_id, 0), (grandchild.session_id, 1)]]


def test_only_the_newest_trees_if_so_asked(tmp_path: Path) -> None:
    threads = [thread(n) for n in range(5)]
    database = scenes.write(tmp_path / "a.db", *threads)
    with reading(database) as db:
        page = forest.page(db, Filters(last=3), size=2, skipped=2)
    assert (page.trees, [tree.threads[0].session.session_id for tree in page.shown]) == (
        3,
        [threads[2].session_id],
    )


def test_a_swarm_is_counted_and_not_listed(tmp_path: Path) -> None:
    root = thread(0)
    swarm = [thread(n, root, "parent_session_id") for n in range(1, forest.MOST + 8)]
    database = scenes.write(tmp_path / "a.db", root, *swarm)
    with reading(database) as db:
        (tree,) = forest.page(db, Filters(), size=2, skipped=0).shown
    assert (len(tree.threads), tree.more) == (forest.MOST + 1, 7)


@example([1, 2, 0, 0])
@given(st.lists(st.none() | st.integers(0, 9), max_size=8))
def test_whatever_is_said_of_elders_every_thread_hangs_on_one_top(told: list[int | None]) -> None:
    """Even in a circle, or of a thread that nobody knows."""
    ids = [str(n) for n in range(len(told))]
    elders = forest.planted(
        Threads(ids, [None if n is None else str(n) for n in told], [None] * len(ids)), set(ids)
    )
    for one in ids:
        way = [one]
        while way[-1] in elders:
            way.append(elders[way[-1]])
            assert len(way) <= len(ids)
    cut = [one for one, n in zip(ids, told, strict=True) if n is not None and one not in elders]
    assert all(int(told[int(one)] or 0) >= len(ids) or _circles(one, told) for one in cut)


def _circles(one: str, told: list[int | None]) -> bool:
    at: int | None = told[int(one)]
    for _ in told:
        if at is None or at >= len(told):
            return False
        if at == int(one):
            return True
        at = told[at]
    return False

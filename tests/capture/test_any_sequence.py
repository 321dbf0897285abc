"""Whatever is said in whatever order: nothing is stored but what a grant stood for when it was."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from capture.granting import end, grant, heard, kept, tell
from codex_telemetry.core.gate import KINDS, Kind
from codex_telemetry.store import consent, grants
from saved import BORN

FOLDERS = ("/w", "/w/app", "/w/app/deep", "/wide", "/private")
folders = st.sampled_from(FOLDERS)
kinds = st.sets(st.sampled_from(KINDS[:5]), min_size=1).map(lambda chosen: tuple(sorted(chosen)))


@dataclass
class Said:
    """One rule, written as plainly as can be: what the user last said of the deepest folder."""

    spoken: dict[str, tuple[tuple[Kind, ...], int, int | None] | None] = field(default_factory=dict)

    def enable(self, project: str, chosen: tuple[Kind, ...], now: int, until: int | None) -> None:
        """The same once more only moves its end, as long as it lasts."""
        since, before = now, self.spoken.get(project)
        if before is not None and before[0] == chosen and (before[2] or now) >= now:
            since = before[1]
        self.spoken[project] = (chosen, since, until)

    def deepest(self, cwd: str) -> str:
        above = [f for f in self.spoken if f"{cwd}/".startswith(f"{f}/")]
        return max(above, key=len, default="")

    def allows(self, cwd: str | None, kind: Kind, at: int | None) -> bool:
        if cwd is None or at is None:
            return False
        holds = self.spoken.get(self.deepest(cwd))
        if holds is None:
            return False
        granted, since, until = holds
        return kind in granted and since <= at and (until is None or at < until)


steps = st.one_of(
    st.tuples(st.just("enable"), folders, kinds, st.none() | st.integers(1, 30)),
    st.tuples(st.just("disable"), folders),
    st.tuples(st.just("purge"), folders),
    st.tuples(st.just("load")),
    st.tuples(
        st.just("turn"),
        st.none() | folders,
        st.none() | folders,
        st.sampled_from(KINDS[:5]),
        st.none() | st.integers(-30, 60),
    ),
)


@dataclass
class Stored:
    """What a turn said, and by which folder's grant it may be there."""

    text: str
    by: str
    certain: bool
    """The collector knew of the latest word: so it has to be there."""


@settings(max_examples=80)
@given(st.lists(steps, max_size=14))
def test_nothing_outside_a_live_grant_is_stored(story: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "t.db"
        said, now = Said(), BORN
        expected: list[Stored] = []
        held, held_said = grants.load(database), Said()  # a collector's, of some time ago
        for n, (what, *told) in enumerate(story):
            now += 10
            if what == "enable":
                project, chosen, days = told
                until = None if days is None else now + days
                said.enable(project, chosen, now, until)
                grant(database, project, chosen, at=now, until=until)
            elif what == "disable" and told[0] in said.spoken:
                said.spoken[told[0]] = None
                end(database, told[0], now)
            elif what == "purge" and told[0] in said.spoken:
                del said.spoken[told[0]]
                expected = [one for one in expected if one.by != told[0]]
                with consent.writing(database) as db:
                    consent.erase(db, told[0])
            elif what == "load":
                held, held_said = grants.load(database), Said(dict(said.spoken))
            elif what == "turn":
                cwd, runs_in, kind, after = told
                at = None if after is None else now + after
                content = heard(f"said {n}", cwd, n=n, kind=kind, item=f"i{n}", at=at)
                tell(database, content, runs_in=runs_in or cwd, by=held)
                both = said.allows(cwd, kind, at) and held_said.allows(cwd, kind, at)
                if both and runs_in in (None, cwd):
                    certain = said.spoken == held_said.spoken
                    expected.append(Stored(f"said {n}", said.deepest(cwd), certain))
        stored = set(kept(database)) if database.exists() else set()
        assert stored <= {one.text for one in expected}
        assert stored >= {one.text for one in expected if one.certain}

"""Whose content a grant covers: by folder, by time, by what the user said last. Unknown is no."""

from pathlib import Path

import pytest

from capture.granting import end, grant, heard, kept, tell
from codex_telemetry.core.gate import clear
from codex_telemetry.store import grants
from codex_telemetry.store.grants import FORBIDS
from saved import BORN


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.db"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "app" / "deep").mkdir(parents=True)
    (tmp_path / "workshop").mkdir()
    return folder


def is_kept(database: Path, cwd: Path | str | None) -> bool:
    said = heard("x", cwd)
    return clear(said, grants.load(database).covering(said)).captured is not None


def test_where_nothing_is_granted_nobody_needs_to_look(database: Path, work: Path) -> None:
    assert not grants.load(database)
    grant(database, work)
    assert grants.load(database)
    end(database, work)
    assert not grants.load(database)


def test_a_database_that_cannot_be_looked_at_grants_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "t.db", tmp_path / ("x" * 300), tmp_path / "file", tmp_path):
        assert not grants.load(path)


def test_a_grant_covers_a_folder_and_what_is_under_it(database: Path, work: Path) -> None:
    grant(database, work)
    assert is_kept(database, work)
    assert is_kept(database, work / "app" / "deep")
    assert is_kept(database, f"{work}/app/")
    assert not is_kept(database, work.parent)
    assert not is_kept(database, work.parent / "workshop")
    assert not is_kept(database, f"{work}/../workshop")


@pytest.mark.parametrize("cwd", [None, "", ".", "work", "~", "C:\\work", "/work\0"])
def test_a_folder_that_is_not_known_is_not_covered(database: Path, cwd: str | None) -> None:
    grant(database, "/")
    assert is_kept(database, "/anywhere")
    assert not is_kept(database, cwd)


def test_it_is_the_real_folder_that_counts(database: Path, work: Path) -> None:
    elsewhere = work.parent / "elsewhere"
    elsewhere.mkdir()
    (work / "out").symlink_to(elsewhere)
    (work.parent / "in").symlink_to(work / "app")
    grant(database, work)
    assert not is_kept(database, work / "out")
    assert is_kept(database, work.parent / "in")


def test_what_takes_the_place_of_a_granted_folder_is_not_meant(database: Path, work: Path) -> None:
    grant(database, work)
    work.rename(work.parent / "moved")
    private = work.parent / "private"
    private.mkdir()
    work.symlink_to(private)
    assert not is_kept(database, work)
    assert not is_kept(database, private)
    assert not is_kept(database, work.parent / "moved")


def test_a_folder_that_is_not_on_this_machine_is_covered_as_written(database: Path) -> None:
    grant(database, "/not/on/this/machine")
    assert is_kept(database, "/not/on/this/machine/at/all")
    assert not is_kept(database, "/not/on/this")


def test_the_deepest_folder_decides(database: Path, work: Path) -> None:
    grant(database, work)
    grant(database, work / "app", ["response"])
    assert not is_kept(database, work / "app" / "deep")
    assert is_kept(database, work)


def test_to_take_a_grant_back_lets_no_wider_one_in_its_place(database: Path, work: Path) -> None:
    grant(database, work)
    grant(database, work / "app")
    end(database, work / "app")
    assert not is_kept(database, work / "app")
    assert is_kept(database, work)


@pytest.mark.parametrize("place", ["", "app", "app/deep"])
def test_a_repository_can_forbid(database: Path, work: Path, place: str) -> None:
    grant(database, work)
    (work / place / FORBIDS).write_text('capture = "never"\n')
    assert not is_kept(database, work / "app" / "deep")


def test_a_repository_above_the_folder_can_forbid(database: Path, work: Path) -> None:
    grant(database, work / "app" / "deep")
    (work / FORBIDS).write_text('capture = "never"\n')
    assert not is_kept(database, work / "app" / "deep")


@pytest.mark.parametrize("text", ['capture = "always"', "capture = true", "other = 1", ""])
def test_a_repository_cannot_allow(database: Path, work: Path, text: str) -> None:
    (work / FORBIDS).write_text(text)
    assert not is_kept(database, work)
    grant(database, work)
    assert is_kept(database, work)


@pytest.mark.parametrize("text", [b'capture = "never', b"\xff", b"#" * (1 << 17)])
def test_a_file_that_cannot_be_understood_forbids(database: Path, work: Path, text: bytes) -> None:
    grant(database, work)
    (work / FORBIDS).write_bytes(text)
    assert not is_kept(database, work)


def test_a_file_that_comes_later_is_seen(
    database: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(database, work)
    monkeypatch.setattr(grants, "LOOK_AGAIN_S", -1.0)
    granted, said = grants.load(database), heard("x", work)
    assert clear(said, granted.covering(said)).captured is not None
    (work / FORBIDS).write_text('capture = "never"\n')
    assert clear(said, granted.covering(said)).captured is None


def test_content_of_a_turn_that_ran_elsewhere_is_not_kept(database: Path, work: Path) -> None:
    """Its teller thought that it ran in the granted folder; all told, it did not."""
    grant(database, work)
    tell(database, heard("x", work), runs_in="/private")
    assert kept(database) == []
    tell(database, heard("y", work, n=1, item="i1"))
    assert kept(database) == ["y"]


@pytest.mark.parametrize("then", ["taken back", "erased", "sealed anew"])
def test_what_a_collector_still_holds_is_not_kept_any_more(
    database: Path, work: Path, then: str
) -> None:
    from codex_telemetry.store import consent

    grant(database, work)
    before = grants.load(database)
    with consent.writing(database) as db:
        if then == "taken back":
            consent.end(db, str(work), BORN)
        elif then == "erased":
            consent.erase(db, str(work))
        else:
            key = consent.key_of(db, str(work))
            assert key is not None
            consent.seal_anew(db, str(work), key.key_id, (b"x" * 32, "file"), BORN, lambda _: None)
    tell(database, heard("x", work), by=before)
    assert kept(database) == []


def test_the_fuller_of_two_is_kept_once_whoever_comes_first(database: Path, work: Path) -> None:
    grant(database, work)
    for texts in (["short", "the longer one"], ["the longest of them", "short"]):
        for text in texts:
            tell(database, heard(text, work))
    assert kept(database) == ["the longest of them"]


@pytest.mark.parametrize("log_first", [True, False])
def test_a_message_without_an_id_is_the_one_that_was_heard(
    database: Path, work: Path, log_first: bool
) -> None:
    """Up to 0.150 a log gives messages no ids: the n-th is the n-th that the stream told of."""
    grant(database, work)
    logged = [heard(f"said {n}", work, item=f"prompt:{n}", nth=n) for n in range(3)]
    live = [heard(f"said {n}", work, item=f"msg_{n}") for n in range(2)]
    for told in (logged, live) if log_first else (live, logged):
        tell(database, *told)
    assert sorted(kept(database)) == ["said 0", "said 1", "said 2"]

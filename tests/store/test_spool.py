"""A spool file: private, whole, without content, and taken in once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Drift
from codex_telemetry.store import spool
from codex_telemetry.store.writer import Writer
from powerless import powerless
from saved import batch, contents, query, save, thread, turn

TAKE_IN = """
import sys
from pathlib import Path
import anyio
from codex_telemetry.store import spool
from codex_telemetry.store.writer import Writer

async def run():
    writer = await Writer.open(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    print(await spool.take_in(writer, [Path(sys.argv[2])]))
    await writer.close()

anyio.run(run)
"""


def put(folder: Path, *batches: Batch) -> list[Path]:
    kept = [spool.put(one, [folder]) for one in batches]
    assert None not in kept
    return [path for path in kept if path is not None]


def take_in(path: Path, *folders: Path) -> int:
    async def run() -> int:
        writer = await Writer.open(path)
        try:
            return await spool.take_in(writer, folders)
        finally:
            await writer.close()

    return anyio.run(run)


def test_what_was_put_away_is_what_is_taken_in(tmp_path: Path) -> None:
    told = [batch("a", turn(0, thread(0))), batch("b", turn(1, thread(1), total=200))]
    files = put(tmp_path / "spool", *told)
    assert take_in(tmp_path / "taken.db", tmp_path / "spool") == 2
    save(tmp_path / "saved.db", *told)
    taken = contents(tmp_path / "taken.db")
    assert {row["name"] for row in taken.pop("spools")} == {file.name for file in files}
    expected = contents(tmp_path / "saved.db")
    del expected["spools"]
    assert taken == expected
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_file_and_its_folders_are_ones_own(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        (file,) = put(tmp_path / "data" / "spool", batch("a", turn(0, thread(0))))
    finally:
        os.umask(old)
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (file, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_the_first_folder_that_takes_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "everyones").mkdir()
    (tmp_path / "everyones").chmod(0o777)
    (tmp_path / "elsewhere").mkdir(0o700)
    (tmp_path / "link").symlink_to("elsewhere")
    names = ["a file", "a file/below", "everyones", "link", "own", "own too"]
    kept = spool.put(batch("a", turn(0, thread(0))), [tmp_path / name for name in names])
    assert kept is not None
    assert kept.parent.name == "own"
    assert not (tmp_path / "own too").exists()


def test_where_no_folder_takes_it_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    assert spool.put(batch("a", turn(0, thread(0))), [tmp_path / "a file"]) is None
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_what_others_could_have_put_there_is_not_taken_in(tmp_path: Path) -> None:
    put(tmp_path / "spool", batch("a", turn(0, thread(0))))
    (tmp_path / "spool").chmod(0o770)
    assert take_in(tmp_path / "telemetry.db", tmp_path / "spool") == 0
    assert list((tmp_path / "spool").iterdir())


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    (file,) = put(tmp_path / "spool", batch("a", turn(0, thread(0))))
    draft = file.rename(file.with_name(f".{file.name}"))
    assert take_in(tmp_path / "telemetry.db", tmp_path / "spool") == 0
    assert draft.exists()


@pytest.mark.parametrize("broken", ["cut", "garbage", "another", "folder"])
def test_a_file_that_cannot_be_read_stays_and_holds_up_none(tmp_path: Path, broken: str) -> None:
    first, _ = put(tmp_path / "spool", *(batch("a", turn(n, thread(n))) for n in range(2)))
    whole = first.read_bytes()
    first.unlink()
    if broken == "folder":
        first.mkdir()
    else:
        first.write_bytes(
            {"cut": whole[:-1], "garbage": b"\xc1\xff" * 99, "another": b"\x93\x01\x02\x03"}[broken]
        )
    for taken in (1, 0):
        assert take_in(tmp_path / "telemetry.db", tmp_path / "spool") == taken
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [first.name]


def counted(origin: str, n: int) -> Batch:
    """Counts that would be told twice by a file that is taken in twice."""
    unknown = Drift("0.999.0", "thing", "unknown record")
    return batch(origin, *[unknown] * n, kind="rollout")


def test_two_processes_that_take_in_at_once_take_each_file_once(tmp_path: Path) -> None:
    path, folder = tmp_path / "telemetry.db", tmp_path / "spool"
    put(folder, *(counted(f"f{n}", n + 1) for n in range(30)))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE_IN, str(path), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [int(process.communicate(timeout=30)[0]) for process in processes]
    assert sum(taken) == 30
    assert query(path, "SELECT sum(n) FROM drift") == [(sum(range(31)),)]
    assert list(folder.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_taken_in_once(tmp_path: Path) -> None:
    path, folder = tmp_path / "telemetry.db", tmp_path / "spool"
    (file,) = put(folder, counted("f", 1))
    folder.chmod(0o500)
    command = powerless([sys.executable, "-c", TAKE_IN, str(path), str(folder)])
    try:
        taken = [
            subprocess.run(command, input="\n", capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        ]
    finally:
        folder.chmod(0o700)
    assert taken == ["ready\n1\n", "ready\n0\n"]
    assert file.exists()
    assert query(path, "SELECT n FROM drift") == [(1,)]
    # It goes with the first who may.
    assert take_in(path, folder) == 0
    assert not file.exists()

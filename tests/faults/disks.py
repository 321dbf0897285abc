"""Disks of a test's own (Linux, root): small ones, and one that can be made to stall."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILLER = "filler"


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator["Disk"]:
    """In memory, of that size."""
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0700", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        run("umount", "--lazy", str(folder))


@contextmanager
def whole_disk(folder: Path, image: Path) -> Iterator["Disk"]:
    """A file system with a journal, in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(32 << 20)
    run("mkfs.ext4", "-q", str(image))
    run("mount", "-o", "loop", str(image), str(folder))
    folder.chmod(0o700)
    try:
        yield Disk(folder)
    finally:
        run("umount", "--lazy", str(folder))


class Disk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """To the last byte."""
        with (self.folder / FILLER).open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def empty(self) -> None:
        (self.folder / FILLER).unlink()

    def grow(self, kilobytes: int) -> None:
        run("mount", "-o", f"remount,size={kilobytes}k", str(self.folder))

    def only_read(self, wanted: bool) -> None:
        run("mount", "-o", f"remount,{'ro' if wanted else 'rw'}", str(self.folder))

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing can be written, and no write fails: each waits until it is over."""
        run("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            run("fsfreeze", "--unfreeze", str(self.folder))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)

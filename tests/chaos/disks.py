"""A small disk for the state folder, so that one may be full or turn read-only and no other is."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SIZE = 3 << 30
"""A file with holes: it takes what is written. The state folder wants a gibibyte free to begin with."""
_LEFT = 4096


@dataclass(frozen=True)
class Disk:
    """A file system in the file `image`, mounted at `folder`."""

    image: Path
    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def mount(self) -> None:
        _run("mount", "-o", "loop", self.image, self.folder)

    def unmount(self) -> None:
        _run("umount", self.folder)

    def fill(self) -> None:
        """Take all room that is left, but for what no file of any size needs."""
        with self._ballast.open("ab") as file:
            while (free := os.statvfs(self.folder)).f_bavail * free.f_frsize > _LEFT:
                size = file.seek(0, os.SEEK_END)
                try:
                    os.posix_fallocate(file.fileno(), size, free.f_bavail * free.f_frsize // 2)
                except OSError:
                    return

    def make_room(self) -> None:
        """Take the ballast away for good: without the sync it is back where the device fails within the next five seconds."""
        self._ballast.unlink()
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def turn_read_only(self) -> None:
        """As ext4 does by itself when the device below it fails: who has files open for writing is asked nothing."""
        _run("mount", "-o", "remount,abort", self.folder)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk | None]:
    """A disk at `folder`/home; None where only a folder can be had, as without root or loop devices."""
    disk = Disk(folder / "disk.img", folder / "home")
    disk.folder.mkdir()
    try:
        with disk.image.open("wb") as file:
            file.truncate(_SIZE)
        _run("mkfs.ext4", "-q", "-m", "0", disk.image)
        disk.mount()
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield disk
    finally:
        disk.unmount()
        disk.image.unlink()


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)

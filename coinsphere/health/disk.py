"""Free room on the disk of the state folder, as nothing can be written to a full one."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from coinsphere.settings import Settings


@dataclass(frozen=True, slots=True)
class Room:
    """Free bytes for a folder, of how many, and how many should be free."""

    folder: Path
    size: int
    free: int
    least: int

    @classmethod
    def of(cls, settings: Settings) -> "Room":
        """The room of the state folder, or of the folder that will hold it. Raises OSError if the disk cannot be asked."""
        folder = settings.state
        there = next(path for path in (folder, *folder.parents) if path.exists())
        disk = shutil.disk_usage(there)
        return cls(folder, disk.total, disk.free, settings.least_free_mib << 20)

    @property
    def found(self) -> str:
        """A sentence that says how much is free."""
        return f"{self.free >> 20:,} MiB free at {self.folder}"

    @property
    def remedy(self) -> str | None:
        """What to do; None if enough is free."""
        if self.free >= self.least:
            return None
        return f"Less than {self.least >> 20:,} MiB: make room, or move COINSPHERE_HOME to a larger disk."

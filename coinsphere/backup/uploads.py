"""Uploads to one place what is new since the last time: log, files of models, keys."""

from pathlib import Path

from coinsphere.backup import wal
from coinsphere.backup.files import Mirror
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import Seals
from coinsphere.clock import utc_now
from coinsphere.settings import Settings


class Upload:
    """The upload to one place, and how far it has come."""

    def __init__(self, place: Place, seals: Seals, settings: Settings, folder: Path) -> None:
        self.place = place
        self.shipping = wal.Shipping(place, seals, folder)
        self._mirror = Mirror(place, seals, settings)

    def store(self) -> str | None:
        """Store what is new; the name of the newest segment of the log, None where nothing was received yet.

        Raises:
            BackupError: the place does not take it.
            OSError: what is to be stored cannot be read.
        """
        segment = self.shipping.ship()
        self._mirror.sync(utc_now())
        return segment

"""Finds rows of a file that contradict an earlier row of the same start."""

from array import array
from datetime import datetime

from coinsphere.market.model import Candle
from coinsphere.market.quality import validation

_HOUR = 3600
"""Seconds; a candle opens at a full hour or not at all."""


class DuplicateCheck:
    """Keeps a hash of the first row of each hour: eight bytes an hour, however long the file."""

    def __init__(self, now: datetime) -> None:
        self._base = int(validation.EARLIEST.timestamp()) // _HOUR
        self._hashes = array("q", bytes(8 * max(int(now.timestamp()) // _HOUR - self._base + 1, 0)))

    def is_contradicted(self, candle: Candle) -> bool:
        """Whether an earlier row of the same start differs; the first one counts."""
        hour = int(candle.opened_at.timestamp()) // _HOUR - self._base
        if not 0 <= hour < len(self._hashes):
            return False  # such a candle is refused anyway
        first = self._hashes[hour]
        try:
            own = hash((candle.open, candle.high, candle.low, candle.close, candle.volume)) or 1
        except TypeError:  # a signalling NaN, refused anyway
            return False
        if first == 0:
            self._hashes[hour] = own
        return first not in (0, own)

    def forget(self, candle: Candle) -> None:
        """Forget a candle that was refused, so that another one of its start contradicts nothing."""
        hour = int(candle.opened_at.timestamp()) // _HOUR - self._base
        if 0 <= hour < len(self._hashes):
            self._hashes[hour] = 0

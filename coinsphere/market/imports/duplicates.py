"""Whether a file says two things of one candle."""

from array import array
from datetime import datetime

from coinsphere.market.model import Candle
from coinsphere.market.quality import validation

_HOUR = 3600
"""Seconds; a candle opens at a full hour or not at all."""


class Seen:
    """What a file said of each hour so far, whatever its length: eight bytes for each hour since the first token."""

    def __init__(self, now: datetime) -> None:
        self._base = int(validation.EARLIEST.timestamp()) // _HOUR
        self._told = array("q", bytes(8 * max(int(now.timestamp()) // _HOUR - self._base + 1, 0)))

    def is_contradicted(self, candle: Candle) -> bool:
        """Whether an earlier row of the same start said something else; what the first one says is kept."""
        hour = int(candle.opened_at.timestamp()) // _HOUR - self._base
        if not 0 <= hour < len(self._told):
            return False  # such a candle is refused anyway
        told = self._told[hour]
        try:
            says = hash((candle.open, candle.high, candle.low, candle.close, candle.volume)) or 1
        except TypeError:  # a signalling NaN, refused anyway
            return False
        if told == 0:
            self._told[hour] = says
        return told not in (0, says)

    def forget(self, candle: Candle) -> None:
        """The candle is refused: another one of its start contradicts nothing."""
        hour = int(candle.opened_at.timestamp()) // _HOUR - self._base
        if 0 <= hour < len(self._told):
            self._told[hour] = 0

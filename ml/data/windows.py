"""Pure shaping: the windows that models are shown, the returns that they forecast, and the parts of a history.

A gap is bridged by the last known close, in inputs only: a window may hold `MAX_BRIDGED` such days, while the day
that a forecast starts from and the day that it is about are always known.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.data.horizons import CONTEXT, HORIZONS
from ml.errors import TooLittleHistory

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

MAX_BRIDGED = 3
_SHARES = (0.60, 0.10, 0.15)  # train, validation, calibration; the test part takes the rest
_PLANNED_ORIGINS = 30
"""Origins of the longest horizon that a split leaves to each part but validation."""

_LEAST_ORIGINS = 20
"""Those that must be there after gaps took theirs."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Where each chronological part of a history begins, as indices of its calendar; `end` is its length.

    An origin belongs to a part for horizon h only if the outcome h days later lies in the part too: so purged, no
    target of one part is seen by the next.
    """

    train: int
    validation: int
    calibration: int
    test: int
    end: int

    def bounds(self, part: str) -> tuple[int, int]:
        """First index of `part`, and one past its last."""
        edges = (self.train, self.validation, self.calibration, self.test, self.end)
        names = ("train", "validation", "calibration", "test")
        return tuple(pairwise(edges))[names.index(part)]


@dataclass(frozen=True, slots=True)
class Vintage:
    """The log closes of the calendar as they were believed at the days from index `first` to the one before `end`."""

    first: int
    end: int
    log_closes: Floats


@dataclass(frozen=True, slots=True)
class Series:
    """The log closes of one token on a gapless calendar, which days are known, and the parts.

    `vintages` are of the days that saw other closes, as some were corrected since.
    """

    log_closes: Floats
    known: Mask
    parts: Parts
    vintages: tuple[Vintage, ...] = ()

    def origins(self, part: str, horizon: int) -> Indices:
        """Indices of `part` from which a forecast of `horizon` days can be made and checked within the part."""
        first, end = self.parts.bounds(part)
        candidates = np.arange(first, end - horizon)
        usable = complete(self.known)[candidates] & self.known[candidates + horizon]
        return candidates[usable]

    def candidates(self, part: str) -> Indices:
        """Indices of `part` that are an origin of at least one horizon, each once."""
        return np.unique(np.concatenate([self.origins(part, horizon) for horizon in HORIZONS]))

    def windows(self, origins: Indices) -> Floats:
        """The last `CONTEXT` log closes up to each origin, as it saw them, shape [origins, CONTEXT]."""
        days = origins[:, None] + np.arange(1 - CONTEXT, 1)
        windows: Floats = self.log_closes[days]
        for vintage in self.vintages:
            seen = (origins >= vintage.first) & (origins < vintage.end)
            windows[seen] = vintage.log_closes[days[seen]]
        return windows

    def returns(self, origins: Indices, horizon: int) -> Floats:
        """The log return of the `horizon` days after each origin, shape [origins]."""
        returns: Floats = self.log_closes[origins + horizon] - self.log_closes[origins]
        return returns


def series(closes: Floats, known: Mask) -> Series:
    """A history with its parts.

    Args:
        closes: prices on a gapless calendar, shape [days].
        known: which of them are real, shape [days].

    Raises:
        TooLittleHistory: a part would hold too few origins to learn or to measure from.
    """
    history = Series(np.log(closes), known, split(len(closes)))
    for part in ("train", "calibration", "test"):
        if min(len(history.origins(part, horizon)) for horizon in HORIZONS) < _LEAST_ORIGINS:
            raise TooLittleHistory(f"the {part} part of {int(known.sum())} known days is too short")
    return history


def held_out(closes: Floats, known: Mask, first: int) -> Series:
    """A history of which only the days from index `first` on are scored: its test part.

    Raises:
        TooLittleHistory: too few forecasts can be checked there.
    """
    history = Series(np.log(closes), known, Parts(first, first, first, first, len(closes)))
    for horizon in HORIZONS:
        forecasts = len(history.origins("test", horizon))
        if forecasts < _LEAST_ORIGINS:
            raise TooLittleHistory(
                f"only {forecasts} forecasts of {horizon} days can be checked on held-out days"
            )
    return history


def split(days: int) -> Parts:
    """Train, validation, calibration and test as 60, 10, 15 and 15 % of the days that a forecast can start from.

    The last two are never shorter than the longest horizon and 30 origins.

    Raises:
        TooLittleHistory: nothing would be left to train on.
    """
    first = CONTEXT - 1
    usable = days - first
    held_out = max(HORIZONS) + _PLANNED_ORIGINS
    test = days - max(round(usable * (1 - sum(_SHARES))), held_out)
    calibration = test - max(round(usable * _SHARES[2]), held_out)
    validation = calibration - max(round(usable * _SHARES[1]), *HORIZONS)
    if validation - first < max(HORIZONS) + _PLANNED_ORIGINS:
        raise TooLittleHistory(f"{days} days are too few: four parts need {minimum_days()}")
    return Parts(first, validation, calibration, test, days)


def minimum_days() -> int:
    """The shortest gapless history that can be split."""
    longest = max(HORIZONS)
    return CONTEXT - 1 + 3 * (longest + _PLANNED_ORIGINS) + longest


def complete(known: Mask) -> Mask:
    """Whether a window may end at each index: its last day is known, and at most `MAX_BRIDGED` of its `CONTEXT` days are gaps."""
    missing = np.concatenate(([0], np.cumsum(~known)))
    ends = np.arange(len(known)) + 1
    starts = np.maximum(ends - CONTEXT, 0)
    return known & (ends >= CONTEXT) & (missing[ends] - missing[starts] <= MAX_BRIDGED)

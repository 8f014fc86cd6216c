"""Features of the global models: scale-free, causal inputs of each day, and the volatility that outcomes are measured in.

No price level and no level of volatility enters: a level is learned from the regimes of the training years and misleads
in the next one. All that is left are ratios of volatility measures to each other, how unusual the last days were, and
the calendar. A day's inputs depend on that day and earlier ones only; `tests/unit/ml/data/test_features.py` changes the
future and compares bit for bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ml.data.horizons import HORIZONS
from ml.data.panel import COLUMNS, Panel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

WARM_UP = 60
"""Days of a token before the first that is forecast from: listing days are no sample of what follows."""

DECAY = 0.94
"""Of the reference volatility: RiskMetrics' for daily returns."""

PEGGED_BELOW = 0.01
"""Daily volatility over about 100 days below which a token is taken as pegged, and no model learns from it: what moves
a peg is not what moves a price. the calmest of the others, BNB and BTC, never had less than 0.019 in 2018 to 2024."""
_NEAR_PEG = 0.05
"""How far, in logs, a price may stay from one dollar and still be a peg under stress."""

_WINDOW = 61
_MOST_MISSING = 3
_RANGE_CAP = 0.25
"""Daily range volatility above it is a wick: exchanges have printed lows of a thousandth of the price."""
_RATIO_CAP = 3.0
_LEAST = 1e-6
"""A price that stood still has no volatility, and a ratio to zero no value."""

NAMES = (
    "close_volatility_3d",
    "close_volatility_7d",
    "close_volatility_33d",
    "close_volatility_100d",
    "range_volatility_1d",
    "range_volatility_3d",
    "range_volatility_10d",
    "range_volatility_33d",
    "range_volatility_100d",
    "absolute_volatility_33d",
    "surprise",
    "downward_surprise",
    "trend_10d",
    "volume",
    "market_volume",
    "range_unrest",
    "friday",
    "saturday",
    "sunday",
)
"""The inputs in their order. A weekday is that of the day that has just closed."""
_SIGNED = ("surprise", "downward_surprise")


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Inputs and outcomes of a panel.

    Attributes:
        panel: where they are from.
        inputs: shape [tokens, days, NAMES]; zero where unknown, which `usable` tells.
        volatility: EWMA(0.94) of daily log returns, shape [tokens, days]; NaN where unknown.
        log_closes: shape [tokens, days]; NaN where unknown.
        usable: whether a forecast can start from the day, shape [tokens, days].
        pegged: whether the token hardly moves, shape [tokens, days].
    """

    panel: Panel
    inputs: Floats
    volatility: Floats
    log_closes: Floats
    usable: Mask
    pegged: Mask

    @property
    def unit(self) -> Floats:
        """Volatility of each horizon if it stayed as it is: what scales are relative to, [tokens, days, HORIZONS]."""
        return self.volatility[:, :, None] * np.sqrt(np.array(HORIZONS, dtype=np.float64))

    @property
    def surprise(self) -> Floats:
        """The last return in units of the volatility known before it, up to 6 either way, shape [tokens, days]."""
        size, downward = (self.inputs[:, :, NAMES.index(name)] for name in _SIGNED)
        signed: Floats = size - 2 * downward
        return signed

    def outcomes(self) -> Floats:
        """The log return of the days after each day, NaN where not known (yet), shape [tokens, days, HORIZONS]."""
        outcomes = np.full((*self.log_closes.shape, len(HORIZONS)), np.nan)
        for place, horizon in enumerate(HORIZONS):
            later, now = self.log_closes[:, horizon:], self.log_closes[:, :-horizon]
            outcomes[:, : later.shape[1], place] = later - now
        return outcomes

    def known_at(self, end: int) -> Mask:
        """Which outcomes of learnable days are known before day `end` begins, shape [tokens, days, HORIZONS].

        So a training is purged: no outcome that the first forecast of day `end` could not know is among its targets.
        """
        learnable = self.usable & ~self.pegged
        mask = learnable[:, :, None] & np.isfinite(self.outcomes())
        for place, horizon in enumerate(HORIZONS):
            mask[:, max(end - horizon, 0) :, place] = False
        return mask


def build(panel: Panel) -> FeatureSet:
    """The features of all tokens and days."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _build(panel)


def _build(panel: Panel) -> FeatureSet:
    close, volume = (panel.candles[:, :, COLUMNS.index(name)] for name in ("close", "volume"))
    log_closes = np.log(close)
    returns = _returns(log_closes)
    volatility = np.maximum(np.sqrt(ewma(returns**2, DECAY)), _LEAST)
    pegged = _is_pegged(log_closes, np.sqrt(ewma(returns**2, 0.99)))
    ranges = garman_klass(panel)
    values = _values(returns, volatility, ranges, np.where(pegged, np.nan, volume))
    inputs = np.stack(
        [*(values[name] for name in NAMES[:-3]), *_weekdays(panel)],
        axis=2,
    )
    known = np.isfinite(inputs).all(axis=2) & np.isfinite(volatility)
    return FeatureSet(
        panel,
        np.where(np.isfinite(inputs), inputs, 0.0),
        volatility,
        log_closes,
        known & _is_settled(np.isfinite(close)),
        pegged,
    )


def _values(
    returns: Floats, volatility: Floats, ranges: Floats, volume: Floats
) -> Mapping[str, Floats]:
    def ratio(variance: Floats) -> Floats:
        return np.clip(0.5 * np.log(variance) - np.log(volatility), -_RATIO_CAP, _RATIO_CAP)

    surprise = _lagged(returns, volatility)
    range_1d = ratio(ranges)
    range_3d = ratio(ewma(ranges, 0.7))
    traded = _unusual_volume(volume)
    return {
        "close_volatility_3d": ratio(ewma(returns**2, 0.7)),
        "close_volatility_7d": ratio(ewma(returns**2, 0.85)),
        "close_volatility_33d": ratio(ewma(returns**2, 0.97)),
        "close_volatility_100d": ratio(ewma(returns**2, 0.99)),
        "range_volatility_1d": range_1d,
        "range_volatility_3d": range_3d,
        "range_volatility_10d": ratio(ewma(ranges, 0.9)),
        "range_volatility_33d": ratio(ewma(ranges, 0.97)),
        "range_volatility_100d": ratio(ewma(ranges, 0.99)),
        "absolute_volatility_33d": ratio(ewma(np.abs(returns), 0.97) ** 2),
        "surprise": np.minimum(np.abs(surprise), 6.0),
        "downward_surprise": np.clip(-surprise, 0.0, 6.0),
        "trend_10d": ewma(np.clip(surprise, -4.0, 4.0), 0.9),
        "volume": traded,
        "market_volume": _market_mean(traded),
        "range_unrest": ewma(np.abs(range_1d - range_3d), 0.95),
    }


def ewma(values: Floats, decay: float) -> Floats:
    """Exponentially weighted mean of all known days up to each one, along the second axis; NaN before the first."""
    known = np.isfinite(values)
    weighted = lfilter([1.0], [1.0, -decay], np.where(known, values, 0.0), axis=1)
    weights = lfilter([1.0], [1.0, -decay], known.astype(np.float64), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = np.where(weights > 0, weighted / weights, np.nan)
    return mean


def _returns(log_closes: Floats) -> Floats:
    returns = np.full_like(log_closes, np.nan)
    returns[:, 1:] = np.diff(log_closes, axis=1)
    return returns


def _is_pegged(log_closes: Floats, volatility: Floats) -> Mask:
    """Whether a token hardly moves, or has hardly been away from one dollar up to the day."""
    away = np.maximum.accumulate(np.nan_to_num(np.abs(log_closes)), axis=1)
    pegged: Mask = (volatility < PEGGED_BELOW) | (away < _NEAR_PEG)
    return pegged


def _lagged(returns: Floats, volatility: Floats) -> Floats:
    """Returns in units of the volatility that was known the day before."""
    lagged = np.full_like(returns, np.nan)
    lagged[:, 1:] = returns[:, 1:] / volatility[:, :-1]
    return lagged


def garman_klass(panel: Panel) -> Floats:
    """Garman and Klass's estimate of each day's variance (1980), winsorised, shape [tokens, days]; NaN where unknown."""
    opened, high, low, close, _ = (panel.candles[:, :, at] for at in range(len(COLUMNS)))
    spread, body = np.log(high / low), np.log(close / opened)
    variance = 0.5 * spread**2 - (2 * np.log(2) - 1) * body**2
    bounded: Floats = np.clip(variance, 1e-8, _RANGE_CAP**2)
    return bounded


def _unusual_volume(volume: Floats) -> Floats:
    """Log volume minus its usual value; zero, so as usual, where no volume is known."""
    logs = np.where(volume > 0, np.log(np.where(volume > 0, volume, 1.0)), np.nan)
    unusual = logs - ewma(logs, 0.95)
    bounded: Floats = np.where(np.isfinite(unusual), np.clip(unusual, -3.0, 3.0), 0.0)
    return bounded


def _market_mean(values: Floats) -> Floats:
    present = values != 0.0
    count = np.maximum(present.sum(axis=0), 1)
    mean: Floats = np.broadcast_to(np.where(present, values, 0.0).sum(axis=0) / count, values.shape)
    return mean


def _weekdays(panel: Panel) -> list[Floats]:
    weekday = (panel.days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    return [
        np.broadcast_to((weekday == day).astype(np.float64), panel.closes.shape)
        for day in (4, 5, 6)
    ]


def _is_settled(known: Mask) -> Mask:
    """Whether a day is known, old enough, and few of the days before it are missing."""
    seen = np.cumsum(known, axis=1)
    before = np.zeros_like(seen)
    before[:, _WINDOW:] = seen[:, :-_WINDOW]
    return known & (seen > WARM_UP) & (seen - before >= _WINDOW - _MOST_MISSING)

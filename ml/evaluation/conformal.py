"""How wide an interval must be to hold what it promises: learned from outcomes, as they become known.

A forecast's conformity is the probability of its narrowest central interval that holds the outcome, |2 F(y) - 1|, so
the forecast stays a full distribution and only the probability at which its intervals are cut changes. The
conformities of all tokens of the last two years are pooled (split conformal), a token's own are pooled with them in part, as
far as they are many, and on top of that each token adapts by itself (Gibbs and Candès' adaptive conformal inference): at one day quickly, at longer horizons hardly, as the answer
comes days late there, each error counts for many overlapping ones, and following them costs more width than it buys.
"""

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ml.data.features import Floats
from ml.data.horizons import HORIZONS
from ml.evaluation.scoring import NOMINAL

STEPS = {
    1: (0.006, 0.006),
    7: (0.0005, 0.0005),
    14: (0.0005, 0.0005),
    30: (0.0003, 0.0005),
}
"""How far one outcome moves a token's interval, by horizon and NOMINAL. On the two-year windows of 2019-07 to 2023-06 coverage is
within a tenth of a point of the best that is to be had for 1 % more interval score (2.8 % at 30 days and 95 %)."""
POOLED_DAYS = 730
PRIOR_WINDOWS = 200
"""Independent windows that the distribution's own claim counts for."""
OWN_PRIOR_WINDOWS = np.array((30, 100))
"""Independent windows of a token that its own level must rest on to count as much as the pool's, by NOMINAL."""
_LEAST_OWN = 60
"""Outcomes of a token below which it has no level of its own."""
_POOLED_EVERY = 7
"""Days between two looks at the pool: one week among a hundred hardly moves it."""
LEAST_POOLED = 200
"""Outcomes below which intervals are cut as the distribution says."""
_BOUNDS = (0.5, 0.9995)


@dataclass(frozen=True, slots=True)
class Conformal:
    """Probabilities at which intervals are cut, by the probability that they are published as.

    Attributes:
        by_token: shape [tokens, HORIZONS, NOMINAL], in the order of `symbols`.
        pooled: for a token not among them, shape [HORIZONS, NOMINAL].
    """

    symbols: tuple[str, ...]
    by_token: Floats
    pooled: Floats

    def widths(self, symbol: str) -> Floats:
        """The probabilities for a token, shape [HORIZONS, NOMINAL]."""
        if symbol in self.symbols:
            own: Floats = self.by_token[self.symbols.index(symbol)]
            return own
        return self.pooled

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "nominal": list(NOMINAL),
            "by_token": dict(zip(self.symbols, self.by_token.tolist(), strict=True)),
            "pooled": self.pooled.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `to_json` wrote. Raises KeyError or ValueError if it did not."""
        if tuple(value["nominal"]) != NOMINAL:
            raise ValueError("it was made for other intervals")
        by_token = value["by_token"]
        rows = np.array(list(by_token.values()), dtype=np.float64)
        rows = rows.reshape(-1, len(HORIZONS), len(NOMINAL))
        pooled = np.array(value["pooled"], dtype=np.float64).reshape(len(HORIZONS), len(NOMINAL))
        return cls(tuple(by_token), rows, pooled)

    @classmethod
    def untouched(cls) -> Self:
        """Intervals as the distributions say."""
        nominal = np.tile(np.array(NOMINAL), (len(HORIZONS), 1))
        return cls((), np.zeros((0, *nominal.shape)), nominal)


def conformity(pit: Floats) -> Floats:
    """|2 F(y) - 1| from F(y)."""
    scores: Floats = np.abs(2 * pit - 1)
    return scores


def run(symbols: tuple[str, ...], scores: Floats) -> tuple[Floats, Conformal]:
    """Follow the outcomes day by day.

    Args:
        symbols: of the tokens.
        scores: conformity of the forecast made on each day, NaN where there is none or it is not known at the end,
            shape [tokens, days, HORIZONS].

    Returns:
        The probabilities that each day's forecasts were cut at, from nothing but outcomes known on that day, shape
        [tokens, days, HORIZONS, NOMINAL]; and those for a forecast made after the last day.
    """
    tokens, days, _ = scores.shape
    widths = np.empty((tokens, days + 1, len(HORIZONS), len(NOMINAL)))
    pooled = np.empty((len(HORIZONS), len(NOMINAL)))
    for place, horizon in enumerate(HORIZONS):
        levels = pooled_levels(scores[:, :, place], horizon)
        own = own_levels(scores[:, :, place], levels, horizon)
        widths[:, :, place] = adaptive_levels(scores[:, :, place], own, horizon)
        pooled[place] = levels[-1]
    return widths[:, :-1], Conformal(symbols, widths[:, -1], pooled)


def pooled_levels(scores: Floats, horizon: int) -> Floats:
    """Split conformal levels of each day and of the one after the last, shape [days + 1, NOMINAL]."""
    days = scores.shape[1]
    levels_by_day = np.tile(np.array(NOMINAL), (days + 1, 1))
    for day in range(days + 1):
        if day % _POOLED_EVERY and day < days:
            levels_by_day[day] = levels_by_day[day - 1]
            continue
        # The forecast of day t is answered by the close of day t + horizon, which is known on that day.
        end = max(day - horizon + 1, 0)
        recent = scores[:, max(end - POOLED_DAYS, 0) : end]
        recent = recent[np.isfinite(recent)]
        if len(recent) >= LEAST_POOLED:
            levels_by_day[day] += trust(end, horizon) * (split_levels(recent) - NOMINAL)
    return levels_by_day


def own_levels(scores: Floats, pooled: Floats, horizon: int) -> Floats:
    """The levels of each token: the pool's, moved towards its own as far as it has outcomes, [tokens, days + 1, NOMINAL].

    Partial pooling: tokens differ, and a token's own level is luck while its windows are few.

    Args:
        scores: conformity, NaN where unknown, shape [tokens, days].
        pooled: shape [days + 1, NOMINAL].
        horizon: days that pass before a forecast is answered.
    """
    tokens, days = scores.shape
    away = np.zeros((tokens, len(NOMINAL)))
    own = np.empty((tokens, days + 1, len(NOMINAL)))
    pasts: list[list[float]] = [[] for _ in range(tokens)]
    seen = 0
    for day in range(days + 1):
        if day % _POOLED_EVERY == 0 or day == days:
            end = max(day - horizon + 1, 0)
            _arrive(pasts, scores[:, seen:end])
            away, seen = _away(pasts, pooled[day], horizon), end
        own[:, day] = np.clip(pooled[day] + away, *_BOUNDS)
    return own


def _arrive(pasts: Sequence[list[float]], scores: Floats) -> None:
    """Put the known scores of some days, shape [tokens, days], in their places among each token's, which stay in order."""
    for past, arrived in zip(pasts, scores.tolist(), strict=True):
        for score in filter(math.isfinite, arrived):
            bisect.insort(past, score)


def _away(pasts: Sequence[list[float]], pooled: Floats, horizon: int) -> Floats:
    """How far each token's level lies from the pool's, given its outcomes so far in order, shape [tokens, NOMINAL]."""
    count = np.array([[len(past)] for past in pasts])
    windows = count / horizon
    own = np.array([_ranked(past) if len(past) >= _LEAST_OWN else NOMINAL for past in pasts])
    away = windows / (windows + OWN_PRIOR_WINDOWS) * (np.clip(own, *_BOUNDS) - pooled)
    return np.where(count >= _LEAST_OWN, away, 0.0)


def trust(days: int, horizon: int) -> float:
    """How far the pool is believed against the distribution itself, which was fitted on a longer past.

    Returns of `horizon` days overlap and tokens move together, so the pool holds as many samples as the horizon fits
    into its days: at 30 days 24, of which the share inside an interval is off by points from luck alone.
    """
    windows = min(days, POOLED_DAYS) / horizon
    return windows / (windows + PRIOR_WINDOWS)


def split_levels(scores: Floats) -> Floats:
    """The conformities that a share NOMINAL of outcomes does not exceed, the one to come counted in."""
    ranks = [_rank(len(scores), nominal) for nominal in NOMINAL]
    levels: Floats = np.clip(np.partition(scores, ranks)[ranks], *_BOUNDS)
    return levels


def _ranked(ordered: Sequence[float]) -> list[float]:
    return [ordered[_rank(len(ordered), nominal)] for nominal in NOMINAL]


def _rank(count: int, nominal: float) -> int:
    return min(math.ceil((count + 1) * nominal), count) - 1


def adaptive_levels(scores: Floats, levels: Floats, horizon: int) -> Floats:
    """Adaptive levels of each day and of the one after the last, shape [tokens, days + 1, NOMINAL].

    Each token keeps an offset to its level, which a miss raises and a hit lowers, in the ratio that leaves it
    where it is if as many are missed as promised. A forecast answers `horizon` days after it was made.

    Args:
        scores: conformity, NaN where unknown, shape [tokens, days].
        levels: to start from, shape [tokens, days + 1, NOMINAL].
        horizon: days that pass before a forecast is answered.
    """
    tokens, days = scores.shape
    misses = 1 - np.array(NOMINAL)
    offset = np.zeros((tokens, len(NOMINAL)))
    adapted = np.empty((tokens, days + 1, len(NOMINAL)))
    for day in range(days + 1):
        if day >= horizon:
            answered = scores[:, day - horizon, None]
            missed = answered > adapted[:, day - horizon]
            step = np.array(STEPS[horizon]) * (missed - misses)
            offset += np.where(np.isfinite(answered), step, 0.0)
        adapted[:, day] = np.clip(levels[:, day] + offset, *_BOUNDS)
    return adapted

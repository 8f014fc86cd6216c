"""Year by year, how far the forecasts' centre tilts against the market's move, and what that gains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.data.features import FeatureSet, Floats, Mask
from ml.data.horizons import HORIZONS
from ml.evaluation import comparison
from ml.models import reversal
from ml.models.student import Student

_PLACE = HORIZONS.index(1)


@dataclass(frozen=True, slots=True)
class Tilt:
    """A year's weight (of a day's volatility for each of the market's last move) and its gain in CRPS at one day.

    `weight` is the mean of what the fits of the year left of it; `gain` is a share of the reference's CRPS.
    """

    year: str
    weight: float
    gain: float
    dm_t: float


def by_year(
    features: FeatureSet, first: int, distributions: Student, reference: Floats, scored: Mask
) -> Sequence[Tilt]:
    """The lean of a model with the term; empty for a model without.

    Args:
        features: inputs and outcomes.
        first: position of the first day of the arrays.
        distributions: the distributions, shape [tokens, days, HORIZONS].
        reference: CRPS of the reference, same shape.
        scored: which rows have outcomes, same shape.
    """
    nearest = distributions.at(np.s_[:, :, _PLACE])
    if not nearest.location.any():
        return []
    scored_days = slice(first, first + scored.shape[1])
    mask = scored[:, :, _PLACE]
    outcomes = np.where(mask, features.outcomes()[:, scored_days, _PLACE], np.nan)
    plain = replace(nearest, location=np.zeros_like(nearest.location)).crps(outcomes)
    leaning = nearest.crps(outcomes)
    moved = reversal.market(features)[scored_days] * features.volatility[:, scored_days]
    years = features.panel.days[scored_days].astype("datetime64[Y]")
    rows = []
    for year in np.unique(years):
        chosen = mask & (years == year)[None]
        if chosen.any():
            unit = float(reference[:, :, _PLACE][chosen].mean())
            ours, theirs = (np.where(chosen, each, np.nan) for each in (leaning, plain))
            gain = comparison.compare(ours, theirs, 1)
            weight = (nearest.location[chosen] * moved[chosen]).sum() / (moved[chosen] ** 2).sum()
            rows.append(Tilt(str(year), float(weight), gain.mean / unit, gain.t))
    return rows

"""What could be known at each day of a panel: spans of days that saw the same candles, and the features of such a vintage.

A vintage is the data as they were published by a day, without what was corrected since (Croushore and Stark, A real-time
data set for macroeconomists, 2001).
"""

from itertools import pairwise

import numpy as np

from ml.data import features
from ml.data.features import FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.data.panel import Panel, as_date


def spans(panel: Panel, first: int, end: int) -> list[tuple[int, int]]:
    """The days [first, end) in parts, within which nothing of the days before was corrected."""
    changes = {panel.index(day) for each in panel.beliefs for day in (each.first, each.end)}
    inner = (position for position in changes if first < position < end)
    return list(pairwise(sorted({first, end, *inner})))


def known_on(market: FeatureSet, position: int) -> FeatureSet:
    """The features of what was believed at the close of a day; themselves where nothing was corrected since."""
    believed = market.panel.believed_on(as_date(market.panel.days[position]))
    return market if believed is market.panel else features.build(believed)


def outcomes_when_due(market: FeatureSet) -> Floats:
    """The log return of the days after each day by the closes believed when it came, shape [tokens, days, HORIZONS].

    NaN where it is not known (yet). What is learned from outcomes on the way may learn from these alone.
    """
    panel = market.panel
    outcomes = np.full((*panel.closes.shape, len(HORIZONS)), np.nan)
    for first, end in spans(panel, 0, len(panel.days)):
        closes = np.log(panel.believed_on(as_date(panel.days[end - 1])).closes)
        for place, horizon in enumerate(HORIZONS):
            due = np.arange(max(first, horizon), end)
            outcomes[:, due - horizon, place] = closes[:, due] - closes[:, due - horizon]
    return outcomes

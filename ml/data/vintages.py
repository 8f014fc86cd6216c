"""What could be known at each day of a panel: spans of days that saw the same candles, and the features of such a vintage.

A vintage is the data as they were published by a day, without what was corrected since (Croushore and Stark, A real-time
data set for macroeconomists, 2001).
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np

from ml.data import features
from ml.data.datasets import TrainingSet
from ml.data.features import FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.data.panel import COLUMNS, Belief, Panel, as_date
from ml.data.windows import Vintage

_CLOSE = COLUMNS.index("close")
_DAY = timedelta(days=1)


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


def of_closes(training_set: TrainingSet, beliefs: Sequence[Belief]) -> tuple[Vintage, ...]:
    """The closes of one token as they were believed, for the days at which they were others than now's.

    A day that was believed to have none repeats the last close, as a gap does.

    Args:
        training_set: the closes of now.
        beliefs: of its token.
    """
    closes, known = training_set.calendar()
    days = [training_set.first_day + at * _DAY for at in range(len(closes))]
    place = {day: at for at, day in enumerate(days)}
    changes = {place[day] for each in beliefs for day in (each.first, each.end) if day in place}
    made = []
    for first, end in pairwise(sorted({0, len(closes), *changes})):
        undone = [each for each in beliefs if each.is_held_on(days[end - 1])]
        then = np.where(known, closes, np.nan)
        then[[place[each.day] for each in undone]] = [each.candle[_CLOSE] for each in undone]
        if undone:
            made.append(Vintage(first, end, np.log(_carried(then, closes[0]))))
    return tuple(made)


def _carried(closes: Floats, before: float) -> Floats:
    """Each close, or the last known one; `before` where there is none yet."""
    known = np.isfinite(closes)
    last = np.maximum.accumulate(np.where(known, np.arange(len(closes)), -1))
    return np.where(last < 0, before, closes[last])

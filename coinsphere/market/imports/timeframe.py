"""Detects the interval of a file's candles by its name and by its rows."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from coinsphere.errors import ImportRefused
from coinsphere.market.model import Interval

_IN_NAME = re.compile(r"(?<![A-Za-z0-9])(\d{1,2}(?:s|m|h|d|w|mo|M))(?![A-Za-z0-9])")


def detect(path: Path, times: Sequence[datetime | None]) -> Interval:
    """The interval that a file's name says and its rows do not deny, else that of most of its rows.

    Args:
        path: of the file.
        times: when its first rows open; None where it is not known.

    Raises:
        ImportRefused: neither tells it, both tell different ones, or it is none that is kept.
    """
    moments = [moment for moment in times if moment is not None]
    steps = Counter(abs(after - before) for before, after in pairwise(moments))
    steps.pop(timedelta(0), None)
    in_name = _IN_NAME.search(path.name)
    if in_name is not None:
        named = in_name.group(1).lower() if in_name.group(1)[-1] != "M" else "1mo"
        return _agreed(path, _supported(path, named), steps)
    if not steps:
        if moments and all(moment.hour == 0 and moment.minute == 0 for moment in moments):
            return Interval.DAY
        raise ImportRefused(
            f"{path.name}: the interval cannot be told from the rows; name it in the file name, as in BTC_1h.csv"
        )
    step = steps.most_common(1)[0][0]
    for interval in Interval:
        if interval.duration == step:
            return interval
    return _supported(path, str(step))


def _agreed(path: Path, named: Interval, steps: Counter[timedelta]) -> Interval:
    """The interval that a name says, if the rows do not tell another; gaps do not."""
    if not steps:
        return named
    step, times = steps.most_common(1)[0]
    is_other = step < named.duration or (step > named.duration and len(steps) == 1)
    if is_other and times > 1:
        raise ImportRefused(
            f"{path.name}: its name says candles of {named}, and its rows are {step} apart"
        )
    return named


def _supported(path: Path, interval: str) -> Interval:
    if interval in ("24h", "60m"):
        interval = {"24h": "1d", "60m": "1h"}[interval]
    try:
        return Interval(interval)
    except ValueError:
        raise ImportRefused(
            f"{path.name}: holds candles of {interval}; only 1h and 1d are kept"
        ) from None

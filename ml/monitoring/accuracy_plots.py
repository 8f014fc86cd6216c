"""Plots of issued forecasts against their outcomes: coverage and skill over time, PIT histogram. Pure functions."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ml.data.features import Floats
from ml.data.horizons import HORIZONS
from ml.evaluation import plots, scoring
from ml.evaluation.scoring import NOMINAL
from ml.monitoring.accuracy import COVERAGE_ALARMS, DRIFT_DAYS, Record

_COLOURS = ("#1f5fa8", "#c0392b")
_BINS = 10

Days = np.ndarray[Any, np.dtype[np.datetime64]]


def pictures(served: Mapping[int, Record]) -> dict[str, bytes]:
    """Each picture by its file name; none where no outcome is known."""
    if not served:
        return {}
    return {
        "coverage.png": plots.panels([_coverage(each, served.get(each)) for each in HORIZONS]),
        "pit.png": plots.panels([_pit(each, served.get(each)) for each in HORIZONS]),
        "skill.png": plots.panels([_skill(each, served.get(each)) for each in HORIZONS]),
    }


def _coverage(horizon: int, record: Record | None) -> Callable[[Axes], None]:
    """The share inside over the last `DRIFT_DAYS` days, as it was on each day, and the bands that raise no alarm."""

    def draw(axes: Axes) -> None:
        axes.set(title=f"{horizon} d: share inside, {DRIFT_DAYS} days", ylim=(0.5, 1.01))
        for at, (nominal, colour) in enumerate(zip(NOMINAL, _COLOURS, strict=True)):
            band = COVERAGE_ALARMS[horizon][at]
            axes.axhspan(nominal - band, min(nominal + band, 1), color=colour, alpha=0.08)
            axes.axhline(nominal, color=colour, linewidth=0.8, linestyle=":")
            if record is not None:
                days, share = _trailing(record, record.within[:, at].astype(float))
                axes.plot(days, share, color=colour, label=f"{nominal:.0%}")
        _finish(axes, record)

    return draw


def _skill(horizon: int, record: Record | None) -> Callable[[Axes], None]:
    """The gain on the random walk over the last `DRIFT_DAYS` days, as it was on each day."""

    def draw(axes: Axes) -> None:
        axes.set(title=f"{horizon} d: gain on the random walk, {DRIFT_DAYS} days", ylabel="CRPS, %")
        axes.axhline(0, color="black", linewidth=0.8)
        if record is not None:
            days, ours = _trailing(record, record.crps)
            _, theirs = _trailing(record, record.reference_crps)
            axes.plot(days, 100 * (1 - ours / theirs), color=_COLOURS[0], label="skill")
        _finish(axes, record)

    return draw


def _pit(horizon: int, record: Record | None) -> Callable[[Axes], None]:
    """Where outcomes fell in their distributions, each tenth against what is even."""

    def draw(axes: Axes) -> None:
        axes.set(title=f"{horizon} d: PIT", xlabel="probability below the outcome", ylim=(0, 2.2))
        axes.axhline(1, color="black", linewidth=0.8)
        if record is None:
            _finish(axes, record)
            return
        shares = _BINS * np.array(scoring.pit_histogram(record.pit, _BINS))
        places = (np.arange(_BINS) + 0.5) / _BINS
        axes.bar(places, shares, width=0.9 / _BINS, color=_COLOURS[0], alpha=0.7)
        axes.text(0.02, 2.05, f"{len(record.pit)} outcomes, {record.origins} days", fontsize=7)

    return draw


def _trailing(record: Record, values: Floats) -> tuple[Days, Floats]:
    """Means over the last `DRIFT_DAYS` days up to each day, of all tokens alike."""
    days, places, counts = np.unique(
        np.array(record.days, dtype="datetime64[D]"), return_inverse=True, return_counts=True
    )
    # A zero before the first, so that the sum up to a day less the sum up to another is that of the days between.
    sums = np.cumsum([0.0, *np.bincount(places, weights=values)])
    counted = np.cumsum([0, *counts])
    before = np.searchsorted(days, days - np.timedelta64(DRIFT_DAYS, "D"), "right")
    means: Floats = (sums[1:] - sums[before]) / (counted[1:] - counted[before])
    return days, means


def _finish(axes: Axes, record: Record | None) -> None:
    if record is None:
        axes.text(0.5, 0.5, "no outcome yet", transform=axes.transAxes, ha="center", fontsize=8)
        axes.set_axis_off()
        return
    axes.legend(fontsize=7, loc="lower left")
    plots.short_dates(axes)

"""How often the gate of calibration errs: markets are made up, forecasts of them are right by construction or 5 points off.

Returns are normal with one common factor (correlation 0.6), and a forecast is their true distribution; one that is off
has intervals that hold 75 % where it says 80. `python -m bench gates`.
"""

import numpy as np

from bench.measure import Measure
from ml.data.horizons import HORIZONS
from ml.evaluation.scoring import NOMINAL
from tests.unit.ml.calibrated import market, refused

DAYS = (730, 1461)
RUNS = 400
_NEEDED = {1: 0.9, 7: 0.9}
"""Horizons at which four years are enough to find a model that is 5 points off, nine times in ten."""


def run() -> list[Measure]:
    """Refusal rates in percent."""
    rng = np.random.default_rng(3)
    made = []
    for days in DAYS:
        right = np.array([refused(market(rng, days), NOMINAL) for _ in range(RUNS)])
        off = np.array([refused(market(rng, days), (0.75, NOMINAL[1])) for _ in range(RUNS // 2)])
        for place, horizon in enumerate(HORIZONS):
            name = f"gate of calibration, {days} days, {horizon} d:"
            rate = 100 * float(right[:, place].mean())
            made.append(Measure(f"{name} right, yet refused", rate, "%", target=5.0))
            power = 100 * float(off[:, place].mean())
            target = 90.0 if days == DAYS[-1] and horizon in _NEEDED else None
            made.append(Measure(f"{name} 5 points off, refused", power, "%", target, "higher"))
        rate = 100 * float(right.any(axis=1).mean())
        made.append(
            Measure(
                f"gate of calibration, {days} days: right, yet refused somewhere",
                rate,
                "%",
                target=10.0,
            )
        )
    return made

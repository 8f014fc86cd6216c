"""Panels of made-up markets: volatility that comes back to its mean and is shared, candles from steps within the day."""

from datetime import date, timedelta

import numpy as np

from ml.data import features, panel

FIRST = date(2019, 1, 1)


def rows(tokens: int = 5, days: int = 900, seed: int = 1) -> dict[str, dict[date, list[float]]]:
    rng = np.random.default_rng(seed)
    shared = _reverting(rng, days, 0.35)
    made = {}
    for token in range(tokens):
        calm = 0.03 * np.exp(np.clip(shared + _reverting(rng, days, 0.2), -0.6, 1.5))
        volatility = calm * np.exp(0.4 * rng.standard_normal(days))
        steps = rng.standard_normal((days, 24)) * volatility[:, None] / np.sqrt(24)
        path = np.cumsum(steps.ravel()).reshape(days, 24)
        opened = np.concatenate(([0.0], path[:-1, -1]))
        path = 100 * np.exp(np.column_stack((opened, path)))
        volume = 1000 * np.exp(rng.standard_normal(days) + 5 * volatility)
        made[f"T{token}"] = {
            FIRST + timedelta(days=day): [
                float(path[day, 0]),
                float(path[day].max()),
                float(path[day].min()),
                float(path[day, -1]),
                float(volume[day]),
            ]
            for day in range(days)
        }
    return made


def _reverting(rng: np.random.Generator, days: int, deviation: float) -> np.ndarray:
    """A path that comes back to zero within about three weeks."""
    path = np.zeros(days)
    for day in range(1, days):
        path[day] = 0.95 * path[day - 1] + deviation * np.sqrt(1 - 0.95**2) * rng.standard_normal()
    return path


def make(tokens: int = 5, days: int = 900, seed: int = 1) -> panel.Panel:
    return panel.from_rows(rows(tokens, days, seed), price_source="test", location="test")


def make_features(tokens: int = 5, days: int = 900, seed: int = 1) -> features.FeatureSet:
    return features.build(make(tokens, days, seed))

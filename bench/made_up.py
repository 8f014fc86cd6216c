"""A made-up market of 31 tokens over eight years, whose volatility comes back to its mean: the same on every machine."""

from datetime import date, timedelta

import numpy as np

from ml.data import panel

TOKENS, DAYS = 31, 2922
_FIRST = date(2018, 1, 1)


def market(tokens: int = TOKENS) -> panel.Panel:
    """Candles of a number of tokens."""
    rng = np.random.default_rng(1)
    rows = {}
    for token in range(tokens):
        noise = rng.standard_normal((3, DAYS))
        level = np.zeros(DAYS)
        for day in range(1, DAYS):
            level[day] = 0.95 * level[day - 1] + 0.15 * noise[0, day]
        volatility = 0.03 * np.exp(level)
        closes = 100 * np.exp(np.cumsum(volatility * noise[1]))
        opens = np.concatenate(([100.0], closes[:-1]))
        reach = np.exp(volatility * np.abs(noise[2]))
        highs, lows = np.maximum(opens, closes) * reach, np.minimum(opens, closes) / reach
        candles = np.column_stack((opens, highs, lows, closes, 1000 * reach)).tolist()
        rows[f"T{token:02}"] = {_FIRST + timedelta(days=day): candles[day] for day in range(DAYS)}
    return panel.from_rows(rows, price_source="bench", location="bench")

"""Implied volatility on a panel's days: a file of closes, and the input that is made of it.

A day's close is known when the day's candle is, so the input of a day knows nothing later. Where it is unknown, before DVOL began
or where a file has a gap, the input is zero, which is the usual: so a model that takes it answers on all days.
"""

import csv
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from coinsphere.errors import CoinsphereError
from ml.data.features import FeatureSet, Floats

COLUMNS = ("day", "currency", "percent")
MARKET = "BTC"
"""Whose implied volatility stands for that of a token that has none of its own."""
_YEAR = 365

Closes = Mapping[str, Mapping[date, float]]
"""Percent a year at each day's close, by currency."""


def write(path: Path, closes: Closes) -> int:
    """Write a file of closes; returns how many."""
    rows = [
        (day.isoformat(), currency, f"{percent:g}")
        for currency, days in sorted(closes.items())
        for day, percent in sorted(days.items())
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((COLUMNS, *rows))
    return len(rows)


def read(path: Path) -> dict[str, dict[date, float]]:
    """Read what `write` wrote.

    Raises:
        CoinsphereError: there is no file, or a line is none of a day, a currency and a positive number, or stands twice.
    """
    if not path.is_file():
        raise CoinsphereError(f"There is no file {path}")
    percents: dict[str, dict[date, float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        if tuple(next(lines, ())) != COLUMNS:
            raise CoinsphereError(f"{path}: the first line is not {','.join(COLUMNS)}")
        for row in lines:
            try:
                day, currency, percent = _parsed(row)
            except ValueError as error:
                raise CoinsphereError(f"{path}, line {lines.line_num}: {error}") from error
            if day in percents.setdefault(currency, {}):
                raise CoinsphereError(f"{path}, line {lines.line_num}: {currency} has {day} twice")
            percents[currency][day] = percent
    return percents


def _parsed(row: list[str]) -> tuple[date, str, float]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} fields where {len(COLUMNS)} are needed")
    day, currency, percent = date.fromisoformat(row[0]), row[1].strip().upper(), float(row[2])
    if not currency or not math.isfinite(percent) or percent <= 0:
        raise ValueError(f"{row[1]!r} with a volatility of {row[2]}")
    return day, currency, percent


def against_volatility(features: FeatureSet, closes: Closes) -> Floats:
    """Log of implied volatility over EWMA volatility: a token's own, else the market's; NaN where unknown, [tokens, days]."""
    panel = features.panel
    days = panel.days[: features.volatility.shape[1]].astype(object)
    own = {
        symbol: _ratio(closes[symbol], days, features.volatility[place])
        for place, symbol in enumerate(panel.symbols)
        if symbol in closes
    }
    market = own.get(MARKET, np.full(len(days), np.nan))
    return np.array([own.get(symbol, market) for symbol in panel.symbols])


def _ratio(closes: Mapping[date, float], days: Floats, volatility: Floats) -> Floats:
    implied = np.array([closes.get(day, np.nan) for day in days]) / 100 / math.sqrt(_YEAR)
    known = np.isfinite(implied) & (volatility > 0)
    ratio = np.full(len(days), np.nan)
    ratio[known] = np.log(implied[known] / volatility[known])
    return ratio

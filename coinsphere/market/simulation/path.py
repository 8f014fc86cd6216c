"""The price of one simulated token: hour by hour since the market opened, and minute by minute within an hour.

Hourly log returns are the primitive: beta times the market's plus a fat-tailed own part, with a slow pull towards the
token's usual price (half-life two years) that keeps prices plausible over a decade. A daily candle is the aggregate of
its 24 hourly ones. The extremes of an hour follow the law of a Brownian bridge's, and the minutes within it are such a
bridge, stretched so that its own extremes are those: a quote never lies outside the candle of its hour, moves each minute,
and reaches both ends of the candle.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from coinsphere.market.simulation.factor import (
    HOURS_A_YEAR,
    MARKET_VOLATILITY,
    Factor,
    Floats,
    days_in,
    first_hour,
    market_factor,
    shocks,
    wandering_volatility,
    year_of,
)
from coinsphere.market.simulation.profiles import Profile
from coinsphere.market.simulation.streams import generator

_DRAWS = 64
"""Bridges of an hour of which one is taken."""
_PULL = 0.5 ** (1 / (2 * HOURS_A_YEAR))
"""Share of the distance from the usual price that is left after an hour."""
_PEG_PULL = 0.8
"""The same for a stablecoin: arbitrage closes a gap within hours."""
_SHARED_STRESS = 0.5
"""How far a token's own volatility follows the market's: 0 not at all, 1 in full."""
_BUSIEST = 10.0
"""A move of so many usual ones brings no more volume than this."""


@dataclass(frozen=True, slots=True)
class Bars:
    """OHLCV columns of consecutive spans; volume in units of the token."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def daily(self) -> "Bars":
        """Whole days, made of 24 hours each."""
        return Bars(
            self.open[::24],
            self.high.reshape(-1, 24).max(axis=1),
            self.low.reshape(-1, 24).min(axis=1),
            self.close[23::24],
            self.volume.reshape(-1, 24).sum(axis=1),
        )


class TokenPath:
    """The price of the token `key` in the market of `seed`, to the end of `last_year`."""

    def __init__(self, seed: int, key: str, profile: Profile, last_year: int) -> None:
        self._seed, self._key, self._profile, self._last_year = seed, key, profile, last_year
        self._years: dict[int, tuple[Floats, Floats, Floats]] = {}

    def bars(self, first: int, last: int) -> Bars:
        """The hours `first` to `last` (exclusive), counted from `EPOCH`."""
        parts = [self._details(year) for year in range(year_of(first), year_of(last - 1) + 1)]
        start = first - first_hour(year_of(first))
        high, low, volume = (
            np.concatenate(columns)[start : start + last - first]
            for columns in zip(*parts, strict=True)
        )
        prices = np.exp(self._log_prices[first : last + 1])
        return Bars(prices[:-1], high, low, prices[1:], volume)

    def minutes(self, hour: int) -> Floats:
        """The 61 prices at the full minutes of an hour, from its open to its close, both included.

        Of some bridges the one whose extremes are nearest to the hour's: to stretch another until it fits would make
        its first minute beyond the ends a leap.
        """
        opened, closed = self._log_prices[hour], self._log_prices[hour + 1]
        draws = generator(self._seed, f"{self._key}/minutes", hour).standard_normal((_DRAWS, 60))
        steps = np.pad(draws * self._spread[hour] / np.sqrt(60), ((0, 0), (1, 0)))
        walks = np.cumsum(steps, axis=1)
        share = np.linspace(0.0, 1.0, 61)
        bridges = np.exp(opened + walks + share * (closed - opened - walks[:, -1:]))
        bars = self.bars(hour, hour + 1)
        low, high = float(bars.low[0]), float(bars.high[0])
        missed = np.abs(bridges.max(axis=1) - high) + np.abs(bridges.min(axis=1) - low)
        bridge: Floats = bridges[missed.argmin()]
        bridge[0], bridge[-1] = bars.open[0], bars.close[0]
        return _within(bridge, low, high)

    @cached_property
    def _factor(self) -> Factor:
        return market_factor(self._seed, self._last_year)

    @cached_property
    def _own_spread(self) -> Floats:
        """Standard deviation of the token's own log return in each hour."""
        wander = np.repeat(wandering_volatility(self._seed, self._key, self._last_year), 24)
        usual = self._profile.own_volatility / np.sqrt(HOURS_A_YEAR)
        spread: Floats = usual * wander * self._factor.stress**_SHARED_STRESS
        return spread

    @cached_property
    def _spread(self) -> Floats:
        """Standard deviation of the whole log return in each hour."""
        spread: Floats = np.hypot(self._own_spread, self._profile.beta * self._factor.spread)
        return spread

    @cached_property
    def _log_prices(self) -> Floats:
        """Log price at each full hour since `EPOCH`, one more than there are hours."""
        own = self._own_spread * shocks(self._seed, self._key, self._last_year)
        returns = self._profile.beta * self._factor.returns + own
        pull = _PULL if self._profile.beta else _PEG_PULL
        distances = accumulate(
            returns.tolist(), lambda distance, step: pull * distance + step, initial=0.0
        )
        usual = np.log(self._profile.price)
        prices: Floats = usual + np.fromiter(distances, dtype=np.float64, count=len(returns) + 1)
        return prices

    def _details(self, year: int) -> tuple[Floats, Floats, Floats]:
        """High, low and volume of each hour of a year."""
        if year not in self._years:
            start = first_hour(year)
            hours = slice(start, start + 24 * days_in(year))
            self._years[year] = (*self._extremes(year, hours), self._volumes(year, hours))
        return self._years[year]

    def _extremes(self, year: int, hours: slice) -> tuple[Floats, Floats]:
        """The highest and lowest price within each hour, by the law of a Brownian bridge's maximum."""
        opened = self._log_prices[:-1][hours]
        closed = self._log_prices[1:][hours]
        draws = 1 - generator(self._seed, f"{self._key}/range", year).random((2, len(opened)))
        reach = np.sqrt((closed - opened) ** 2 - 2 * self._spread[hours] ** 2 * np.log(draws))
        middle = (opened + closed) / 2
        return np.exp(middle + reach[0] / 2), np.exp(middle - reach[1] / 2)

    def _volumes(self, year: int, hours: slice) -> Floats:
        """Units traded in each hour: more in the afternoon, in stress, and where the price moves."""
        moved = np.abs(np.diff(self._log_prices)[hours])
        profile = self._profile
        usual = np.hypot(profile.own_volatility, profile.beta * MARKET_VOLATILITY)
        noise = generator(self._seed, f"{self._key}/volume", year).standard_normal(len(moved))
        season = 1 + 0.35 * np.sin((np.arange(len(moved)) % 24 - 9) / 24 * 2 * np.pi)
        activity = 0.5 + 0.5 * np.minimum(moved / usual * np.sqrt(HOURS_A_YEAR), _BUSIEST)
        dollars = profile.turnover / 24 * season * activity * np.exp(0.3 * noise)
        volumes: Floats = dollars / np.exp(self._log_prices[:-1][hours])
        return volumes


def _within(bridge: Floats, low: float, high: float) -> Floats:
    """The path with what lies beyond both its ends stretched, so that it reaches from `low` to `high` and no further.

    What lies between its ends stays. A path that never leaves them on a side has nothing to stretch there.
    """
    bottom, top = sorted((float(bridge[0]), float(bridge[-1])))
    path = bridge.copy()
    if (highest := float(bridge.max())) > top:
        above = bridge > top
        path[above] = top + (bridge[above] - top) * ((high - top) / (highest - top))
    if (lowest := float(bridge.min())) < bottom:
        below = bridge < bottom
        path[below] = bottom - (bottom - bridge[below]) * ((bottom - low) / (bottom - lowest))
    limited: Floats = path.clip(low, high)  # rounding alone
    return limited

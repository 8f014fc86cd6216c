"""The simulated market: the same seed gives the same history, whatever range is asked for and whenever.

The path of each token is made in `coinsphere.market.simulation`: hours are the primitive, a daily candle is the
aggregate of its 24 hourly ones, a quote is a minute on the same path. Nothing after the clock's instant is shown: the
running hour and day are built from the minutes that have passed, and marked unfinished.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from functools import lru_cache
from math import floor, log10
from uuid import UUID

import numpy as np

from coinsphere.clock import DAY, HOUR, Clock, utc_now
from coinsphere.errors import OutsideWindow
from coinsphere.market.consensus import venues
from coinsphere.market.consensus.model import DOLLAR, VenueQuote
from coinsphere.market.model import Candle, Interval, Metadata, Quote, Token
from coinsphere.market.origin import SIMULATED
from coinsphere.market.simulation.factor import EPOCH, Floats, hour_of, year_of
from coinsphere.market.simulation.path import Bars, TokenPath
from coinsphere.market.simulation.profiles import Profile, key_of, profile_of
from coinsphere.market.simulation.streams import generator

_DAY_HOURS = 24
_VENUES = (
    ("simulated north", DOLLAR, Decimal("0.35")),
    ("simulated east", "USDT", Decimal("0.3")),
    ("simulated south", DOLLAR, Decimal("0.2")),
    ("simulated west", "USDC", Decimal("0.1")),
    ("simulated centre", DOLLAR, Decimal("0.05")),
)
"""The simulated venues: name, quote currency and share in the volume."""
_VENUE_NOISE = 0.0003
"""Standard deviation of a venue's price around the path: real spot venues differ by 12 to 30 bp at the 99th percentile."""
_HALF_SPREAD = Decimal("0.0001")
_TWELVE_DIGITS = Context(prec=12)


@dataclass(frozen=True, slots=True)
class _Simulated:
    """A token's path, with how its numbers are written."""

    token: Token
    profile: Profile
    path: TokenPath
    digits: int

    def price(self, value: float) -> Decimal:
        """`value` as a price of so many digits that the sixth significant one is shown."""
        return Decimal(f"{value:.{self.digits}f}")

    def dollars(self, value: float) -> Decimal:
        """`value` in whole cents."""
        return Decimal(f"{value:.2f}")

    def units(self, value: float) -> Decimal:
        """`value` in whole units of the token."""
        return Decimal(f"{value:.0f}")


@dataclass(frozen=True, slots=True)
class _Day:
    """What the quotes of an hour are made of: its prices by the minute, those a day before, and dollars traded in each of 25 hours."""

    minutes: Floats
    minutes_before: Floats
    dollars: Floats


class SimulatedMarket:
    """A `MarketDataSource` of made-up prices. See the module."""

    name = SIMULATED

    def __init__(self, seed: int, clock: Clock = utc_now) -> None:
        self._seed, self._clock = seed, clock
        self._cache: dict[tuple[str, int], _Simulated] = {}

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> Iterator[Candle]:
        """Candles that open in [start, end) and not after now; the running one is unfinished."""
        now = self._clock()
        simulated = self._simulated(token, now)
        step = interval.duration // HOUR
        first = max(0, _ceil(start, step))
        running = hour_of(now) // step * step
        last = min(_ceil(end, step), running)
        if first < last:
            bars = simulated.path.bars(first, last)
            if interval is Interval.DAY:
                bars = bars.daily()
            yield from _finished(simulated, interval, first, bars, now)
        if first <= running < _ceil(end, step):
            yield _running(simulated, interval, running, now)

    def quotes(self, tokens: Sequence[Token]) -> list[Quote]:
        """The price at the last full minute of every token."""
        now = self._clock()
        return [self._quote(self._simulated(token, now), now) for token in tokens]

    def venue_quotes(self, tokens: Sequence[Token]) -> list[VenueQuote]:
        """What each simulated venue says of each token at the last full minute.

        Stablecoins are traded for dollars; other tokens for the venue's currency, at what that costs by its own path.
        """
        now = self._clock()
        quotes = {quote.token_id: quote for quote in self.quotes(tokens)}
        prices = {DOLLAR: Decimal(1)}
        for code, asset in venues.currencies(tokens).items():
            if isinstance(asset, UUID):
                prices[code] = quotes[asset].price
        return [
            quote
            for token in tokens
            for quote in self._at_venues(token, quotes[token.id], prices, now)
        ]

    def metadata(self, tokens: Sequence[Token]) -> list[Metadata]:
        """Supply, and the highest and lowest price of the simulated history so far."""
        now = self._clock()
        simulated = [self._simulated(token, now) for token in tokens]
        by_cap = sorted(
            simulated, key=lambda one: -_price_at(one.path, now) * one.profile.circulating
        )
        return [self._metadata(one, by_cap.index(one) + 1, now) for one in simulated]

    def _simulated(self, token: Token, now: datetime) -> _Simulated:
        if now < EPOCH + DAY:
            raise OutsideWindow(
                SIMULATED, f"the simulated market opened on {EPOCH:%Y-%m-%d}", EPOCH + DAY
            )
        key = (key_of(token), now.year)
        if key not in self._cache:
            profile = profile_of(token)
            path = TokenPath(self._seed, key[0], profile, now.year)
            digits = max(2, 6 - floor(log10(profile.price)))
            self._cache[key] = _Simulated(token, profile, path, digits)
        return self._cache[key]

    def _quote(self, simulated: _Simulated, now: datetime) -> Quote:
        day = _last_day(self._seed, key_of(simulated.token), simulated.profile, hour_of(now))
        price, day_before = float(day.minutes[now.minute]), float(day.minutes_before[now.minute])
        passed = now.minute / 60
        shares = np.concatenate([[1 - passed], np.ones(_DAY_HOURS - 1), [passed]])
        traded = float(np.sum(day.dollars * shares))
        return Quote(
            token_id=simulated.token.id,
            price=simulated.price(price),
            volume_24h=simulated.dollars(traded),
            market_cap=simulated.dollars(price * simulated.profile.circulating),
            change_24h=Decimal(f"{(price / day_before - 1) * 100:.6f}"),
            source=SIMULATED,
            observed_at=now.replace(second=0, microsecond=0),
        )

    def _at_venues(
        self, token: Token, quote: Quote, prices: Mapping[str, Decimal], now: datetime
    ) -> Iterator[VenueQuote]:
        minute = int(now.timestamp()) // 60
        chance = generator(self._seed, f"{key_of(token)}/venues", minute)
        noises = chance.normal(0, _VENUE_NOISE, len(_VENUES)).tolist()
        for (venue, currency, share), noise in zip(_VENUES, noises, strict=True):
            paid_in = currency if token.peg_usd is None and currency in prices else DOLLAR
            rate = prices[paid_in]
            price = _TWELVE_DIGITS.divide(quote.price * Decimal(f"{1 + noise:.8f}"), rate)
            traded = None if quote.volume_24h is None else quote.volume_24h * share / rate
            yield VenueQuote(
                asset=token.id,
                venue=venue,
                currency=paid_in,
                price=price,
                observed_at=quote.observed_at,
                bid=price * (1 - _HALF_SPREAD),
                ask=price * (1 + _HALF_SPREAD),
                volume=traded,
                change_24h=quote.change_24h,
                market_cap=quote.market_cap,
            )

    def _metadata(self, simulated: _Simulated, rank: int, now: datetime) -> Metadata:
        bars = simulated.path.bars(0, hour_of(now))
        highest, lowest = int(bars.high.argmax()), int(bars.low.argmin())
        cap = simulated.profile.supply_cap
        return Metadata(
            token_id=simulated.token.id,
            logo_url=None,
            market_cap_rank=rank,
            circulating_supply=simulated.units(simulated.profile.circulating),
            total_supply=simulated.units(cap or simulated.profile.circulating),
            max_supply=None if cap is None else simulated.units(cap),
            all_time_high=simulated.price(bars.high[highest]),
            all_time_high_at=EPOCH + highest * HOUR,
            all_time_low=simulated.price(bars.low[lowest]),
            all_time_low_at=EPOCH + lowest * HOUR,
            source=SIMULATED,
            observed_at=now,
        )


@lru_cache(maxsize=256)
def _last_day(seed: int, key: str, profile: Profile, hour: int) -> _Day:
    """The day to the end of an hour, kept by the process.

    Who asks each minute opens a market each time, and the whole path of each token would be made anew for it.
    """
    path = TokenPath(seed, key, profile, year_of(hour))
    bars = path.bars(hour - _DAY_HOURS, hour + 1)
    return _Day(path.minutes(hour), path.minutes(hour - _DAY_HOURS), bars.volume * bars.open)


def _finished(
    simulated: _Simulated, interval: Interval, first: int, bars: Bars, now: datetime
) -> Iterator[Candle]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    opened_at = EPOCH + first * HOUR
    for row in rows:
        yield _candle(simulated, interval, opened_at, row, is_final=True, now=now)
        opened_at += interval.duration


def _running(simulated: _Simulated, interval: Interval, first: int, now: datetime) -> Candle:
    """The candle that `now` lies in, from what has passed of it."""
    hour = hour_of(now)
    passed = now.minute
    minutes = simulated.path.minutes(hour)[: passed + 1]
    whole = simulated.path.bars(hour, hour + 1)
    row = [
        float(minutes[0]),
        float(minutes.max()),
        float(minutes.min()),
        float(minutes[-1]),
        float(whole.volume[0]) * passed / 60,
    ]
    if first < hour:
        before = simulated.path.bars(first, hour)
        row[0] = float(before.open[0])
        row[1] = max(row[1], float(before.high.max()))
        row[2] = min(row[2], float(before.low.min()))
        row[4] += float(before.volume.sum())
    opened_at = EPOCH + first * HOUR
    return _candle(simulated, interval, opened_at, tuple(row), is_final=False, now=now)


def _candle(
    simulated: _Simulated,
    interval: Interval,
    opened_at: datetime,
    row: tuple[float, ...],
    *,
    is_final: bool,
    now: datetime,
) -> Candle:
    price = simulated.price
    return Candle(
        simulated.token.id,
        interval,
        opened_at,
        price(row[0]),
        price(row[1]),
        price(row[2]),
        price(row[3]),
        Decimal(f"{row[4]:.4f}"),
        SIMULATED,
        is_final,
        now,
    )


def _price_at(path: TokenPath, moment: datetime) -> float:
    return float(path.minutes(hour_of(moment))[moment.minute])


def _ceil(moment: datetime, step: int) -> int:
    """Number of the first span of `step` hours that opens at `moment` or after, in hours."""
    hours = -((EPOCH - moment) // HOUR)
    return -(-hours // step) * step

"""Prices and exchange rates of the past, from the database: final daily closes, and reference rates."""

from bisect import bisect_left, bisect_right
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.market import tokens
from coinsphere.portfolio.model import EXACT

_CLOSES = """
    select (opened_at at time zone 'UTC')::date, close
    from market.price_data
    where token_id = %(token_id)s and interval = '1d' and is_final
    order by opened_at
"""
_RATES = """
    select day, per_euro from market.exchange_rates where currency = %(currency)s order by day
"""
_QUOTE = "select price from market.quotes where token_id = %(token_id)s and quality = 'ok'"
_ONE = Decimal(1)
_RATE_UNIT = Decimal(1).scaleb(-30)
_MOST_SERIES = 400
"""Series kept in memory, about half a megabyte each for twelve years."""


class Series(NamedTuple):
    """Values by day, ascending; a day without one has the last before it."""

    days: list[date]
    values: list[Decimal]

    def on(self, day: date) -> Decimal | None:
        """The value of `day`, or the last before it; None where there is none."""
        place = bisect_right(self.days, day)
        return self.values[place - 1] if place else None


class StoredMarket:
    """What the database knows of the past, each series read once. Serves one transaction or a few; then make another."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._closes: dict[UUID, Series] = {}
        self._rates: dict[str, Series] = {}
        self._token_ids: dict[str, UUID | None] = {}

    def close(self, token_id: UUID, day: date) -> Decimal | None:
        """US dollars for one unit at the last final close on or before `day`."""
        series = self._closes.get(token_id)
        if series is None:
            if len(self._closes) >= _MOST_SERIES:
                self._closes.clear()
            series = self._closes[token_id] = self._read(_CLOSES, {"token_id": token_id})
        return series.on(day)

    def closes(self, token_id: UUID, first: date, last: date) -> list[tuple[date, Decimal]]:
        """The days from `first` to `last` that have a close of their own, with it."""
        self.close(token_id, last)
        series = self._closes[token_id]
        start, end = bisect_left(series.days, first), bisect_right(series.days, last)
        return list(zip(series.days[start:end], series.values[start:end], strict=True))

    def per_dollar(self, currency: str, day: date) -> Decimal | None:
        """Units of `currency`, an ISO code or a token's symbol, for one US dollar on `day` or the last day before."""
        if currency == "USD":
            return _ONE
        rate = self._fiat(currency, day)
        if rate is not None:
            return rate
        token_id = self._token_id(currency)
        close = None if token_id is None else self.close(token_id, day)
        return None if close is None else _ratio(_ONE, close)

    def now_per_dollar(self, currency: str, today: date) -> Decimal | None:
        """Units of `currency` for one US dollar now: a token by its quote, a currency by its newest rate."""
        if currency == "USD":
            return _ONE
        rate = self._fiat(currency, today)
        if rate is not None:
            return rate
        token_id = self._token_id(currency)
        row = self._conn.execute(_QUOTE, {"token_id": token_id}).fetchone()
        return None if row is None else _ratio(_ONE, row[0])

    def _fiat(self, currency: str, day: date) -> Decimal | None:
        dollars = self._per_euro("USD").on(day)
        units = _ONE if currency == "EUR" else self._per_euro(currency).on(day)
        return None if dollars is None or units is None else _ratio(units, dollars)

    def _per_euro(self, currency: str) -> Series:
        series = self._rates.get(currency)
        if series is None:
            series = self._rates[currency] = self._read(_RATES, {"currency": currency})
        return series

    def _token_id(self, symbol: str) -> UUID | None:
        if symbol not in self._token_ids:
            try:
                self._token_ids[symbol] = tokens.by_symbol(self._conn, symbol).id
            except LookupError:
                self._token_ids[symbol] = None
        return self._token_ids[symbol]

    def _read(self, statement: str, parameters: dict[str, object]) -> Series:
        rows = self._conn.execute(statement, parameters).fetchall()
        return Series([day for day, _ in rows], [value for _, value in rows])


def _ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    with localcontext(EXACT):
        return (numerator / denominator).quantize(_RATE_UNIT)

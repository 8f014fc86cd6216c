"""Prices and exchange rates of the past, from the database: final daily closes, and reference rates."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.market import prices
from coinsphere.market.reference import tokens
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.valuation import daily_series
from coinsphere.portfolio.valuation.daily_series import Series

# A token's closes as two texts, which list the same rows in the same order: a row a close takes PostgreSQL, and Python,
# three times as long. An order is left to who reads them, as the server would sort for each of the two.
_CLOSES = """
    select token_id, string_agg((day - date '0001-01-01' + 1)::text, ' '), string_agg(close::text, ' ')
    from (
        select token_id, (opened_at at time zone 'UTC')::date as day, close
        from market.price_data
        where token_id = any(%(token_ids)s) and interval = '1d' and is_final
            and quality <> 'suspect' and opened_at >= %(since)s::date::timestamp at time zone 'UTC'
    ) as closes
    group by token_id
"""
_LAST_BEFORE = """
    select wanted.token_id, (last.day - date '0001-01-01' + 1)::text, last.close::text
    from unnest(%(token_ids)s::uuid[]) as wanted (token_id)
    cross join lateral (
        select (d.opened_at at time zone 'UTC')::date as day, d.close
        from market.price_data d
        where d.token_id = wanted.token_id and d.interval = '1d' and d.is_final
            and d.quality <> 'suspect' and d.opened_at < %(since)s::date::timestamp at time zone 'UTC'
        order by d.opened_at desc
        limit 1
    ) last
"""
# Until a token has a close of its own, its closes are those of the token that became it, in its unit of then. Of several
# that did it is the latest, as in market.price_line; of those of one instant, the first that was recorded.
_CLOSES_BEFORE = """
    select e.successor_id, string_agg(((p.opened_at at time zone 'UTC')::date - date '0001-01-01' + 1)::text, ' '),
        string_agg(round(p.close * e.old_units / e.new_units, 18)::numeric(38, 18)::text, ' ')
    from market.asset_events e
    join market.price_data p on p.token_id = e.token_id and p.interval = '1d' and p.is_final and p.quality <> 'suspect'
    where e.successor_id = any(%(token_ids)s) and e.kind in ('rename', 'swap')
        and e.recorded_at <= %(as_of)s and (e.removed_at is null or e.removed_at > %(as_of)s)
        and e.happened_at <= least(clock_timestamp(), %(as_of)s::timestamptz) and round(p.close * e.old_units / e.new_units, 18) between 1e-18 and 1e19
        and p.opened_at < coalesce((
            select min(own.opened_at) from market.price_data own
            where own.token_id = e.successor_id and own.interval = '1d' and own.is_final and own.quality <> 'suspect'
        ), 'infinity')
        and not exists (
            select from market.asset_events other
            where other.successor_id = e.successor_id and other.kind in ('rename', 'swap')
                and other.recorded_at <= %(as_of)s and (other.removed_at is null or other.removed_at > %(as_of)s)
                and (other.happened_at > e.happened_at
                    or other.happened_at = e.happened_at and (other.recorded_at, other.id) < (e.recorded_at, e.id))
        )
    group by e.successor_id
"""
_RATES = """
    select coalesce(string_agg((day - date '0001-01-01' + 1)::text, ' '), ''),
        coalesce(string_agg(per_euro::text, ' '), '')
    from market.rates_known(%(currency)s, %(as_of)s)
"""
_NEWEST_RATES = """
    select wanted.currency, newest.per_euro
    from unnest(%(currencies)s::text[]) as wanted (currency)
    cross join lateral (
        select r.per_euro
        from market.exchange_rates r
        where r.currency = wanted.currency and r.day <= %(today)s
        order by r.day desc
        limit 1
    ) newest
"""
# The same of what was known at a past instant.
_KNOWN: LiteralString = """
    with known as materialized (
        select c.*, true as is_final
        from (
            select unnest(%(token_ids)s::uuid[]) as id
            union
            select token_id from market.asset_events where successor_id = any(%(token_ids)s)
        ) wanted
        cross join lateral market.candles_known(wanted.id, %(as_of)s) c
        where c.interval = '1d'
    )
"""


def _as_known(statement: LiteralString) -> LiteralString:
    return _KNOWN + statement.replace("market.price_data", "known")


_CLOSES_KNOWN = _as_known(_CLOSES)
_LAST_BEFORE_KNOWN = _as_known(_LAST_BEFORE)
_CLOSES_BEFORE_KNOWN = _as_known(_CLOSES_BEFORE)
_NEWEST_RATES_KNOWN = _NEWEST_RATES.replace(
    "market.exchange_rates r", "market.rates_known(wanted.currency, %(as_of)s) r"
)
_QUOTE = "select price from market.quotes where token_id = %(token_id)s and quality = 'ok'"
_ONE = Decimal(1)
_RATE_UNIT = Decimal(1).scaleb(-30)
_MOST_SERIES = 400
"""Series kept in memory, about 200 kB each for twelve years."""
_AT_ONCE = 50
"""Series read by one statement: planning it takes tens of milliseconds where prices have many partitions."""
_REACH = 45
"""Days before the first one wanted in which the close before it is looked for; else all partitions are asked."""


class _Closes(NamedTuple):
    since: int
    """The first day that is known, as an ordinal; the series begins with the last close on or before it."""
    series: Series


class StoredMarket:
    """The prices and rates of the past in the database, each series read once. Use it for one transaction or a few.

    Args:
        conn: a connection.
        as_of: only what was known then counts, as it was believed; None for what is known now.
    """

    def __init__(self, conn: Connection, as_of: datetime | None = None) -> None:
        self._conn = conn
        self._as_of = as_of
        self._closes: dict[UUID, _Closes] = {}
        self._rates: dict[str, Series] = {}
        self._dollars: dict[tuple[str, date], Decimal | None] = {}
        self._token_ids: dict[str, UUID | None] = {}

    def prepare(self, token_ids: Iterable[UUID], since: date) -> None:
        """Read the closes of these tokens from `since` on by one statement, before they are asked for one by one."""
        first = since.toordinal()
        wanted = [
            token_id
            for token_id in token_ids
            if token_id not in self._closes or self._closes[token_id].since > first
        ]
        # Of more than are kept, those behind are read one by one, when they are asked for.
        for at in range(0, min(len(wanted), _MOST_SERIES), _AT_ONCE):
            self._read_closes(wanted[at : at + _AT_ONCE], first)

    def closes_since(self, token_id: UUID, since: date) -> Series:
        """The final closes from `since` on, in US dollars for one unit, and the last one before where `since` has none."""
        known = self._closes.get(token_id)
        if known is None or known.since > since.toordinal():
            # Who goes back a second time may do so again.
            self._read_closes([token_id], since.toordinal() if known is None else 1)
        return self._closes[token_id].series

    def close(self, token_id: UUID, day: date) -> Decimal | None:
        """US dollars for one unit at the last final close on or before `day`."""
        return self.closes_since(token_id, day).on(day)

    def closes(self, token_id: UUID, first: date, last: date) -> list[tuple[date, Decimal]]:
        """The days from `first` to `last` that have a close of their own, with it."""
        return self.closes_since(token_id, first).between(first, last)

    def per_dollar(self, currency: str, day: date) -> Decimal | None:
        """Units of `currency`, an ISO code or a token's symbol, for one US dollar on `day` or the last day before."""
        if currency == "USD":
            return _ONE
        # A report asks for the same day of each of its transactions.
        key = (currency, day)
        if key not in self._dollars:
            self._dollars[key] = self._rate(currency, day)
        return self._dollars[key]

    def _rate(self, currency: str, day: date) -> Decimal | None:
        rate = _per_dollar(self._per_euro(currency, day), self._per_euro("USD", day))
        if rate is not None:
            return rate
        token_id = self._token_id(currency)
        close = None if token_id is None else self.close(token_id, day)
        return None if close is None else _ratio(_ONE, close)

    def rate_day(self, currency: str, day: date) -> date | None:
        """The day that the rate of `per_dollar` is of; None where there is none."""
        if currency == "USD":
            return day
        dollars = self._rates_of("USD").day_on(day)
        if currency == "EUR" and dollars is not None:
            return dollars
        units = self._rates_of(currency).day_on(day)
        if units is not None and dollars is not None:
            return min(units, dollars)
        token_id = self._token_id(currency)
        return None if token_id is None else self.closes_since(token_id, day).day_on(day)

    def now_per_dollar(self, currency: str, today: date) -> Decimal | None:
        """Units of `currency` for one US dollar now: a token by its quote, or last close, a currency by its newest rate."""
        if currency == "USD":
            return _ONE
        parameters = self._moment() | {"currencies": [currency, "USD"], "today": today}
        statement = _NEWEST_RATES if self._as_of is None else _NEWEST_RATES_KNOWN
        newest = {"EUR": _ONE, **dict(self._conn.execute(statement, parameters).fetchall())}
        rate = _per_dollar(newest.get(currency), newest.get("USD"))
        if rate is not None:
            return rate
        token_id = self._token_id(currency)
        if token_id is None:
            return None
        price = self._price(token_id, today)
        return None if price is None else _ratio(_ONE, price)

    def _price(self, token_id: UUID, today: date) -> Decimal | None:
        if self._as_of is not None:
            known = prices.at(self._conn, token_id, self._as_of, self._as_of)
            return None if known is None else known.price
        row = self._conn.execute(_QUOTE, {"token_id": token_id}).fetchone()
        return self.close(token_id, today) if row is None else row[0]

    def _moment(self) -> dict[str, object]:
        return {"as_of": "infinity" if self._as_of is None else self._as_of}

    def _per_euro(self, currency: str, day: date) -> Decimal | None:
        return _ONE if currency == "EUR" else self._rates_of(currency).on(day)

    def _rates_of(self, currency: str) -> Series:
        series = self._rates.get(currency)
        if series is None:
            row = self._conn.execute(_RATES, self._moment() | {"currency": currency}).fetchone()
            assert row is not None
            series = self._rates[currency] = Series.read(*row)
        return series

    def _token_id(self, symbol: str) -> UUID | None:
        if symbol not in self._token_ids:
            try:
                self._token_ids[symbol] = tokens.by_symbol(self._conn, symbol).id
            except LookupError:
                self._token_ids[symbol] = None
        return self._token_ids[symbol]

    def _read_closes(self, token_ids: Sequence[UUID], first: int) -> None:
        if len(self._closes) + len(token_ids) > _MOST_SERIES:
            self._closes.clear()
        since = date.fromordinal(max(first - _REACH, 1))
        parameters = self._moment() | {"token_ids": list(token_ids), "since": since}
        statement = _CLOSES if self._as_of is None else _CLOSES_KNOWN
        series = {
            token_id: Series.read(days, closes)
            for token_id, days, closes in self._conn.execute(statement, parameters)
        }
        late = [each for each in token_ids if each not in series or series[each].days[0] > first]
        if late and since > date.min:
            series |= self._with_last_before(late, since, series)
        if late:
            series |= self._with_closes_before(late, series)
        for token_id in token_ids:
            self._closes[token_id] = _Closes(first, series.get(token_id, daily_series.EMPTY))

    def _with_last_before(
        self, token_ids: Sequence[UUID], since: date, series: dict[UUID, Series]
    ) -> dict[UUID, Series]:
        """The series of those tokens that have a close before `since`, beginning with the last of them."""
        parameters = self._moment() | {"token_ids": list(token_ids), "since": since}
        statement = _LAST_BEFORE if self._as_of is None else _LAST_BEFORE_KNOWN
        return {
            token_id: Series.read(day, close).followed_by(series.get(token_id, daily_series.EMPTY))
            for token_id, day, close in self._conn.execute(statement, parameters)
        }

    def _with_closes_before(
        self, token_ids: Sequence[UUID], series: dict[UUID, Series]
    ) -> dict[UUID, Series]:
        """The series of those tokens that were another one before, beginning with the first close of that."""
        statement = _CLOSES_BEFORE if self._as_of is None else _CLOSES_BEFORE_KNOWN
        rows = self._conn.execute(statement, self._moment() | {"token_ids": list(token_ids)})
        return {
            token_id: Series.read(days, closes).followed_by(
                series.get(token_id, daily_series.EMPTY)
            )
            for token_id, days, closes in rows
        }


def _per_dollar(per_euro: Decimal | None, dollars: Decimal | None) -> Decimal | None:
    return None if per_euro is None or dollars is None else _ratio(per_euro, dollars)


def _ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    with localcontext(EXACT):
        return (numerator / denominator).quantize(_RATE_UNIT)

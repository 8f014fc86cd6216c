"""A portfolio's daily values as known at a past instant; computed, not stored."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from uuid import UUID

import numpy as np
from psycopg import Connection

from coinsphere.portfolio.lots import books_known
from coinsphere.portfolio.lots.book_records import BookRecords
from coinsphere.portfolio.model import EXACT, Flow, LotUse, Position
from coinsphere.portfolio.valuation import daily_series, daily_values
from coinsphere.portfolio.valuation.daily_series import Units
from coinsphere.portfolio.valuation.daily_totals import DailyTotals, FlowSeries, PositionSeries
from coinsphere.portfolio.valuation.daily_values import ValueOfDay
from coinsphere.portfolio.valuation.stored_market import StoredMarket


@dataclass(slots=True)
class Known:
    """A portfolio's closed days, its uses of lots, and its last position of each token."""

    days: list[ValueOfDay]
    uses: list[LotUse]
    held: dict[UUID, Position]


@dataclass(slots=True)
class _Books:
    positions: dict[UUID, list[Position]] = field(default_factory=dict)
    flows: dict[UUID, list[Flow]] = field(default_factory=dict)
    uses: list[LotUse] = field(default_factory=list)

    def add(self, token_id: UUID, book: BookRecords, portfolio_id: UUID) -> None:
        """Take of a token's book what is of one portfolio."""
        self.positions[token_id] = [p for p in book.positions if p.portfolio_id == portfolio_id]
        self.flows[token_id] = [flow for flow in book.flows if flow.portfolio_id == portfolio_id]
        self.uses += [use for use in book.uses if use.portfolio_id == portfolio_id]

    def last(self) -> dict[UUID, Position]:
        """The last position of each token."""
        return {token_id: rows[-1] for token_id, rows in self.positions.items() if rows}

    def first_day(self) -> date | None:
        """The day of the first change."""
        positions = [p.day for ps in self.positions.values() for p in ps]
        flows = [flow.day for fs in self.flows.values() for flow in fs]
        return min(positions + flows, default=None)


def values(  # noqa: PLR0917 - whose, what, and when
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    currency: str,
    as_of: datetime,
    now: datetime,
) -> Known:
    """The portfolio by the facts, events, closes and rates that were known then.

    Args:
        conn: within a transaction.
        user_id: whose it is.
        portfolio_id: which; all of the user's facts are booked, as lots move between portfolios.
        currency: the portfolio's own.
        as_of: the moment.
        now: the present; the last closed day of the earlier of both is the last of the days.
    """
    market = StoredMarket(conn, as_of)
    books = _booked(conn, user_id, portfolio_id, as_of, market)
    first, moment = books.first_day(), min(as_of, now)
    with localcontext(EXACT):
        if first is None or first >= moment.date():
            return Known([], books.uses, books.last())
        totals = _totals(books, market, first, moment.date() - timedelta(days=1))
        days = daily_values.valued(totals.days(), currency, market, (None, None))
        return Known(list(days), books.uses, books.last())


def held(conn: Connection, user_id: UUID, as_of: datetime) -> dict[UUID, dict[UUID, Position]]:
    """The portfolio's last position of each token as `values` gives it, without its days."""
    last: dict[UUID, dict[UUID, Position]] = defaultdict(dict)
    for token_id, made in _of_user(conn, user_id, as_of, StoredMarket(conn, as_of)):
        for position in made.positions:
            last[position.portfolio_id][token_id] = position
    return last


def _booked(
    conn: Connection, user_id: UUID, portfolio_id: UUID, as_of: datetime, market: StoredMarket
) -> _Books:
    books = _Books()
    for token_id, book in _of_user(conn, user_id, as_of, market):
        books.add(token_id, book, portfolio_id)
    return books


def _of_user(
    conn: Connection, user_id: UUID, as_of: datetime, market: StoredMarket
) -> Iterator[tuple[UUID, BookRecords]]:
    token_ids = books_known.tokens(conn, user_id, as_of)
    return books_known.books(conn, user_id, token_ids, as_of, market)


def _totals(books: _Books, market: StoredMarket, first: date, last: date) -> DailyTotals:
    market.prepare(books.positions, first)
    sums = DailyTotals(first, last)
    for token_id, positions in books.positions.items():
        flows = [flow for flow in books.flows[token_id] if flow.day <= last]
        sums.add(market.closes_since(token_id, first), _positions(positions), _flows(flows))
    return sums


def _positions(rows: Sequence[Position]) -> PositionSeries | None:
    if not rows:
        return None
    return PositionSeries(
        _ordinals(rows),
        _units([row.amount for row in rows]),
        _units([row.cost for row in rows]),
        _units([row.uncosted for row in rows]),
    )


def _flows(rows: Sequence[Flow]) -> FlowSeries | None:
    if not rows:
        return None
    return FlowSeries(
        _ordinals(rows),
        _units([row.money_in for row in rows]),
        _units([row.money_out for row in rows]),
        _units([row.amount_in for row in rows]),
        _units([row.amount_out for row in rows]),
        _units([row.swap_in - row.swap_out for row in rows]),
    )


def _ordinals(rows: Sequence[Position] | Sequence[Flow]) -> daily_series.Days:
    return np.array([row.day.toordinal() for row in rows], dtype=np.int64)


def _units(numbers: Sequence[Decimal]) -> Units:
    return np.array([daily_series.units(number) for number in numbers], dtype=object)

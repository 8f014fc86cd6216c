"""Present holdings valued at current quotes, by one query that computes nothing from history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor

from coinsphere.db.rows import tuples
from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.valuation.daily_growth import percentage
from coinsphere.portfolio.valuation.stored_market import StoredMarket

# Costs are of the ledger; an account's balance that was only looked up has none.
_HELD = """
    select
        h.id, h.portfolio_id, h.amount, h.average_buy_price, h.source,
        t.id as token_id, t.symbol, t.name, t.logo_url,
        q.price, q.source as price_source, q.observed_at as price_updated_at, q.change_24h as price_change_24h,
        case when h.source = 'ledger' then p.cost end as cost,
        case when h.source = 'ledger' then p.uncosted else h.amount end as uncosted,
        h.created_at, h.updated_at, t.is_active as is_listed
    from app.holdings h
    join app.portfolios on portfolios.id = h.portfolio_id
    join market.tokens t on t.id = h.token_id
    left join market.quotes q on q.token_id = h.token_id and q.quality = 'ok'
    left join app.positions p
        on p.portfolio_id = h.portfolio_id and p.token_id = h.token_id and p.until_day = 'infinity'
    where portfolios.user_id = %(user_id)s and h.amount > 0
"""
_ONE_PORTFOLIO = " and h.portfolio_id = %(portfolio_id)s"
_ONE_HOLDING = " and h.id = %(holding_id)s"
_IN_ORDER = " order by t.symbol, h.source, h.id"


# A token without a quote has its last final close. Asked for such tokens only, as it asks every partition of prices.
_LAST_CLOSES = """
    select wanted.token_id, last.close, last.source, last.opened_at + interval '1 day'
    from unnest(%(token_ids)s::uuid[]) as wanted (token_id)
    cross join lateral (
        select d.close, d.source, d.opened_at
        from market.price_data d
        where d.token_id = wanted.token_id and d.interval = '1d' and d.is_final and d.quality <> 'suspect'
        order by d.opened_at desc
        limit 1
    ) last
"""


# Both are tuples: a portfolio makes many of them, and a frozen dataclass of so many fields takes six times as long.
class Row(NamedTuple):
    """A holding from the database; prices in US dollars, cost in the portfolio's currency.

    One of the past is computed: it has no id, and nobody made or changed it.
    """

    id: UUID | None
    portfolio_id: UUID
    amount: Decimal
    average_buy_price: Decimal | None
    source: str
    token_id: UUID
    symbol: str
    name: str
    logo_url: str | None
    price: Decimal | None
    price_source: str | None
    price_updated_at: datetime | None
    price_change_24h: Decimal | None
    cost: Decimal | None
    uncosted: Decimal
    created_at: datetime | None
    updated_at: datetime | None
    is_listed: bool = True
    """Whether its token is traded."""


class Holding(NamedTuple):
    """A holding in the portfolio's currency; None where a price, a rate or a cost is unknown."""

    row: Row
    current_value: Decimal | None
    cost_basis: Decimal | None
    profit_loss: Decimal | None
    profit_loss_percentage: Decimal | None
    change_24h: Decimal | None
    is_stale: bool
    missing_rate: str | None = None
    """The currency for want of whose exchange rate it has no value."""

    @property
    def is_delisted(self) -> bool:
        """Whether it is valued at the last price of a token that is no longer traded: it is shown, and in no sum."""
        return self.current_value is not None and not self.row.is_listed

    @property
    def no_percentage(self) -> str | None:
        """The reason why it has no profit or loss in percent."""
        if self.profit_loss_percentage is not None:
            return None
        if self.row.price is None:
            return "it has no price"
        if self.missing_rate is not None:
            return f"there is no exchange rate of {self.missing_rate}"
        if self.cost_basis is None:
            return "what it cost is not known"
        return _no_percentage_of(self.cost_basis)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over what is known; `unpriced`, `stale`, `uncosted` and `missing_rates` name what they leave out.

    `gain_cost` is the cost of what has a profit or loss, `changed_value` the value of what has a change.
    """

    total_value: Decimal | None
    total_cost: Decimal | None
    profit_loss: Decimal | None
    profit_loss_percentage: Decimal | None
    change_24h: Decimal | None
    change_percent_24h: Decimal | None
    holdings_count: int
    asset_count: int
    unpriced: list[str]
    stale: list[str]
    uncosted: list[str]
    missing_rates: list[str]
    gain_cost: Decimal
    changed_value: Decimal

    @property
    def no_percentage(self) -> str | None:
        """The reason why there is no profit or loss in percent."""
        if self.profit_loss_percentage is not None:
            return None
        if not self.holdings_count:
            return "nothing is held"
        if self.profit_loss is None:
            return "of nothing that is held and traded both a price and a cost are known"
        return _no_percentage_of(self.gain_cost)


def _no_percentage_of(cost: Decimal) -> str:
    return "it cost nothing" if cost <= 0 else "it cost so little that the figure is out of range"


def holdings(
    conn: Connection,
    user_id: UUID,
    currencies: dict[UUID, str],
    now: datetime,
    stale_after: timedelta,
    *,
    holding_id: UUID | None = None,
) -> dict[UUID, list[Holding]]:
    """The holdings of each portfolio in `currencies`.

    Args:
        conn: a connection.
        user_id: whose portfolios they are.
        currencies: the currency of each portfolio that is asked for.
        now: the present instant.
        stale_after: a price older than this is marked.
        holding_id: of one holding only.
    """
    only = next(iter(currencies)) if len(currencies) == 1 else None
    quoted = ask(conn, user_id, only, holding_id).fetchall()
    return valued(conn, quoted, currencies, now, stale_after)


def ask(
    conn: Connection, user_id: UUID, portfolio_id: UUID | None, holding_id: UUID | None = None
) -> Cursor[Row]:
    """Sends the statement for the holdings of one or all portfolios; in a pipeline, without waiting for the answer."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "holding_id": holding_id}
    wanted = _HELD
    wanted += _ONE_PORTFOLIO if portfolio_id is not None else ""
    wanted += _ONE_HOLDING if holding_id is not None else ""
    # To plan it takes PostgreSQL three times as long as to run it, so a portfolio's plan is kept. One kept for all portfolios took
    # 500 ms of CPU for 250 tokens where it was made for 20.
    prepare = None if portfolio_id is not None else False
    cursor = conn.cursor(row_factory=tuples(Row))
    return cursor.execute(wanted + _IN_ORDER, parameters, prepare=prepare)


def valued(
    conn: Connection,
    quoted_rows: Sequence[Row],
    currencies: dict[UUID, str],
    now: datetime,
    stale_after: timedelta,
    *,
    as_of: datetime | None = None,
) -> dict[UUID, list[Holding]]:
    """Value the rows of `ask` in the portfolios' currencies; arguments as of `holdings`.

    With `as_of` the rows are those of `holdings_known`, which have the prices that were known by then, and rates are, too.
    """
    rows = _with_last_closes(conn, quoted_rows) if as_of is None else quoted_rows
    rates = _rates(StoredMarket(conn, as_of), set(currencies.values()), now.date())
    by_portfolio: dict[UUID, list[Row]] = {portfolio_id: [] for portfolio_id in currencies}
    for row in rows:
        if row.portfolio_id in by_portfolio:
            by_portfolio[row.portfolio_id].append(row)
    with localcontext(EXACT):
        return {
            portfolio_id: [
                _valued(row, currency, rates[currency], is_stale=_is_stale(row, now, stale_after))
                for row in by_portfolio[portfolio_id]
            ]
            for portfolio_id, currency in currencies.items()
        }


def _with_last_closes(conn: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    unquoted = sorted({row.token_id for row in rows if row.price is None})
    if not unquoted:
        return rows
    last_closes = {
        token_id: {"price": close, "price_source": source, "price_updated_at": known_at}
        for token_id, close, source, known_at in conn.execute(_LAST_CLOSES, {"token_ids": unquoted})
    }
    return [
        row._replace(**last_closes.get(row.token_id, {})) if row.price is None else row
        for row in rows
    ]


def totals(holdings: Sequence[Holding]) -> Totals:
    """Sums over a portfolio's holdings. Delisted ones count in the cost, but not in value, gain and change."""
    with localcontext(EXACT):
        traded = [holding for holding in holdings if not holding.is_delisted]
        priced = [holding for holding in traded if holding.current_value is not None]
        gains = [holding for holding in traded if holding.profit_loss is not None]
        changes = [holding for holding in traded if holding.change_24h is not None]
        value = _sum([holding.current_value for holding in priced])
        profit = _sum([holding.profit_loss for holding in gains])
        change = _sum([holding.change_24h for holding in changes])
        changed = _sum([holding.current_value for holding in changes])
        costs = [holding.cost_basis for holding in holdings if holding.cost_basis is not None]
        gain_cost = _sum([holding.cost_basis for holding in gains])
        return Totals(
            total_value=value if priced or not holdings else None,
            total_cost=_sum(costs) if costs or not holdings else None,
            profit_loss=profit if gains or not holdings else None,
            profit_loss_percentage=percentage(profit, gain_cost),
            change_24h=change if changes else None,
            change_percent_24h=percentage(change, changed - change),
            holdings_count=len(holdings),
            asset_count=len({holding.row.token_id for holding in holdings}),
            gain_cost=gain_cost,
            changed_value=changed,
            **_gaps(holdings),
        )


def _gaps(holdings: Sequence[Holding]) -> dict[str, list[str]]:
    """The symbols and currencies missing from the sums, by the field of `Totals` that lists them."""
    return {
        "unpriced": _symbols(holding.row for holding in holdings if holding.row.price is None),
        "stale": _symbols(holding.row for holding in holdings if holding.is_delisted),
        "uncosted": _symbols(holding.row for holding in holdings if _cost(holding.row) is None),
        "missing_rates": sorted({each.missing_rate for each in holdings if each.missing_rate}),
    }


def weights(holdings: Sequence[Holding]) -> dict[UUID, Decimal]:
    """The value of each token that is traded and has a price."""
    worth: dict[UUID, Decimal] = defaultdict(Decimal)
    with localcontext(EXACT):
        for holding in holdings:
            if holding.current_value is not None and not holding.is_delisted:
                worth[holding.row.token_id] += holding.current_value
    return dict(worth)


def _rates(market: StoredMarket, currencies: set[str], today: date) -> dict[str, Decimal | None]:
    return {currency: market.now_per_dollar(currency, today) for currency in currencies}


def _is_stale(row: Row, now: datetime, stale_after: timedelta) -> bool:
    # Not `now - stale_after`: the first moments that can be asked for have nothing before them.
    return row.price_updated_at is None or now - row.price_updated_at > stale_after


def _cost(row: Row) -> Decimal | None:
    """In the portfolio's currency; a rate that is missing takes nothing from it."""
    return None if row.uncosted else row.cost


def _valued(row: Row, currency: str, rate: Decimal | None, *, is_stale: bool) -> Holding:
    value = None
    if row.price is not None and rate is not None:
        value = (row.amount * row.price * rate).quantize(UNIT)
    cost = _cost(row)
    profit = None if value is None or cost is None else value - cost
    return Holding(
        row=row,
        current_value=value,
        cost_basis=cost,
        profit_loss=profit,
        profit_loss_percentage=percentage(profit, cost),
        change_24h=_change(value, row.price_change_24h),
        is_stale=is_stale,
        missing_rate=currency if rate is None else None,
    )


def _change(value: Decimal | None, percent: Decimal | None) -> Decimal | None:
    """The change of a value over 24 hours, from its change in percent; None for a fall by all of it."""
    if value is None or percent is None or percent <= -100:  # noqa: PLR2004 - all of it
        return None
    return (value - value / (1 + percent / 100)).quantize(UNIT)


def _symbols(rows: Iterable[Row]) -> list[str]:
    return sorted({row.symbol for row in rows})


def _sum(numbers: Iterable[Decimal | None]) -> Decimal:
    return sum(filter(None, numbers), ZERO)

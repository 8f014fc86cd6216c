"""What is held now at the current quotes: one query, nothing computed from history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import class_row

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
        and (%(portfolio_id)s::uuid is null or h.portfolio_id = %(portfolio_id)s)
        and (%(holding_id)s::uuid is null or h.id = %(holding_id)s)
    order by t.symbol, h.source, h.id
"""


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


@dataclass(frozen=True, slots=True)
class Row:
    """A holding as the database gives it; prices in US dollars, cost in the portfolio's currency."""

    id: UUID
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
    created_at: datetime
    updated_at: datetime
    is_listed: bool = True
    """Whether its token is traded."""


@dataclass(frozen=True, slots=True)
class Holding:
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
        """Whether its value is that of a last price at which nobody trades any more: it is shown, and in no sum."""
        return self.current_value is not None and not self.row.is_listed

    @property
    def no_percentage(self) -> str | None:
        """Why it has no profit or loss in percent."""
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
        """Why there is no profit or loss in percent."""
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
    """What the portfolios of `currencies` hold, by portfolio.

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
    """What a portfolio holds, or all of the user's do; in a pipeline nobody has waited for it yet."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "holding_id": holding_id}
    # Planned each time: a plan kept for all portfolios took 500 ms of CPU for 250 tokens where it was made for 20.
    return conn.cursor(row_factory=class_row(Row)).execute(_HELD, parameters, prepare=False)


def valued(
    conn: Connection,
    quoted: Sequence[Row],
    currencies: dict[UUID, str],
    now: datetime,
    stale_after: timedelta,
) -> dict[UUID, list[Holding]]:
    """What `ask` found, in the currencies of the portfolios; arguments as `holdings`."""
    rows = _with_last_closes(conn, quoted)
    rates = _rates(conn, set(currencies.values()), now.date())
    found: dict[UUID, list[Holding]] = {portfolio_id: [] for portfolio_id in currencies}
    with localcontext(EXACT):
        for row in rows:
            if row.portfolio_id in found:
                currency = currencies[row.portfolio_id]
                is_stale = row.price_updated_at is None or row.price_updated_at < now - stale_after
                found[row.portfolio_id].append(
                    _valued(row, currency, rates[currency], is_stale=is_stale)
                )
    return found


def _with_last_closes(conn: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    unquoted = sorted({row.token_id for row in rows if row.price is None})
    if not unquoted:
        return rows
    found = {
        token_id: {"price": close, "price_source": source, "price_updated_at": known_at}
        for token_id, close, source, known_at in conn.execute(_LAST_CLOSES, {"token_ids": unquoted})
    }
    return [
        replace(row, **found.get(row.token_id, {})) if row.price is None else row for row in rows
    ]


def totals(held: Sequence[Holding]) -> Totals:
    """The sums of a portfolio's holdings; what is delisted costs what it cost, and has no part in value, gain and change."""
    with localcontext(EXACT):
        traded = [each for each in held if not each.is_delisted]
        priced = [each for each in traded if each.current_value is not None]
        gains = [each for each in traded if each.profit_loss is not None]
        value = _sum(each.current_value for each in priced)
        profit = _sum(each.profit_loss for each in gains)
        change = _sum(each.change_24h for each in traded)
        changed = _sum(each.current_value for each in priced if each.change_24h is not None)
        costs = [each.cost_basis for each in held if each.cost_basis is not None]
        gain_cost = _sum(each.cost_basis for each in gains)
        return Totals(
            total_value=value if priced or not held else None,
            total_cost=_sum(costs) if costs or not held else None,
            profit_loss=profit if gains or not held else None,
            profit_loss_percentage=percentage(profit, gain_cost),
            change_24h=change if any(each.change_24h is not None for each in traded) else None,
            change_percent_24h=percentage(change, changed - change),
            holdings_count=len(held),
            asset_count=len({each.row.token_id for each in held}),
            unpriced=sorted({each.row.symbol for each in held if each.row.price is None}),
            stale=sorted({each.row.symbol for each in held if each.is_delisted}),
            uncosted=sorted({each.row.symbol for each in held if _cost(each.row) is None}),
            missing_rates=sorted({each.missing_rate for each in held if each.missing_rate}),
            gain_cost=gain_cost,
            changed_value=changed,
        )


def weights(held: Sequence[Holding]) -> dict[UUID, Decimal]:
    """What each token is worth, of those that are traded and have a price."""
    worth: dict[UUID, Decimal] = defaultdict(Decimal)
    with localcontext(EXACT):
        for each in held:
            if each.current_value is not None and not each.is_delisted:
                worth[each.row.token_id] += each.current_value
    return dict(worth)


def _rates(conn: Connection, currencies: set[str], today: date) -> dict[str, Decimal | None]:
    market = StoredMarket(conn)
    return {currency: market.now_per_dollar(currency, today) for currency in currencies}


def _cost(row: Row) -> Decimal | None:
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
    """By how much a value has changed over 24 hours, from its change in percent; None for a fall by all of it."""
    if value is None or percent is None or percent <= -100:  # noqa: PLR2004 - all of it
        return None
    return (value - value / (1 + percent / 100)).quantize(UNIT)


def _sum(numbers: Iterable[Decimal | None]) -> Decimal:
    return sum((number for number in numbers if number is not None), ZERO)

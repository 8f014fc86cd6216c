"""A portfolio's holdings as known at a past instant, at the prices known then; computed, not stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.clock import DAY
from coinsphere.market import prices
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Position
from coinsphere.portfolio.valuation.current_holdings import Row
from coinsphere.portfolio.valuation.daily_growth import percentage

# Whether a token was listed follows from its events as they were known; of one without any, from what it is now, unless what
# ended it came later.
_TOKENS: LiteralString = """
    select t.id, t.symbol, t.name, t.logo_url, coalesce(last.kind = 'relisting', t.is_active or exists (
        select from market.asset_events later
        where later.token_id = t.id and later.kind in ('delisting', 'swap', 'rename') and later.removed_at is null
            and (later.happened_at > %(moment)s or later.recorded_at > %(as_of)s)
    )) as is_listed
    from market.tokens t
    left join lateral (
        select e.kind from market.asset_events e
        where e.token_id = t.id and e.kind in ('delisting', 'relisting') and e.happened_at <= %(moment)s
            and e.recorded_at <= %(as_of)s and (e.removed_at is null or e.removed_at > %(as_of)s)
        order by e.happened_at desc, e.recorded_at desc
        limit 1
    ) last on true
    where t.id = any(%(token_ids)s)
    order by t.symbol, t.id
"""


@dataclass(frozen=True, slots=True)
class _Token:
    id: UUID
    symbol: str
    name: str
    logo_url: str | None
    is_listed: bool


def rows(
    conn: Connection, positions: Mapping[UUID, Position], moment: datetime, as_of: datetime
) -> list[Row]:
    """A portfolio's last positions by token as `current_holdings.valued` takes them; closed ones are left out.

    Args:
        conn: a connection.
        positions: as they were booked from what was known.
        moment: the instant of prices.
        as_of: the instant by which they, and events, had been recorded.
    """
    open_positions = {token_id: last for token_id, last in positions.items() if last.amount > 0}
    parameters = {"token_ids": list(open_positions), "moment": moment, "as_of": as_of}
    tokens = conn.cursor(row_factory=class_row(_Token)).execute(_TOKENS, parameters).fetchall()
    with localcontext(EXACT):
        return [_row(conn, token, open_positions[token.id], moment, as_of) for token in tokens]


def _row(
    conn: Connection, token: _Token, position: Position, moment: datetime, as_of: datetime
) -> Row:
    known = prices.at(conn, token.id, moment, as_of)
    price = None if known is None else known.price
    return Row(
        id=None,
        portfolio_id=position.portfolio_id,
        amount=position.amount,
        average_buy_price=None
        if position.uncosted
        else max((position.cost / position.amount).quantize(UNIT), ZERO),
        source="ledger",
        token_id=token.id,
        symbol=token.symbol,
        name=token.name,
        logo_url=token.logo_url,
        price=price,
        price_source=None if known is None else known.source,
        price_updated_at=None if known is None else known.agreed_at,
        price_change_24h=_change(conn, token.id, price, moment, as_of),
        cost=position.cost,
        uncosted=position.uncosted,
        created_at=None,
        updated_at=None,
        is_listed=token.is_listed,
    )


def _change(
    conn: Connection, token_id: UUID, price: Decimal | None, moment: datetime, as_of: datetime
) -> Decimal | None:
    """Percent over the 24 hours before; what venues told of it was no price of ours, and is not kept by moment."""
    before = prices.at(conn, token_id, moment - DAY, as_of)
    if price is None or before is None or before.price is None:
        return None
    return percentage(price - before.price, before.price)

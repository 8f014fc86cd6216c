"""Queries of the routes for wallets and DeFi, above `coinsphere.wallets` and `coinsphere.defi`."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.defi.repository import StoredPosition, Yield
from coinsphere.portfolio import invalidations, portfolios
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.wallets import booking
from coinsphere.wallets import repository as wallets
from coinsphere.wallets.repository import NewWallet, Wallet
from webapi.defi import net_worth
from webapi.services import services

_YIELDS_SHOWN = 5


def connect(conn: Connection, user_id: UUID, new: NewWallet, now: datetime) -> Wallet:
    """Store a wallet. One that moves to another portfolio takes its bookings out of the first.

    Raises:
        LookupError: the portfolio is not the user's.
    """
    invalidations.lock(conn, user_id)
    known = wallets.find(conn, user_id, new.blockchain, new.address)
    before = None if known is None else wallets.get(conn, user_id, known)
    connected = wallets.connect(conn, user_id, new)
    if before is not None and before.portfolio_id != connected.portfolio_id:
        booking.withdraw(conn, user_id, connected.id, now)
        wallets.unbook(conn, connected.id)
    return connected


def disconnect(conn: Connection, user_id: UUID, wallet_id: UUID, now: datetime) -> bool:
    """Delete a wallet with its bookings; False where there is none of that id."""
    invalidations.lock(conn, user_id)
    if wallets.get(conn, user_id, wallet_id) is None:
        return False
    booking.withdraw(conn, user_id, wallet_id, now)
    return wallets.delete(conn, user_id, wallet_id)


def protocols(conn: Connection) -> list[dict[str, object]]:
    """All protocols, each with its largest pools."""
    pools: dict[UUID, list[Yield]] = {}
    for pool in positions.yields(conn):
        pools.setdefault(pool.protocol_id, []).append(pool)
    return [
        {
            **{name: getattr(protocol, name) for name in protocol.__slots__},
            "yields": pools.get(protocol.id, [])[:_YIELDS_SHOWN],
        }
        for protocol in positions.protocols(conn)
    ]


def worth_of_portfolios(
    conn: Connection, user_id: UUID, wanted: Collection[UUID | None]
) -> list[dict[str, object]]:
    """The value of holdings and positions, and the net worth, of those portfolios of a user."""
    work = services()
    chosen = [
        portfolio for portfolio in portfolios.list_for(conn, user_id) if portfolio.id in wanted
    ]
    if not chosen:
        return []
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    currencies = {portfolio.id: portfolio.currency for portfolio in chosen}
    holdings = current_holdings.holdings(conn, user_id, currencies, work.clock(), stale_after)
    totals = [current_holdings.totals(holdings[portfolio.id]) for portfolio in chosen]
    worths = net_worth.beside(conn, positions.open_positions(conn, user_id), chosen, totals)
    return [
        {
            "portfolioId": portfolio.id,
            "name": portfolio.name,
            "currency": portfolio.currency,
            "holdingsValue": total.total_value,
            **worths[portfolio.id],
        }
        for portfolio, total in zip(chosen, totals, strict=True)
    ]


def shown(open_positions: Iterable[StoredPosition]) -> list[dict[str, object]]:
    """Positions in the form of the API's answers."""
    return [
        {
            **{name: getattr(position, name) for name in position.__slots__},
            "protocol": {
                "id": position.protocol_id,
                "slug": position.protocol_slug,
                "name": position.protocol_name,
                "category": position.protocol_category,
                "logo_url": position.protocol_logo_url,
            },
            "value": valuation.value(position),
        }
        for position in open_positions
    ]

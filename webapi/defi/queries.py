"""What the routes of wallets and DeFi do beside `coinsphere.wallets` and `coinsphere.defi`."""

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
    """Store a wallet; one that goes from one portfolio into another takes back what it told the first.

    Raises:
        LookupError: the portfolio is not the user's.
    """
    invalidations.lock(conn, user_id)
    known = wallets.find(conn, user_id, new.blockchain, new.address)
    before = None if known is None else wallets.get(conn, user_id, known)
    made = wallets.connect(conn, user_id, new)
    if before is not None and before.portfolio_id != made.portfolio_id:
        booking.withdraw(conn, user_id, made.id, now)
        wallets.unbook(conn, made.id)
    return made


def disconnect(conn: Connection, user_id: UUID, wallet_id: UUID, now: datetime) -> bool:
    """Forget a wallet and take back what it told a ledger; False where there is none of that id."""
    invalidations.lock(conn, user_id)
    if wallets.get(conn, user_id, wallet_id) is None:
        return False
    booking.withdraw(conn, user_id, wallet_id, now)
    return wallets.delete(conn, user_id, wallet_id)


def protocols(conn: Connection) -> list[dict[str, object]]:
    """All protocols, each with its largest pools."""
    pools: dict[UUID, list[Yield]] = {}
    for each in positions.yields(conn):
        pools.setdefault(each.protocol_id, []).append(each)
    return [
        {
            **{name: getattr(each, name) for name in each.__slots__},
            "yields": pools.get(each.id, [])[:_YIELDS_SHOWN],
        }
        for each in positions.protocols(conn)
    ]


def worth_of_portfolios(
    conn: Connection, user_id: UUID, wanted: Collection[UUID | None]
) -> list[dict[str, object]]:
    """Holdings, positions and net worth of those portfolios of a user."""
    work = services()
    found = [each for each in portfolios.list_for(conn, user_id) if each.id in wanted]
    if not found:
        return []
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    currencies = {each.id: each.currency for each in found}
    held = current_holdings.holdings(conn, user_id, currencies, work.clock(), stale_after)
    sums = [current_holdings.totals(held[each.id]) for each in found]
    worths = net_worth.beside(conn, positions.open_positions(conn, user_id), found, sums)
    return [
        {
            "portfolioId": each.id,
            "name": each.name,
            "currency": each.currency,
            "holdingsValue": total.total_value,
            **worths[each.id],
        }
        for each, total in zip(found, sums, strict=True)
    ]


def shown(found: Iterable[StoredPosition]) -> list[dict[str, object]]:
    """Positions as they go over the wire."""
    return [
        {
            **{name: getattr(each, name) for name in each.__slots__},
            "protocol": {
                "id": each.protocol_id,
                "slug": each.protocol_slug,
                "name": each.protocol_name,
                "category": each.protocol_category,
                "logo_url": each.protocol_logo_url,
            },
            "value": valuation.value(each),
        }
        for each in found
    ]

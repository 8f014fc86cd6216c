"""Books a wallet's balances in the ledger of its portfolio: openings first, then what came and went in between.

A chain's balances say how much there is, not how it came. So the first balance of a token is an opening balance, and a
later difference is a transfer whose other end is unknown until the user, or an exchange's history, tells it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio import recording
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import Kind
from coinsphere.wallets.repository import Wallet

_DIFFERENCES = """
    select contract_address, token_id, amount, booked from app.wallet_balances
    where wallet_id = %(wallet_id)s and token_id is not null and amount <> booked
    order by contract_address
"""
_OPENED = """
    select exists (
        select from app.transactions
        where portfolio_id = %(portfolio_id)s and version = 1 and external_id = %(external_id)s
    )
"""
_BOOKED = """
    update app.wallet_balances set booked = amount where wallet_id = %(wallet_id)s and token_id is not null
"""
_OF_WALLET = """
    select fact_id from app.transactions
    where user_id = %(user_id)s and source = 'wallet' and superseded_at is null
        and starts_with(external_id, %(prefix)s)
    order by occurred_at desc, fact_id
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A wallet's balance of a token, and the part of it that the ledger knows."""

    contract: str
    token_id: UUID
    amount: Decimal
    booked: Decimal


def book(conn: Connection, wallet: Wallet, stamp: str, now: datetime) -> int:
    """Book what changed. Returns the number of facts recorded; none for a wallet that is only watched.

    Args:
        conn: in the transaction that stored the balances, in the role of the pipeline.
        wallet: which wallet.
        stamp: names this reading, so that it is booked once: the block, or the instant.
        now: the present instant.
    """
    if wallet.portfolio_id is None:
        return 0
    rows = conn.execute(_DIFFERENCES, {"wallet_id": wallet.id}).fetchall()
    new = [_fact(conn, wallet, Difference(*row), stamp, now) for row in rows]
    done = recording.record(conn, wallet.user_id, new, now, at_once=False)
    conn.execute(_BOOKED, {"wallet_id": wallet.id})
    return len(done.fact_ids)


def withdraw(conn: Connection, user_id: UUID, wallet_id: UUID, now: datetime) -> int:
    """Withdraw the facts of a wallet, which stay in the history. Returns how many."""
    parameters = {"user_id": user_id, "prefix": _prefix(wallet_id)}
    fact_ids = [fact_id for (fact_id,) in conn.execute(_OF_WALLET, parameters)]
    for fact_id in fact_ids:
        recording.withdraw(conn, user_id, fact_id, now)
    return len(fact_ids)


def _fact(
    conn: Connection, wallet: Wallet, difference: Difference, stamp: str, now: datetime
) -> NewFact:
    assert wallet.portfolio_id is not None
    name = f"{_prefix(wallet.id)}{difference.contract}:"
    opening = {"portfolio_id": wallet.portfolio_id, "external_id": f"{name}opening"}
    is_first = difference.booked == 0 and conn.execute(_OPENED, opening).fetchone() == (False,)
    change = difference.amount - difference.booked
    later = Kind.TRANSFER_IN if change > 0 else Kind.TRANSFER_OUT
    return NewFact(
        portfolio_id=wallet.portfolio_id,
        kind=Kind.OPENING_BALANCE if is_first else later,
        token_id=difference.token_id,
        amount=abs(change),
        occurred_at=now,
        exchange=f"{wallet.blockchain}:{wallet.address[:10]}",
        notes=f"Balance of {wallet.address[:100]} at {stamp}",
        source="wallet",
        external_id=f"{name}{'opening' if is_first else stamp}",
    )


def _prefix(wallet_id: UUID) -> str:
    return f"wallet:{wallet_id}:"

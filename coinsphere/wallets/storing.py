"""Stores what a chain told of a wallet: its balances, its positions, and what the ledger is to know of them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from coinsphere import log
from coinsphere.chains.curated import Directory
from coinsphere.chains.model import Balance, TokenFacts, amount
from coinsphere.defi import repository as positions
from coinsphere.defi.model import Position
from coinsphere.defi.repository import NewPosition
from coinsphere.portfolio import invalidations
from coinsphere.wallets import booking, repository
from coinsphere.wallets.reading import WalletReading
from coinsphere.wallets.repository import Wallet

_log = log.get("wallets")

_OLDER_READING = (
    "update app.wallet_connections set status = 'active', last_error = null where id = %(id)s"
)
_SYNCED = """
    update app.wallet_connections
    set status = 'active', last_error = %(error)s, last_synced_at = %(now)s, last_block = %(block)s
    where id = %(id)s
"""
_LOCK = "select last_block from app.wallet_connections where id = %(id)s for update"
_BALANCE = """
    insert into app.wallet_balances
        (wallet_id, contract_address, token_id, symbol, amount, block_number, observed_at)
    values (%(wallet_id)s, %(contract)s, %(token_id)s, %(symbol)s, %(amount)s, %(block)s, %(now)s)
    on conflict (wallet_id, contract_address) do update set
        token_id = excluded.token_id, symbol = coalesce(excluded.symbol, wallet_balances.symbol),
        amount = excluded.amount, block_number = excluded.block_number, observed_at = excluded.observed_at
"""
# A token that is looked for no more, or that turned out to be a receipt, is not held by itself.
_EMPTY = """
    update app.wallet_balances set amount = 0, block_number = %(block)s, observed_at = %(now)s
    where wallet_id = %(wallet_id)s and contract_address <> all(%(contracts)s) and amount > 0
"""


def store(
    conn: Connection,
    wallet: Wallet,
    directory: Directory,
    reading: WalletReading,
    now: datetime,
) -> int:
    """Store a reading and book it in the ledger; the number of facts that are new there.

    Must be in a transaction. Of a reading older than what is stored nothing is taken.
    """
    # What the user does with the wallet at the same time comes before or after, not in between.
    invalidations.lock(conn, wallet.user_id)
    locked = conn.execute(_LOCK, {"id": wallet.id}).fetchone()
    current = repository.by_id(conn, wallet.id)
    if locked is None or current is None:
        return 0
    if reading.block is not None and locked[0] is not None and reading.block < locked[0]:
        conn.execute(_OLDER_READING, {"id": wallet.id})
        return 0
    _store_balances(conn, wallet.id, directory, reading, now)
    for slug, read in reading.positions.items():
        rows = _positions(read, reading.facts, directory)
        positions.store(
            conn, wallet.id, slug, rows, now, are_rewards_known=slug not in reading.unrewarded
        )
    stamp = reading.stamp or f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    imported = booking.book(conn, current, stamp, now)
    outcome = {"id": wallet.id, "error": failures(reading), "now": now, "block": reading.block}
    conn.execute(_SYNCED, outcome)
    return imported


def _store_balances(
    conn: Connection,
    wallet_id: UUID,
    directory: Directory,
    reading: WalletReading,
    now: datetime,
) -> None:
    scope = {"wallet_id": wallet_id, "block": reading.block, "now": now}
    with conn.cursor() as cursor:
        rows = []
        for contract, balance in reading.balances.items():
            quantity = None if balance is None else amount(balance.raw, balance.facts.decimals)
            if balance is not None and quantity:
                token_id = directory.token_id(contract)
                row = {
                    "contract": contract,
                    "token_id": token_id,
                    "symbol": balance.facts.symbol,
                    "amount": quantity,
                }
                rows.append({**scope, **row})
        cursor.executemany(_BALANCE, rows)
    # What did not answer, or gave nonsense, keeps what was known of it.
    kept = [row["contract"] for row in rows]
    kept += [contract for contract, each in reading.balances.items() if not _is_known(each)]
    conn.execute(_EMPTY, {**scope, "contracts": kept})


def _is_known(balance: Balance | None) -> bool:
    return balance is not None and amount(balance.raw, balance.facts.decimals) is not None


def _positions(
    read: tuple[Position, ...], facts: Mapping[str, TokenFacts], directory: Directory
) -> list[NewPosition]:
    rows = []
    for position in read:
        token = facts.get(position.contract.lower(), TokenFacts(None, None))
        quantity = amount(position.raw, token.decimals)
        if quantity is None:
            _log.warning("position without a readable amount", contract=position.contract)
            continue
        token_id = directory.token_id(position.contract)
        rows.append(
            NewPosition(
                position.key,
                position.kind,
                token_id,
                position.contract,
                token.symbol,
                quantity,
                position.details,
            )
        )
    return rows


def failures(reading: WalletReading) -> str | None:
    """What could not be read, in a sentence."""
    parts = [
        *sorted(reading.failed),
        *(f"rewards of {slug}" for slug in sorted(reading.unrewarded)),
    ]
    return f"Not read, and left as it was: {', '.join(parts)}."[:500] if parts else None

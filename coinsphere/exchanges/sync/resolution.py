"""Resolves records of an account to facts of the ledger: which token an asset is, and what is bought, sold or swapped."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.exchanges.model import LedgerAccount
from coinsphere.market.reference import tokens as reference
from coinsphere.portfolio.errors import InvalidFact
from coinsphere.portfolio.imports.statements.record import MONEY, NotUnderstood, Record
from coinsphere.portfolio.imports.statements.trades import Deal, deal
from coinsphere.portfolio.ledger import double_entry, transactions
from coinsphere.portfolio.ledger.transactions import NewFact


class Unbooked(NamedTuple):
    """A record that cannot be booked yet, and why."""

    record: Record
    reason: str


def assets(records: Iterable[Record]) -> set[str]:
    """Every asset that the records name."""
    sides = (side for each in records for side in (each.sent, each.received, each.fee))
    return {side[0] for side in sides if side is not None}


def tokens(conn: Connection, symbols: Iterable[str]) -> dict[str, UUID]:
    """The tokens that these assets are, of those that we know; money is none. Exchanges name a symbol and no contract."""
    return reference.ids_by_symbol(conn, (symbol for symbol in symbols if symbol not in MONEY))


def resolve(
    records: Iterable[Record], account: LedgerAccount, known: Mapping[str, UUID], now: datetime
) -> tuple[list[NewFact], list[Unbooked]]:
    """The facts of the records, and the records that cannot be booked. A movement of money alone is neither."""
    facts: list[NewFact] = []
    unbooked: list[Unbooked] = []
    for record in records:
        if record.refused is not None:
            unbooked.append(Unbooked(record, record.refused[:200]))
            continue
        try:
            fact = _fact(record, account, known)
            if fact is None:
                continue
            double_entry.check(fact.fact(account.portfolio_id))
            transactions.require_time(fact.occurred_at, now)
        except InvalidFact as error:
            unbooked.append(Unbooked(record, str(error)[:200]))
        else:
            facts.append(fact)
    return facts, unbooked


def _fact(record: Record, account: LedgerAccount, known: Mapping[str, UUID]) -> NewFact | None:
    sides = [side for side in (record.sent, record.received) if side is not None]
    if all(asset in MONEY for asset, _ in sides):
        return None
    _require_known([*sides, *([record.fee] if record.fee else [])], known)
    try:
        trade = deal(record)
    except NotUnderstood as error:
        raise InvalidFact(error.part, error.reason) from None
    assert trade is not None
    return _new_fact(record, account, trade, known)


def _new_fact(
    record: Record, account: LedgerAccount, trade: Deal, known: Mapping[str, UUID]
) -> NewFact:
    return NewFact(
        portfolio_id=account.portfolio_id,
        kind=trade.kind,
        token_id=known[trade.asset],
        amount=trade.amount,
        occurred_at=record.at,
        price=trade.price,
        currency=trade.currency or "USD",
        fee=trade.fee,
        fee_token_id=known[trade.fee_asset] if trade.fee_asset else None,
        counter_token_id=known[trade.counter_asset] if trade.counter_asset else None,
        counter_amount=trade.counter_amount,
        exchange=account.name,
        tx_hash=record.tx_hash[:200] if record.tx_hash else None,
        source="exchange",
        external_id=account.external_id(record.native_id)[:200],
    )


def _require_known(sides: Iterable[tuple[str, Decimal]], known: Mapping[str, UUID]) -> None:
    for asset, _ in sides:
        if asset not in MONEY and asset not in known:
            raise InvalidFact("token", f"no token has the symbol {asset[:40]!r}")

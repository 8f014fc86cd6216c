"""Turns a record into a transaction of the ledger: bought, sold, swapped or moved, with money apart from assets."""

from decimal import Decimal
from typing import NamedTuple

from coinsphere.portfolio.imports.statements.record import MONEY, NotUnderstood, Record, Side
from coinsphere.portfolio.model import EXACT, UNIT, Kind


class Deal(NamedTuple):
    """A transaction with the names of its assets; `price`, and a fee without `fee_asset`, are in `currency`."""

    kind: Kind
    asset: str
    amount: Decimal
    price: Decimal | None = None
    currency: str | None = None
    fee: Decimal | None = None
    fee_asset: str | None = None
    counter_asset: str | None = None
    counter_amount: Decimal | None = None


def deal(record: Record) -> Deal | None:
    """The transaction of a record; None where only money moved, which the ledger does not hold.

    Raises:
        NotUnderstood: an amount is zero, or the fee is in other money than the price; names `amount` or `fee`.
    """
    sides = [side for side in (record.sent, record.received) if side is not None]
    if all(asset in MONEY for asset, _ in sides):
        return None
    trade = _exchanged(record) if len(sides) > 1 else Deal(record.kind, *sides[0])
    return trade if record.fee is None else _with_fee(trade, record.fee)


def _exchanged(record: Record) -> Deal:
    assert record.sent is not None
    assert record.received is not None
    (sent_asset, sent), (received_asset, received) = record.sent, record.received
    if sent_asset in MONEY:
        return Deal(Kind.BUY, received_asset, received, _price(record, sent, received), sent_asset)
    if received_asset in MONEY:
        return Deal(Kind.SELL, sent_asset, sent, _price(record, received, sent), received_asset)
    return Deal(Kind.SWAP, sent_asset, sent, counter_asset=received_asset, counter_amount=received)


def _price(record: Record, money: Decimal, amount: Decimal) -> Decimal:
    """The price of one unit of the token. In a market of money in a token, like EUR/USDT, it is inverted."""
    if not amount:
        raise NotUnderstood("amount", "must be greater than 0")
    worth = EXACT.divide(money, amount).quantize(UNIT, context=EXACT)
    price = record.price
    is_same = price is not None and abs(price - worth) <= worth * Decimal("0.0001")
    return price if price is not None and is_same else worth


def _with_fee(trade: Deal, fee: Side) -> Deal:
    asset, amount = fee
    if asset not in MONEY:
        return trade._replace(fee=amount, fee_asset=asset)
    if trade.currency not in (None, asset):
        raise NotUnderstood("fee", f"is in {asset}, the price in {trade.currency}")
    return trade._replace(fee=amount, currency=asset)

"""Turns ccxt's parsed trades and transfers, which look alike for every exchange, into records."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.exchanges.venues.rows import NONSENSE, number
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements.grouping import refused, traded
from coinsphere.portfolio.imports.statements.record import Entry, Record, Side
from coinsphere.portfolio.model import EXACT, Kind

_OF_TRADES = ("symbol", "amount", "price", "side")
_OF_TRANSFERS = ("type", "currency", "amount")
_NOT_YET = frozenset({"pending", "failed", "canceled"})
_NUMBERS = frozenset({"amount", "price"})


def trades(venue: str, parsed: Mapping[str, Any], native_id: str) -> Iterator[Record]:
    """The records of a trade: the trade itself, and each fee that is no part of it, such as a rebate or one in a third asset.

    Raises:
        BadPayload: it lacks a time, a price, an amount or a side.
    """
    at = _instant(venue, parsed)
    try:
        symbol = str(parsed["symbol"])
        amount, price = _size(parsed["amount"]), _size(parsed["price"])
        # What is worth next to nothing costs 0.00000 at Kraken.
        cost = number(parsed.get("cost") or 0) or EXACT.multiply(amount, price)
        is_buy = {"buy": True, "sell": False}[parsed["side"]]
        fees = _fees(parsed)
    except NONSENSE as error:
        raise BadPayload(venue, _lacking(parsed, _OF_TRADES, error), repr(parsed)) from error
    # A market that was delisted long ago has a name only: kept, as an asset that nobody knows.
    base, _, quote = symbol.partition("/") if "/" in symbol else (symbol, "", f"money of {symbol}")
    if ":" in quote:
        reason = f"{symbol[:40]!r} is a contract: positions are not kept"
        yield Record(native_id, Kind.SWAP, at, refused=reason)
        return
    got, gave = (base, rounded(amount)), (quote, rounded(cost))
    sent, received = (gave, got) if is_buy else (got, gave)
    unnamed = fees.pop("", None)
    # Of several fees some change what was sent or received, and the price with it.
    unit_price = rounded(price) if len(fees) < 2 else None  # noqa: PLR2004
    yield from traded(Record(native_id, Kind.SWAP, at, sent, received, unit_price), fees)
    if unnamed:
        reason = f"a fee of {unnamed} in an asset that is not told"
        yield Record(f"{native_id}:fee", Kind.FEE, at, refused=reason)


def transfer(
    native_id: str,
    at: datetime,
    asset: str,
    change: Decimal,
    *,
    fee: Side | None = None,
    tx_hash: str | None = None,
    income: Kind | None = None,
) -> Record | None:
    """An arrival (`change` above zero) or a departure; None where nothing moved."""
    if not change:
        return None
    side = (asset, rounded(abs(change)))
    paid = (fee[0], rounded(fee[1])) if fee and fee[1] else None
    if change > 0:
        return Record(
            native_id, income or Kind.TRANSFER_IN, at, received=side, fee=paid, tx_hash=tx_hash
        )
    return Record(native_id, Kind.TRANSFER_OUT, at, sent=side, fee=paid, tx_hash=tx_hash)


def income(entry: Entry, kinds: Mapping[str, Kind], elsewhere: Collection[str]) -> Record | None:
    """The income of a row of a ledger, by its type; refused for an unknown type, or a negative amount.

    Args:
        entry: the row.
        kinds: types that are an income.
        elsewhere: types that other lists tell, or that change nothing of what is held: they give None.
    """
    if entry.kind in elsewhere:
        return None
    if entry.kind not in kinds:
        return refused(entry, f"{entry.kind[:40]!r} is no kind that we know")
    if entry.change < 0:
        return refused(entry, f"{entry.kind[:40]!r} is an income, and took something")
    return transfer(entry.name, entry.at, entry.asset, entry.change, income=kinds[entry.kind])


def moved(venue: str, row: Mapping[str, Any]) -> Iterator[Record]:
    """The record of a deposit or withdrawal that ccxt parsed; none where it is pending or failed.

    Raises:
        BadPayload: it lacks a direction, an id, a time, an amount or an asset.
    """
    if row["status"] in _NOT_YET:
        return
    if row["status"] != "ok":
        raise BadPayload(venue, f"its status is {str(row['status'])[:40]!r}", repr(row))
    at = _instant(venue, row)
    try:
        sign = {"deposit": 1, "withdrawal": -1}[row["type"]]
        asset, fee = _given(row["currency"]), row.get("fee") or {}
        record = transfer(
            moved_name(row),
            at,
            asset,
            sign * _size(row["amount"]),
            fee=(str(fee.get("currency") or asset), _size(fee.get("cost") or 0)),
            tx_hash=row["txid"] or None,
        )
    except NONSENSE as error:
        raise BadPayload(venue, _lacking(row, _OF_TRANSFERS, error), repr(row)) from error
    if record is not None:
        yield record


def moved_name(row: Mapping[str, Any]) -> str:
    """The id of the record of a deposit or withdrawal."""
    return f"{row['type']}-{_given(row['id'] or row['txid'])}"


def _instant(venue: str, row: Mapping[str, Any]) -> datetime:
    try:
        return from_milliseconds(row["timestamp"])
    except NONSENSE as error:
        raise BadPayload(venue, "it has no time that can be read", repr(row)) from error


def _lacking(row: Mapping[str, Any], parts: Iterable[str], error: Exception) -> str:
    """Which part of a row is missing or cannot be read."""
    for part in parts:
        value = row.get(part)
        if not value and value != 0:
            return f"it has no {part}"
        if part in _NUMBERS and not _is_size(value):
            return f"its {part} is {str(value)[:40]!r}"
    return f"it makes no sense ({type(error).__name__})"


def _size(value: object) -> Decimal:
    """An amount whose direction stands elsewhere. Raises `ValueError` where it is negative, as the two may contradict."""
    size = number(value)
    if size < 0:
        raise ValueError(f"{str(value)[:40]!r} is negative")
    return size


def _is_size(value: object) -> bool:
    try:
        return _size(value) >= 0
    except NONSENSE:
        return False


def _given(text: object) -> str:
    if not text:
        raise ValueError("a part is missing")
    return str(text)


def _fees(parsed: Mapping[str, Any]) -> dict[str, Decimal]:
    """The fees of a trade by asset, negative where paid back; ccxt gives several as `fees`."""
    fees: dict[str, Decimal] = {}
    for fee in parsed.get("fees") or [parsed.get("fee") or {}]:
        asset = str(fee.get("currency") or "")
        fees[asset] = EXACT.add(fees.get(asset, Decimal(0)), rounded(fee.get("cost") or 0))
    return {asset: fee for asset, fee in fees.items() if fee}

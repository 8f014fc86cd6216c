"""From what ccxt parses to records: trades and transfers of every exchange look alike there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from coinsphere import log
from coinsphere.errors import BadPayload
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements.grouping import refused, traded
from coinsphere.portfolio.imports.statements.record import Entry, Record
from coinsphere.portfolio.model import EXACT, Kind

_NONSENSE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
_log = log.get("exchanges")


def trades(venue: str, parsed: Mapping[str, Any], native_id: str) -> Iterator[Record]:
    """The records of a trade: itself, and what its fees are besides, all of them: a rebate, one in a third asset.

    One that lacks a price, an amount or a side is a record that says so, and takes no other with it.

    Raises:
        BadPayload: it lacks a time, and has no place among the others.
    """
    at = _instant(venue, parsed)
    try:
        symbol = str(parsed["symbol"])
        amount, price = Decimal(parsed["amount"]), Decimal(parsed["price"])
        cost = Decimal(parsed["cost"]) if parsed.get("cost") else EXACT.multiply(amount, price)
        is_buy = {"buy": True, "sell": False}[parsed["side"]]
        fees = _fees(parsed)
    except _NONSENSE as error:
        yield _nonsense(venue, native_id, Kind.SWAP, at, error)
        return
    # A market that was delisted long ago has a name only: kept, as an asset that nobody knows.
    base, _, quote = symbol.partition("/") if "/" in symbol else (symbol, "", f"money of {symbol}")
    got, gave = (base, rounded(amount)), (quote.partition(":")[0], rounded(cost))
    sent, received = (gave, got) if is_buy else (got, gave)
    unnamed = fees.pop("", None)
    # Of several fees some change what was sent or received, and the price with it.
    told = rounded(price) if len(fees) < 2 else None  # noqa: PLR2004
    yield from traded(Record(native_id, Kind.SWAP, at, sent, received, told), fees)
    if unnamed:
        reason = f"a fee of {unnamed} in an asset that is not told"
        yield Record(f"{native_id}:fee", Kind.FEE, at, refused=reason)


def transfer(
    native_id: str,
    at: datetime,
    asset: str,
    change: Decimal,
    *,
    fee: Decimal | None = None,
    tx_hash: str | None = None,
    income: Kind | None = None,
) -> Record | None:
    """What came (`change` above zero) or left; None where nothing moved."""  # fmt: skip
    if not change:
        return None
    side = (asset, rounded(abs(change)))
    paid = (asset, rounded(fee)) if fee else None
    if change > 0:
        return Record(
            native_id, income or Kind.TRANSFER_IN, at, received=side, fee=paid, tx_hash=tx_hash
        )
    return Record(native_id, Kind.TRANSFER_OUT, at, sent=side, fee=paid, tx_hash=tx_hash)


def income(entry: Entry, kinds: Mapping[str, Kind], elsewhere: Collection[str]) -> Record | None:
    """What a row of a ledger brought, by its type; refused where that is not known, or where it took something.

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


def transfers(venue: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    """The records of deposits and withdrawals that ccxt parsed; those under way or failed are left out.

    One that lacks an amount or an asset is a record that says so, and takes no other with it.

    Raises:
        BadPayload: one lacks a direction, an id or a time, and has no place among the others.
    """
    for row in rows:
        if row["status"] != "ok":
            continue
        at = _instant(venue, row)
        try:
            kind = {"deposit": Kind.TRANSFER_IN, "withdrawal": Kind.TRANSFER_OUT}[row["type"]]
            native_id = f"{row['type']}-{_given(row['id'] or row['txid'])}"
        except _NONSENSE as error:
            raise BadPayload(venue, f"a transfer makes no sense ({error!r})", repr(row)) from error
        try:
            sign = 1 if kind is Kind.TRANSFER_IN else -1
            fee = (row.get("fee") or {}).get("cost")
            made = transfer(
                native_id,
                at,
                _given(row["currency"]),
                sign * Decimal(row["amount"]),
                fee=None if fee is None else Decimal(fee),
                tx_hash=row["txid"] or None,
            )
        except _NONSENSE as error:
            made = _nonsense(venue, native_id, kind, at, error)
        if made is not None:
            yield made


def _instant(venue: str, row: Mapping[str, Any]) -> datetime:
    try:
        return from_milliseconds(row["timestamp"])
    except _NONSENSE as error:
        raise BadPayload(venue, f"a row has no time ({error!r})", repr(row)) from error


def _nonsense(venue: str, native_id: str, kind: Kind, at: datetime, error: Exception) -> Record:
    """A row that cannot be booked, named by itself, so that the others of its page can."""
    _log.warning("row makes no sense", exchange=venue, row=native_id, error=repr(error))
    return Record(native_id, kind, at, refused=f"it makes no sense ({type(error).__name__})")


def _given(text: object) -> str:
    if not text:
        raise ValueError("a part is missing")
    return str(text)


def _fees(parsed: Mapping[str, Any]) -> dict[str, Decimal]:
    """What was paid for a trade by asset, below zero where it was paid back; ccxt tells several as `fees`."""
    found: dict[str, Decimal] = {}
    for fee in parsed.get("fees") or [parsed.get("fee") or {}]:
        asset = str(fee.get("currency") or "")
        found[asset] = EXACT.add(found.get(asset, Decimal(0)), rounded(fee.get("cost") or 0))
    return {asset: fee for asset, fee in found.items() if fee}

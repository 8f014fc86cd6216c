"""From what ccxt parses to records: trades and transfers of every exchange look alike there."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.model import EXACT, Kind
from coinsphere.portfolio.statements.record import Record

Side = tuple[str, Decimal]


def trades(venue: str, parsed: Mapping[str, Any], native_id: str) -> Iterator[Record]:
    """The records of a trade: itself, and a rebate where the exchange paid for it.

    Raises:
        BadPayload: it lacks a price, an amount, a side or a time.
    """
    try:
        at, symbol = from_milliseconds(parsed["timestamp"]), str(parsed["symbol"])
        amount, price = Decimal(parsed["amount"]), Decimal(parsed["price"])
        cost = Decimal(parsed["cost"]) if parsed.get("cost") else EXACT.multiply(amount, price)
        is_buy = {"buy": True, "sell": False}[parsed["side"]]
    except (TypeError, ValueError, KeyError, InvalidOperation) as error:
        raise BadPayload(venue, f"a trade makes no sense ({error!r})", repr(parsed)) from error
    # A market that was delisted long ago has a name only: kept, as an asset that nobody knows.
    base, _, quote = symbol.partition("/") if "/" in symbol else (symbol, "", f"money of {symbol}")
    got, gave = (base, rounded(amount)), (quote.partition(":")[0], rounded(cost))
    sent, received = (gave, got) if is_buy else (got, gave)
    fee, rebate = _fee(parsed)
    yield Record(native_id, Kind.SWAP, at, sent, received, rounded(price), fee)
    if rebate is not None:
        yield Record(f"{native_id}:rebate", Kind.REWARD, at, received=rebate)


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


def transfers(venue: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    """The records of deposits and withdrawals that ccxt parsed; those under way or failed are left out.

    Raises:
        BadPayload: one lacks an id, an amount, an asset or a time.
    """
    for row in rows:
        if row["status"] != "ok":
            continue
        try:
            sign = {"deposit": 1, "withdrawal": -1}[row["type"]]
            fee = (row.get("fee") or {}).get("cost")
            made = transfer(
                f"{row['type']}-{_given(row['id'] or row['txid'])}",
                from_milliseconds(row["timestamp"]),
                _given(row["currency"]),
                sign * Decimal(row["amount"]),
                fee=None if fee is None else Decimal(fee),
                tx_hash=row["txid"] or None,
            )
        except (TypeError, ValueError, KeyError, InvalidOperation) as error:
            raise BadPayload(venue, f"a transfer makes no sense ({error!r})", repr(row)) from error
        if made is not None:
            yield made


def _given(text: object) -> str:
    if not text:
        raise ValueError("a part is missing")
    return str(text)


def _fee(parsed: Mapping[str, Any]) -> tuple[Side | None, Side | None]:
    """What was paid for a trade, and what was paid back."""
    fee = parsed.get("fee") or {}
    if not fee.get("cost") or not fee.get("currency"):
        return None, None
    cost = rounded(fee["cost"])
    if not cost:
        return None, None
    side = (str(fee["currency"]), abs(cost))
    return (side, None) if cost > 0 else (None, side)

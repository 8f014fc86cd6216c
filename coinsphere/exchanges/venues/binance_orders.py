"""Binance's orders outside its markets: conversions, 30 days a call, and purchases and sales for money, 90 days a call.

What their rows mean stands in `coinsphere.portfolio.imports.statements.binance`, as for the rows of its statement. Sources:
Binance's documentation of `convert/tradeFlow` and `fiat/payments`. Deposits and withdrawals of money (`fiat/orders`) are
not read: they change nothing of what is kept, and one call costs half a minute of an account's budget.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any

from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import Stream
from coinsphere.exchanges.venues.pagination import Answer, optional, windows
from coinsphere.exchanges.venues.rows import Told, number, read
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements import binance
from coinsphere.portfolio.imports.statements.record import Entry, Record
from coinsphere.portfolio.model import EXACT

Asset = Callable[[str], str]
"""An asset's common name."""

_BEGIN = datetime(2019, 6, 1, tzinfo=UTC)
_CONVERSIONS = 1_000
_PAYMENTS = 500
_SIDES = {"buy": (0, "Buy Crypto With Fiat"), "sell": (1, "Sell Crypto To Fiat")}
_NEAR = Decimal("0.01")
"""How far price times amount may be from the worth, which is rounded to cents."""


def streams(client: Client, asset: Asset) -> list[Stream]:
    """The conversions, the purchases and the sales."""

    def conversions(start: int, end: int, token: Any) -> Answer:
        return _conversions(client, asset, token or [[start, end]])

    return [
        optional(windows("conversions", conversions, begin=_BEGIN, days=30)),
        *(
            optional(windows(f"payments {side}", _payments(client, asset, side), begin=_BEGIN, days=90))
            for side in _SIDES
        ),
    ]  # fmt: skip


def _conversions(client: Client, asset: Asset, left: list[list[int]]) -> Answer:
    """Those of the first span. One with more than an answer holds is halved, as their order is not documented."""
    (start, end), *others = left
    wanted = {"startTime": start, "endTime": end, "limit": _CONVERSIONS}
    answer = client.call("sapiGetConvertTradeFlow", wanted)
    rows = answer["list"] or []
    if answer.get("moreData") in {True, "true"} and start < end:
        middle = (start + end) // 2
        return Answer(Told([], []), [[start, middle], [middle + 1, end], *others])
    return Answer(
        read("binance", rows, _conversion_name, partial(_converted, asset)), others or None
    )


def _conversion_name(row: dict[str, Any]) -> str:
    return f"convert-{row['orderId']}"


def _converted(asset: Asset, row: dict[str, Any]) -> Iterable[Record]:
    if not _is_done(row["orderStatus"], "SUCCESS", {"PROCESS", "ACCEPT_SUCCESS", "FAIL"}):
        return ()
    name, at = _conversion_name(row), from_milliseconds(row["createTime"])
    sent, got = (rounded(number(row[part])) for part in ("fromAmount", "toAmount"))
    _require_positive(sent, got)
    legs = ((row["fromAsset"], -sent), (row["toAsset"], got))
    return binance.records(
        [Entry(name, name, at, "Binance Convert", asset(each), change) for each, change in legs]
    )


def _payments(client: Client, asset: Asset, side: str) -> Callable[[int, int, Any], Answer]:
    def fetch(start: int, end: int, token: Any) -> Answer:
        page = int(token or 1)
        wanted = {
            "transactionType": _SIDES[side][0], "beginTime": start, "endTime": end, "page": page, "rows": _PAYMENTS,
        }  # fmt: skip
        rows = client.call("sapiGetFiatPayments", wanted).get("data") or []
        result = read("binance", rows, _payment_name, partial(_paid, asset, side))
        return Answer(result, page + 1 if len(rows) >= _PAYMENTS else None)

    return fetch


def _payment_name(row: dict[str, Any]) -> str:
    return f"payment-{row['orderNo']}"


def _paid(asset: Asset, side: str, row: dict[str, Any]) -> Iterable[Record]:
    if not _is_done(row["status"], "Completed", {"Processing", "Failed", "Refunded"}):
        return ()
    fee = rounded(number(row.get("totalFee") or 0))
    amount, worth = _sides(row, fee, is_buy=side == "buy")
    name, at, sign = (
        _payment_name(row),
        from_milliseconds(row["createTime"]),
        1 if side == "buy" else -1,
    )
    make = partial(Entry, name, name, at, _SIDES[side][1])
    return binance.records([
        make(asset(row["cryptoCurrency"]), sign * amount),
        make(str(row["fiatCurrency"]).upper(), -sign * worth, fee),
    ])  # fmt: skip


def _sides(row: dict[str, Any], fee: Decimal, *, is_buy: bool) -> tuple[Decimal, Decimal]:
    """How much crypto, and its worth before the fee: of a sale it is not documented which is which, the price tells it.

    Raises:
        ValueError: the amounts do not fit the price.
    """
    one, other, price = (
        rounded(number(row[part])) for part in ("obtainAmount", "sourceAmount", "price")
    )
    _require_positive(one, other, price)
    before = EXACT.subtract if is_buy else EXACT.add
    fitting = {
        abs(EXACT.subtract(EXACT.multiply(price, amount), worth)) / worth: (amount, worth)
        for (amount, money), charge in product(((one, other), (other, one)), (fee, Decimal(0)))
        if (worth := before(money, charge)) > 0
    }
    if not fitting or min(fitting) > _NEAR:
        raise ValueError("its amounts do not fit its price")
    return fitting[min(fitting)]


def _is_done(status: object, done: str, others: set[str]) -> bool:
    """Whether the order was executed. Raises `ValueError` for an undocumented status."""
    if str(status) not in {done, *others}:
        raise ValueError(f"its status is {str(status)[:40]!r}")
    return status == done


def _require_positive(*amounts: Decimal) -> None:
    if not all(amount > 0 for amount in amounts):
        raise ValueError("an amount that is not above zero")

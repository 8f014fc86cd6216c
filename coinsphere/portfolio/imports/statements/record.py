"""Rows of an exchange's own books and the records made of them, the same for its file and its API."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from coinsphere.portfolio.model import ZERO, Kind

MONEY = frozenset((
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
    "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PLN", "RON", "RUB", "SAR", "SEK",
    "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
))  # fmt: skip
"""Currencies of states: the ledger keeps them outside, as what was paid and received."""

Side = tuple[str, Decimal]
"""An asset by its common name, and an amount without a sign."""


class Entry(NamedTuple):
    """One row of an exchange's books, with the common name of its asset.

    `change` has the sign that the account saw, `fee` (in the same asset, taken besides) is below zero where it was
    given back. `name` is the row's own at the exchange, `group` that of what it belongs to; empty where it has none.
    """

    name: str
    group: str
    at: datetime
    kind: str
    asset: str
    change: Decimal
    fee: Decimal = ZERO
    subtype: str = ""
    account: str = ""


class Record(NamedTuple):
    """One event in an account, with the permanent id `native_id`.

    A trade is a `SWAP` of what was sent for what was received, also where one of the two is money. What came has
    received, what left has sent only. `price` is in the other side's asset for one unit of what is not money. What is
    not understood has its reason in `refused`: it is listed, never booked.
    """

    native_id: str
    kind: Kind
    at: datetime
    sent: Side | None = None
    received: Side | None = None
    price: Decimal | None = None
    fee: Side | None = None
    tx_hash: str | None = None
    refused: str | None = None


class Nothing(Exception):
    """The rows are understood, but change no holdings; says why."""


class NotUnderstood(ValueError):
    """The rows cannot be booked; `part` is the part at fault: `kind`, `subtype`, `class`, `asset` or `change`."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part = part
        self.reason = reason

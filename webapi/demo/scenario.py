"""The demo account's transactions of three years, at past prices; the same prices give the same transactions.

It saves by the month, buys more when much has fallen, takes some gains, stakes, moves coins to an own wallet.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from coinsphere.clock import iso

YEARS = 3
TOKENS = ("BTC", "ETH", "SOL", "ADA")
_MONTH = timedelta(days=30.4)
_MONTHLY = {"BTC": 250, "ETH": 150, "SOL": 60, "ADA": 40}
"""US dollars."""
_SEED = 8
_PLACES = Decimal("0.00000001")
_FEE = Decimal("0.0026")
_STAKED = {"ETH": Decimal("0.0027"), "SOL": Decimal("0.0055")}
"""Earned in a month, as a part of what is held."""


@dataclass(frozen=True, slots=True)
class Course:
    """Closes of a token, ascending, in US dollars."""

    times: Sequence[datetime]
    closes: Sequence[Decimal]

    def at(self, instant: datetime) -> Decimal | None:
        """The last close before an instant; None before the first."""
        index = bisect_right(self.times, instant) - 1
        return self.closes[index] if index >= 0 else None


def transactions(courses: Mapping[str, Course], now: datetime) -> list[dict[str, Any]]:
    """Transactions as the API takes them, ascending; none of a token before its first close.

    Args:
        courses: by symbol, of `TOKENS` or some of them.
        now: the end of the story.
    """
    chance = Random(_SEED)  # noqa: S311 - a story, no secret  # nosec B311
    story: list[dict[str, Any]] = []
    for symbol, course in courses.items():
        balance = Decimal(0)
        for month in range(12 * YEARS):
            payday = now - timedelta(days=365 * YEARS) + month * _MONTH
            at = payday + timedelta(hours=chance.randrange(7, 22), minutes=chance.randrange(60))
            gain = Decimal(chance.choice(("0.1", "0.15", "0.2")))
            is_last = month % 12 == 0 and month > 0
            for each in _month(_Month(symbol, course, at, balance, gain), takes_home=is_last):
                if _instant(each) < now and Decimal(each["amount"]) > 0:
                    balance += _effect(each)
                    story.append(each)
    return sorted(story, key=lambda each: str(each["timestamp"]))


@dataclass(frozen=True, slots=True)
class _Month:
    """A month of one token: the day it is bought, what is held before, and the part that is sold after a large gain."""

    symbol: str
    course: Course
    at: datetime
    held: Decimal
    gain: Decimal


def _month(month: _Month, *, takes_home: bool) -> Iterator[dict[str, Any]]:
    """What happens in it; once a year coins go to a wallet of one's own."""
    symbol, at, balance = month.symbol, month.at, month.held
    price, before = month.course.at(at), month.course.at(at - _MONTH)
    if price is None:
        return
    has_fallen = before is not None and price < before * Decimal("0.85")
    dollars = Decimal(_MONTHLY[symbol]) * (2 if has_fallen else 1)
    yield _traded("buy", symbol, dollars / price, price, at)
    if not balance:
        return
    if symbol in _STAKED:
        earned = (balance * _STAKED[symbol]).quantize(_PLACES)
        yield _fact("staking", symbol, earned, at + timedelta(days=2), price=str(price))
    if before is not None and price > before * Decimal("1.3"):
        yield _traded("sell", symbol, balance * month.gain, price, at + timedelta(days=3))
    if symbol == "BTC" and takes_home:
        quarter, sent = (balance / 4).quantize(_PLACES), at + timedelta(days=5)
        yield _fact("transfer_out", symbol, quarter, sent)
        arrived = sent + timedelta(hours=1)
        yield _fact("transfer_in", symbol, quarter, arrived, exchange="my own wallet")


def _traded(
    kind: str, symbol: str, amount: Decimal, price: Decimal, at: datetime
) -> dict[str, Any]:
    rounded = amount.quantize(_PLACES)
    fee = (rounded * price * _FEE).quantize(Decimal("0.01"))
    return _fact(kind, symbol, rounded, at, price=str(price), fee=str(fee))


def _fact(kind: str, symbol: str, amount: Decimal, at: datetime, **more: str) -> dict[str, Any]:
    return {
        "type": kind,
        "tokenSymbol": symbol,
        "amount": f"{amount:f}",
        "timestamp": iso(at.replace(microsecond=0)),
        "exchange": "kraken",
        **more,
    }


def _instant(transaction: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(transaction["timestamp"])


def _effect(transaction: Mapping[str, Any]) -> Decimal:
    amount = Decimal(transaction["amount"])
    return -amount if transaction["type"] in ("sell", "transfer_out") else amount

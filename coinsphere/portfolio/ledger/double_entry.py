"""Double entry: every event as postings that sum to zero for each asset.

An asset is a token or a currency. `holding` is what the user has; the other accounts are where it came from or went.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from coinsphere.portfolio.errors import InvalidFact, UnbalancedEvent
from coinsphere.portfolio.model import (
    ACQUISITIONS,
    EXACT,
    INCOME,
    UNIT,
    Fact,
    Kind,
)


class Account(StrEnum):
    """The account that a posting goes to."""

    HOLDING = "holding"
    TRADE = "trade"
    EXTERNAL = "external"
    TRANSFER = "transfer"
    INCOME = "income"
    FEE = "fee"
    LOST = "lost"
    OPENING = "opening"


class Posting(NamedTuple):
    """A signed amount of one asset, either a token or a currency."""

    account: Account
    token_id: UUID | None
    currency: str | None
    amount: Decimal


_COUNTERPARTS = {
    Kind.BUY: Account.TRADE,
    Kind.SELL: Account.TRADE,
    Kind.SWAP: Account.TRADE,
    Kind.TRANSFER_IN: Account.TRANSFER,
    Kind.TRANSFER_OUT: Account.TRANSFER,
    Kind.DEPOSIT: Account.EXTERNAL,
    Kind.WITHDRAWAL: Account.EXTERNAL,
    Kind.GIFT: Account.EXTERNAL,
    Kind.FEE: Account.FEE,
    Kind.LOST: Account.LOST,
    Kind.OPENING_BALANCE: Account.OPENING,
    **dict.fromkeys(INCOME, Account.INCOME),
}


def check(fact: Fact) -> None:
    """Check that the parts of a fact fit together.

    Raises:
        InvalidFact: names the part that does not.
    """
    if not fact.amount > 0:
        raise InvalidFact("amount", "must be greater than 0")
    if fact.price is not None and fact.price < 0:
        raise InvalidFact("price", "must not be negative")
    if fact.fee is not None and fact.fee < 0:
        raise InvalidFact("fee", "must not be negative")
    _check_swap(fact)
    _check_fee(fact)


def _check_swap(fact: Fact) -> None:
    if fact.kind is not Kind.SWAP:
        if fact.counter_token_id is not None or fact.counter_amount is not None:
            raise InvalidFact("counter_token", "goes with a swap only")
        return
    if fact.counter_token_id is None:
        raise InvalidFact("counter_token", "a swap names the token that was received")
    if fact.counter_amount is None or not fact.counter_amount > 0:
        raise InvalidFact("counter_amount", "a swap says how much was received")
    if fact.counter_token_id == fact.token_id:
        raise InvalidFact("counter_token", "a swap is between two tokens")


def _check_fee(fact: Fact) -> None:
    if not fact.fee:
        return
    if fact.kind in ACQUISITIONS and fact.fee_token_id == fact.token_id and fact.fee >= fact.amount:
        raise InvalidFact("fee", "is not less than what was acquired")
    if fact.fee_token_id is not None and fact.fee_token_id == fact.counter_token_id:
        assert fact.counter_amount is not None
        if fact.fee >= fact.counter_amount:
            raise InvalidFact("fee", "is not less than what was received")


def postings(fact: Fact) -> list[Posting]:
    """The postings of `fact`.

    Raises:
        InvalidFact: its parts do not fit together.
        UnbalancedEvent: they do not sum to zero; cannot happen unless this module is wrong.
    """
    check(fact)
    with localcontext(EXACT):
        entries = [*_of_token(fact), *_of_money(fact), *_of_fee(fact)]
    require_balance(entries)
    return entries


def require_balance(entries: Sequence[Posting]) -> None:
    """Check that each asset sums to zero. Raises `UnbalancedEvent` that names those which do not."""
    with localcontext(EXACT):
        sums: dict[UUID | str | None, Decimal] = defaultdict(Decimal)
        for posting in entries:
            sums[posting.token_id or posting.currency] += posting.amount
        wrong = {str(asset): str(total) for asset, total in sums.items() if total}
    if wrong:
        raise UnbalancedEvent(f"an event does not sum to zero: {wrong}")


def _both(counterpart: Account, token_id: UUID, amount: Decimal) -> Iterator[Posting]:
    yield Posting(Account.HOLDING, token_id, None, amount)
    yield Posting(counterpart, token_id, None, -amount)


def _of_token(fact: Fact) -> Iterator[Posting]:
    counterpart = _COUNTERPARTS[fact.kind]
    comes = fact.kind in ACQUISITIONS
    yield from _both(counterpart, fact.token_id, fact.amount if comes else -fact.amount)
    if fact.counter_token_id is not None and fact.counter_amount is not None:
        yield from _both(counterpart, fact.counter_token_id, fact.counter_amount)


def _of_money(fact: Fact) -> Iterator[Posting]:
    """What was paid or received, which the user keeps outside."""
    if fact.kind not in (Kind.BUY, Kind.SELL) or not fact.price:
        return
    money = (fact.amount * fact.price).quantize(UNIT)
    if not money:
        return
    paid = money if fact.kind is Kind.BUY else -money
    yield Posting(Account.TRADE, None, fact.currency, paid)
    yield Posting(Account.EXTERNAL, None, fact.currency, -paid)


def _of_fee(fact: Fact) -> Iterator[Posting]:
    if not fact.fee:
        return
    if fact.fee_token_id is not None:
        yield from _both(Account.FEE, fact.fee_token_id, -fact.fee)
        return
    yield Posting(Account.EXTERNAL, None, fact.currency, -fact.fee)
    yield Posting(Account.FEE, None, fact.currency, fact.fee)

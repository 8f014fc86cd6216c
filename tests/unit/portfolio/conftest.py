"""A market whose prices a test sets, and facts in few words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from uuid import UUID

import pytest

from coinsphere.portfolio.lots.book_records import Entry
from coinsphere.portfolio.lots.cost_basis import Book
from coinsphere.portfolio.model import EXACT, Fact, Kind, LotMethod, LotScope, Rules

BTC, ETH, BNB = (UUID(int=number) for number in (1, 2, 3))
MAIN, VAULT = UUID(int=101), UUID(int=102)
START = datetime(2026, 1, 1, 10, tzinfo=UTC)


@dataclass
class FakeMarket:
    """Prices by token and rates by currency, the same on every day."""

    prices: dict[UUID, Decimal] = field(default_factory=dict)
    rates: dict[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(1)})

    def close(self, token_id: UUID, day: date) -> Decimal | None:
        return self.prices.get(token_id)

    def per_dollar(self, currency: str, day: date) -> Decimal | None:
        return self.rates.get(currency)


def at(day: float) -> datetime:
    """An instant so many days after the start."""
    return START + timedelta(days=day)


_numbers = iter(range(1000, 10**9))


def fact(kind: str, amount: object, price: object = None, day: float = 0, **fields: object) -> Fact:
    """A fact of BTC in the main portfolio, unless `fields` say otherwise."""
    values = {
        "fact_id": UUID(int=next(_numbers)),
        "portfolio_id": MAIN,
        "kind": Kind(kind),
        "token_id": BTC,
        "amount": Decimal(str(amount)),
        "price": None if price is None else Decimal(str(price)),
        "currency": "USD",
        "fee": None,
        "fee_token_id": None,
        "counter_token_id": None,
        "counter_amount": None,
        "exchange": None,
        "occurred_at": at(day),
        **fields,
    }
    for name in ("fee", "counter_amount"):
        if values[name] is not None:
            values[name] = Decimal(str(values[name]))
    return Fact(**values)


def booked(
    facts: list[Fact],
    *,
    token: UUID = BTC,
    method: str = "fifo",
    scope: str = "portfolio",
    market: FakeMarket | None = None,
    currency: str = "USD",
) -> Book:
    """A book of these facts."""
    rules = {
        each: Rules(each, currency, LotMethod(method), LotScope(scope)) for each in (MAIN, VAULT)
    }
    book = Book(token, rules, market or FakeMarket())
    book.book([Entry(each, each.occurred_at) for each in facts])
    return book


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    with localcontext(EXACT):
        yield

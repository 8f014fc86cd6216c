"""Response bodies of a shared portfolio."""

from datetime import date

from webapi.http.schema import Amount, Output
from webapi.portfolios.examples import example


class SharedPartOut(Output):
    """A token of a shared portfolio; amount and value are null where they are hidden."""

    symbol: str
    name: str
    logo_url: str | None
    percentage: Amount | None
    amount: Amount | None
    value: Amount | None


class SharedPointOut(Output):
    """A day of a shared portfolio."""

    date: date
    growth: Amount | None
    value: Amount | None


class SharedOut(Output):
    """A portfolio as others see it."""

    model_config = example(
        name="Long term", currency="USD", hidesAmounts=True, totalValue=None,
        allocations=[
            {"symbol": "BTC", "name": "Bitcoin", "logoUrl": None, "percentage": 100, "amount": None, "value": None}
        ],
        performance=[{"date": "2026-11-23", "growth": 1.5, "value": None}], unpriced=[], stale=[], missingRates=[],
    )  # fmt: skip

    name: str
    currency: str
    hides_amounts: bool
    total_value: Amount | None
    allocations: list[SharedPartOut]
    performance: list[SharedPointOut]
    unpriced: list[str]
    stale: list[str]
    missing_rates: list[str]

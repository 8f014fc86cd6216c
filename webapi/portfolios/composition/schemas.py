"""Request and response bodies of a portfolio's composition."""

from datetime import date

from webapi.http.schema import Amount, Output
from webapi.portfolios.examples import example


class AllocationPartOut(Output):
    """A token's part of the whole."""

    symbol: str
    name: str
    logo_url: str | None
    amount: Amount
    value: Amount
    percentage: Amount | None


class AllocationOut(Output):
    """What a portfolio is made of, the largest part first."""

    model_config = example(
        totalValue=30000, currency="USD", rateDate=None, unpriced=[], stale=[], missingRates=[],
        allocations=[
            {"symbol": "BTC", "name": "Bitcoin", "logoUrl": None, "amount": 0.5, "value": 30000, "percentage": 100}
        ],
    )  # fmt: skip

    total_value: Amount | None
    currency: str
    rate_date: date | None
    allocations: list[AllocationPartOut]
    unpriced: list[str]
    stale: list[str]
    missing_rates: list[str]


class ContributionOut(Output):
    """What one asset added."""

    symbol: str
    name: str
    start_value: Amount | None
    end_value: Amount | None
    inflow: Amount | None
    outflow: Amount | None
    income: Amount
    gain: Amount | None


class ContributionsOut(Output):
    """What each asset added in a period."""

    model_config = example(
        currency="USD", firstDay="2026-10-25", lastDay="2026-11-23",
        contributions=[
            {"symbol": "BTC", "name": "Bitcoin", "startValue": 0, "endValue": 30000, "inflow": 20000, "outflow": 0,
             "income": 0, "gain": 10000}
        ],
    )  # fmt: skip

    currency: str
    first_day: date
    last_day: date
    contributions: list[ContributionOut]

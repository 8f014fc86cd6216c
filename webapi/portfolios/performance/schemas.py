"""Request and response bodies of a portfolio's performance."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from coinsphere.portfolio.performance import returns
from webapi.http.schema import Amount, Instant, Output
from webapi.portfolios.examples import ID, example
from webapi.portfolios.periods import PeriodQuery
from webapi.tokens.schemas import AS_OF


class PerformanceQuery(PeriodQuery):
    """Which days, and of which moment."""

    as_of: Instant | None = Field(
        None,
        description=f"{AS_OF} Transactions, events, closes and exchange rates; the last point is of that moment. For at most "
        "20,000 transactions of the user.",
    )


class PerformanceFileQuery(PerformanceQuery):
    """Which days, and as what."""

    format: Literal["json", "parquet", "arrow"] | None = Field(
        None,
        description="`parquet` and `arrow` have the values of every day, and no returns. By default what `Accept` asks for.",
    )


class RateOut(Output):
    """A return in percent, or the reason why there is none."""

    percentage: Amount | None
    reason: str | None


class ReturnsOut(Output):
    """The returns of the closed days of a period, and the sums that they come from."""

    first_day: date
    last_day: date
    start_value: Amount
    end_value: Amount
    inflow: Amount
    outflow: Amount
    gain: Amount
    time_weighted: RateOut
    money_weighted: RateOut = Field(description="A year's rate (XIRR); none under a year.")
    money_weighted_of_period: RateOut = Field(
        description="What it is over the whole period: never projected to a year."
    )
    simple: RateOut


Day = date
"""The type, where a field bears its name."""


class PerformancePointOut(Output):
    """A day of the series; today's is live."""

    date: date
    value: Amount | None
    cost: Amount | None
    growth: Amount | None = Field(description="What 1 put in on the first day has become.")
    filled_assets: int
    unpriced_assets: int
    benchmark: Amount | None
    is_live: bool
    rate_date: Day | None = Field(
        description="The day of the exchange rate, where `?currency=` converts; earlier than `date` on a day without one."
    )


class CashFlowOut(Output):
    """Money put in (negative) or taken out (positive)."""

    date: date
    amount: Amount


class SubPeriodOut(Output):
    """A day that the time-weighted return is chained of."""

    date: date
    invested: Amount
    result: Amount
    percentage: Amount | None


class ExplainOut(Output):
    """The trail of the returns."""

    cash_flows: list[CashFlowOut]
    sub_periods: list[SubPeriodOut]


class BenchmarkOut(Output):
    """What the same money would have become in a mix of tokens."""

    mix: str
    percentage: Amount | None
    reason: str | None


_RATE = {"percentage": 50, "reason": None}


class PerformanceOut(Output):
    """A portfolio over time."""

    model_config = example(
        portfolioId=ID, currency="USD", dataPoints=1,
        performance=[
            {"date": "2026-11-23", "value": 30000, "cost": 20000, "growth": 1.5, "filledAssets": 0, "unpricedAssets": 0,
             "benchmark": None, "isLive": False, "rateDate": None}
        ],
        returns={
            "firstDay": "2026-10-25", "lastDay": "2026-11-23", "startValue": 0, "endValue": 30000, "inflow": 20000,
            "outflow": 0, "gain": 10000, "timeWeighted": _RATE, "moneyWeighted": {"percentage": None, "reason": returns.TOO_SHORT},
            "moneyWeightedOfPeriod": _RATE, "simple": _RATE,
        },
        unavailable=None, realisedGain=0, realisedUnknown=0, benchmark=None, explain=None, isPending=False,
    )  # fmt: skip

    portfolio_id: UUID
    currency: str
    data_points: int
    performance: list[PerformancePointOut]
    returns: ReturnsOut | None
    unavailable: str | None = Field(description="Why there are no returns.")
    realised_gain: Amount
    realised_unknown: int
    benchmark: BenchmarkOut | None
    explain: ExplainOut | None
    is_pending: bool

"""Request and response bodies of a portfolio's forecast."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from webapi.http.schema import Output
from webapi.portfolios.examples import AT, ID, example
from webapi.portfolios.risk.schemas import RiskInputOut


class HorizonOut(Output):
    """What the portfolio may be worth at one horizon."""

    days_ahead: int
    target_at: datetime | None = Field(
        description="The close that the models' forecasts are of; null where histories alone stand for all assets."
    )
    quantiles: dict[str, float] = Field(
        description="Values that are not exceeded with these probabilities, in the portfolio's currency."
    )
    value_at_risk95: float = Field(
        description="Percent of `value` that is lost or more in one case of twenty."
    )
    expected_shortfall95: float = Field(description="Mean loss in those cases, percent.")
    value_at_risk99: float
    expected_shortfall99: float
    covered_percentage: float = Field(
        description="Part of `value` that a model's forecast stands for; of the rest its own history does."
    )
    inputs: list[RiskInputOut]


class UnforecastOut(Output):
    """An asset that the distributions know nothing of."""

    symbol: str | None = Field(description="Null for the many smallest.")
    reason: str


METHOD = (
    "simulated: each asset's own forecast of the horizon, narrowed by what has passed of it (the daily returns of its past, "
    "scaled by the root of the days, where no model knows it), joined by a Student t copula with the rank correlations of "
    "daily returns; prices in US dollars, holdings as of now; not in it: what a currency moves against the dollar, fees, deposits "
    "in protocols"
)
_HORIZON = {
    "daysAhead": 7, "targetAt": AT,
    "quantiles": {"0.01": 7600, "0.025": 8050, "0.05": 8430, "0.1": 8850, "0.25": 9480, "0.5": 10000, "0.75": 10540,
                  "0.9": 11230, "0.95": 11790, "0.975": 12370, "0.99": 13200},
    "valueAtRisk95": 15.7, "expectedShortfall95": 20.6, "valueAtRisk99": 24, "expectedShortfall99": 29.1,
    "coveredPercentage": 100,
    "inputs": [
        {"symbol": "BTC", "percentage": 100, "source": "model", "days": 364, "model": "all-tokens-forecaster",
         "modelVersion": "3", "originAt": AT, "issuedAt": AT, "targetAt": AT}
    ],
}  # fmt: skip


class PortfolioForecastOut(Output):
    """Distributions of a portfolio's value."""

    model_config = example(
        portfolioId=ID, currency="USD", at=AT, value=10000, totalValue=10020, unavailable=None, horizons=[_HORIZON],
        leftOut=[{"symbol": "NEW", "reason": "it has no price"}], method=METHOD, copulaDegrees=8, draws=20000, seed=95,
    )  # fmt: skip

    portfolio_id: UUID
    currency: str
    at: datetime
    value: float = Field(description="Of the assets that are in the distributions.")
    total_value: float = Field(description="Of all assets that have a price.")
    unavailable: str | None = Field(description="Why there is no distribution.")
    horizons: list[HorizonOut]
    left_out: list[UnforecastOut]
    method: str
    copula_degrees: float
    draws: int
    seed: int

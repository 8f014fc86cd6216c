"""Request and response bodies of a portfolio's risk."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from webapi.http.schema import Output
from webapi.portfolios.examples import AT, ID, example


class DrawdownOut(Output):
    """The deepest fall from a peak."""

    percentage: float
    peak_day: date
    low_day: date


class RiskInputOut(Output):
    """An asset behind the figure by models; `model` and what follows are null where its own history stands in."""

    symbol: str
    percentage: float | None = Field(description="Of the portfolio's value.")
    source: Literal["model", "history"]
    days: int = Field(description="Days of returns that correlations, and a history, come from.")
    model: str | None
    model_version: str | None
    origin_at: datetime | None = Field(description="The close that the forecast starts from.")
    issued_at: datetime | None
    target_at: datetime | None


class RiskLeftOutOut(Output):
    """An asset of which too little is known; the figures are of the others, in percent of what those are worth."""

    symbol: str | None = Field(description="Null for the many smallest.")
    percentage: float | None = Field(description="Of the portfolio's value.")
    reason: str = Field(description="Why it is left out.")


class RiskByModelsOut(Output):
    """What may be lost in a day by the models' forecasts; null with the reason in `unavailable`.

    What too little is known of is left out and named, unless it is more than half of the value: then there are no figures.
    """

    value_at_risk95: float | None
    expected_shortfall95: float | None
    unavailable: str | None
    method: str
    copula_degrees: float
    draws: int
    seed: int
    covered_percentage: float | None = Field(
        description="Part of the value that a model's forecast stands for."
    )
    inputs: list[RiskInputOut]
    left_out: list[RiskLeftOutOut] = Field(description="What the figures know nothing of.")


METHOD = (
    "simulated: each asset's own forecast of one day (its history where no model knows it), joined by a Student t "
    "copula with the rank correlations of daily returns; prices in US dollars, weights as of now"
)
_BY_MODELS = {
    "valueAtRisk95": 3.1, "expectedShortfall95": 4.4, "unavailable": None, "method": METHOD, "copulaDegrees": 8,
    "draws": 20000, "seed": 95, "coveredPercentage": 100,
    "inputs": [
        {"symbol": "BTC", "percentage": 100, "source": "model", "days": 364, "model": "price-global",
         "modelVersion": "3", "originAt": AT, "issuedAt": AT, "targetAt": AT}
    ],
    "leftOut": [],
}  # fmt: skip


class PortfolioRiskOut(Output):
    """Estimates of what may be lost; percentages, null under 30 days."""

    model_config = example(
        portfolioId=ID, currency="USD", days=364, volatility=41.2, sharpe=0.8, sortino=1.1, valueAtRisk95=3.4,
        expectedShortfall95=4.9, maxDrawdown={"percentage": 22.5, "peakDay": "2026-03-01", "lowDay": "2026-05-11"},
        concentration=0.52, correlations={"BTC": {"BTC": 1}}, unavailable=None, method="historical",
        byModels=_BY_MODELS,
    )  # fmt: skip

    portfolio_id: UUID
    currency: str
    days: int
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    value_at_risk95: float | None
    expected_shortfall95: float | None
    max_drawdown: DrawdownOut | None
    concentration: float | None
    correlations: dict[str, dict[str, float | None]]
    unavailable: str | None = Field(description="Why figures are null.")
    method: str
    by_models: RiskByModelsOut

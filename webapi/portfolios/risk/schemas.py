"""What goes over the wire of a portfolio's risk."""

from datetime import date
from uuid import UUID

from webapi.portfolios.examples import ID, example
from webapi.schema import Output


class DrawdownOut(Output):
    """The deepest fall from a peak."""

    percentage: float
    peak_day: date
    low_day: date


class RiskOut(Output):
    """Estimates of what may be lost; percentages, null under 30 days."""

    model_config = example(
        portfolioId=ID, currency="USD", days=364, volatility=41.2, sharpe=0.8, sortino=1.1, valueAtRisk95=3.4,
        expectedShortfall95=4.9, maxDrawdown={"percentage": 22.5, "peakDay": "2026-03-01", "lowDay": "2026-05-11"},
        concentration=0.52, correlations={"BTC": {"BTC": 1}}, method="historical",
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
    method: str

"""What a token's own champion expects of its history, and the forecasts that follow from it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from coinsphere.market.anchoring import price
from ml.data import volatility
from ml.data.history import History
from ml.data.horizons import HORIZONS, LEVELS
from ml.data.windows import Floats
from ml.registry.token_registry import Champion
from ml.serving.forecasting import Basis, Forecast, forecast


@dataclass(frozen=True, slots=True)
class ReturnQuantiles:
    """A `Distribution` known by the quantiles of its log return, shape [LEVELS]."""

    symbol: str
    horizon_days: int
    origin_at: datetime
    returns: Floats = field(repr=False, compare=False)
    in_distribution: bool
    factors: tuple[str, ...] = ()

    def quantiles(self, reference: Decimal, share: float = 1.0) -> dict[str, Decimal]:
        """Prices by level; the centre shrinks with the time left, the width with its root."""
        centre = float(self.returns[LEVELS.index(0.5)])
        left = centre * share + (self.returns - centre) * share**0.5
        return {
            str(level): price(reference, float(each))
            for level, each in zip(LEVELS, left, strict=True)
        }

    def parameters(self) -> dict[str, object]:
        """None: its quantiles say all."""
        return {}


def distributions(champion: Champion, history: History) -> list[ReturnQuantiles]:
    """What the champion expects at all horizons after the history's last close."""
    returns = champion.forecaster.quantiles(history.window)[0]
    familiar = bool(champion.forecaster.is_familiar(history.window)[0])
    factors = volatility.of_window(history.window[0])
    return [
        ReturnQuantiles(
            history.token.symbol, horizon, history.origin_at, of_horizon, familiar, factors
        )
        for horizon, of_horizon in zip(HORIZONS, returns, strict=True)
    ]


def forecasts(champion: Champion, history: History, issued_at: datetime) -> list[Forecast]:
    """The forecasts of all horizons from the history's last close."""
    basis = Basis(history.token.id, history.reference_price, history.price_source, history.digest)
    return [
        forecast(champion.info, each, basis, issued_at) for each in distributions(champion, history)
    ]

"""From a champion and a history to forecasts in prices. Pure: the log and the server share it."""

from datetime import datetime, timedelta
from decimal import Decimal

from coinsphere.market.anchoring import price
from ml.data.history import History
from ml.data.horizons import HORIZONS, LEVELS
from ml.data.windows import Floats
from ml.evaluation.results import Forecast
from ml.registry import code_version
from ml.registry.token_registry import Champion


def forecasts(champion: Champion, history: History, issued_at: datetime) -> list[Forecast]:
    """The forecasts of all horizons from the history's last close."""
    returns = champion.forecaster.quantiles(history.window)[0]
    return [
        Forecast(
            token=history.token,
            horizon_days=horizon,
            origin_at=history.origin_at,
            target_at=history.origin_at + timedelta(days=horizon),
            issued_at=issued_at,
            reference_price=history.reference_price,
            quantiles={
                str(level): price(history.reference_price, float(log_return))
                for level, log_return in zip(LEVELS, of_horizon, strict=True)
            },
            model_name=champion.model_name,
            model_version=champion.version,
            algorithm=champion.facts.algorithm,
            run_id=champion.facts.run_id,
            data_digest=champion.facts.data_digest,
            code_version=code_version.current(),
            price_source=history.price_source,
            is_backfill=issued_at >= history.origin_at + timedelta(days=horizon),
            input_digest=history.digest,
        )
        for horizon, of_horizon in zip(HORIZONS, returns, strict=True)
    ]


def narrowed(returns: Floats, reference: Decimal, share: float) -> dict[str, Decimal]:
    """Prices by level when only a share of the horizon is still to come: what has passed moves the price no more.

    The centre shrinks with the time left, the width with its root.

    Args:
        returns: log returns of the whole horizon, shape [LEVELS].
        reference: the price that they start from.
        share: of the horizon, at most 1.
    """
    centre = float(returns[LEVELS.index(0.5)])
    left = centre * share + (returns - centre) * share**0.5
    return {
        str(level): price(reference, float(each)) for level, each in zip(LEVELS, left, strict=True)
    }

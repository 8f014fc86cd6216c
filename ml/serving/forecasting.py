"""From a champion and a history to forecasts in prices. Pure: the log and the server share it."""

from datetime import datetime, timedelta
from decimal import Context, Decimal

import numpy as np

from ml.data.history import History
from ml.data.horizons import HORIZONS, LEVELS
from ml.data.windows import Floats
from ml.evaluation.results import Forecast
from ml.registry import code_version
from ml.registry.token_registry import Champion

_PRICE = Context(prec=12)
"""Digits of a forecast price: more would be a pretence, and numeric(38, 18) holds these of any price."""

_LEAST = Decimal("1e-18")


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


def price(reference: Decimal, log_return: float) -> Decimal:
    """The price a log return away from `reference`, in 12 digits and 18 decimals at most; never zero.

    Raises:
        ValueError: the return is not finite.
    """
    if not np.isfinite(log_return):
        raise ValueError(f"a model gave the log return {log_return}")
    if log_return == 0:
        return reference  # "as today" is today's price, to the last digit
    exact = _PRICE.multiply(reference, Decimal(repr(float(np.exp(log_return)))))
    # Divided by the least price it is a whole number of those: what lies beyond 18 decimals is rounded away.
    return max((exact / _LEAST).to_integral_value() * _LEAST, _LEAST)

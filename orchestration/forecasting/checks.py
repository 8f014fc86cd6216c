"""What must hold of forecasts before anybody believes them."""

from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import Connection

from coinsphere.settings import Settings
from expectations import suites
from orchestration import checks
from orchestration.forecasting.assets import PREDICTIONS

if TYPE_CHECKING:
    import pandas as pd


def _predictions(conn: Connection, _: Settings, now: datetime) -> "pd.DataFrame":
    from expectations import frames

    return frames.predictions(conn, now)


CHECKS = [
    checks.build(
        "check_predictions",
        PREDICTIONS,
        suites.predictions(),
        _predictions,
        ["symbol", "origin_at", "horizon_days"],
    ),
]

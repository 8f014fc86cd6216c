"""What must hold of the features that models are trained on. Keys, ranges and formulas are tested by dbt itself."""

from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import Connection

from coinsphere.settings import Settings
from expectations.suites import features
from orchestration.checks import suites
from orchestration.warehouse.assets import FEATURES

if TYPE_CHECKING:
    import pandas as pd


def _features(conn: Connection, settings: Settings, now: datetime) -> "pd.DataFrame":
    from expectations.frames import features as frame

    return frame.read(conn, now, settings.ml_tokens)


CHECKS = [
    suites.build("check_features", FEATURES, features.SUITE, _features, ["symbol", "day"]),
]

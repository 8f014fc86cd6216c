"""What must hold of market data: the suites of daily and hourly candles, and of quotes."""

from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import Connection

from coinsphere.settings import Settings
from expectations.suites import candles, hourly, quotes
from orchestration.checks import suites
from orchestration.market.assets import CANDLES_DAILY, CANDLES_HOURLY, QUOTES

if TYPE_CHECKING:
    import pandas as pd


def _candles(conn: Connection, settings: Settings, now: datetime) -> "pd.DataFrame":
    from expectations.frames import candles as frame

    return frame.read(conn, now, settings.market_history_days)


def _hours(conn: Connection, settings: Settings, now: datetime) -> "pd.DataFrame":
    from expectations.frames import hourly as frame

    return frame.read(conn, now, settings.market_hourly_days)


def _quotes(conn: Connection, settings: Settings, now: datetime) -> "pd.DataFrame":
    from expectations.frames import quotes as frame

    return frame.read(conn, now, settings.market_stale_seconds)


CHECKS = [
    suites.build("check_candles", CANDLES_DAILY, candles.SUITE, _candles, ["symbol", "day"]),
    suites.build("check_hours", CANDLES_HOURLY, hourly.SUITE, _hours, ["symbol", "opened_at"]),
    suites.build("check_quotes", QUOTES, quotes.SUITE, _quotes, ["symbol", "observed_at"]),
]

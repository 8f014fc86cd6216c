"""The days that candles are partitioned by, and ranges of them that one run covers."""

from datetime import date, datetime

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from coinsphere.clock import DAY

FIRST_DAY = "2010-01-01"
"""No market quoted a token before; Bitcoin's first public price is of July 2010."""

DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)
"""UTC days. The offset lets the day that is still open be fetched; its candle is marked as unfinished."""


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags by which one run covers the days from `first` to `last`, both included."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
    }


def newest_days(now: datetime) -> dict[str, str]:
    """Tags of yesterday and today: a candle that was open an hour ago may have closed since."""
    return range_tags((now - DAY).date(), now.date())

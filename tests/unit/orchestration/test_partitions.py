"""Daily partitions."""

from datetime import UTC, date, datetime

import pytest

from orchestration.partitions import DAYS, newest_days, range_tags


def test_the_unfinished_day_has_a_partition():
    now = datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)

    keys = DAYS.get_partition_keys(current_time=now)

    assert keys[0] == "2010-01-01"
    assert keys[-1] == "2026-03-01"


def test_a_partition_is_one_utc_day():
    window = DAYS.time_window_for_partition_key("2024-02-29")

    assert window.start == datetime(2024, 2, 29, tzinfo=UTC)
    assert window.end == datetime(2024, 3, 1, tzinfo=UTC)


def test_a_range_is_written_as_dagster_reads_it():
    assert range_tags(date(2024, 2, 28), date(2024, 3, 1)) == {
        "dagster/asset_partition_range_start": "2024-02-28",
        "dagster/asset_partition_range_end": "2024-03-01",
    }


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (datetime(2026, 1, 1, 0, 10, tzinfo=UTC), "2025-12-31", "2026-01-01"),
        (datetime(2024, 3, 1, 23, 59, tzinfo=UTC), "2024-02-29", "2024-03-01"),
    ],
)
def test_the_newest_days_hold_the_one_that_just_closed(now, first, last):
    assert list(newest_days(now).values()) == [first, last]

"""Named policies: how old an asset may get, and what rebuilds it without a schedule."""

from datetime import timedelta

import dagster as dg


def minutely_or_late() -> dg.FreshnessPolicy:
    """Work of every minute: a warning after 5 minutes, which is when a quote counts as stale; failed after 15."""
    return dg.FreshnessPolicy.time_window(
        fail_window=timedelta(minutes=15), warn_window=timedelta(minutes=5)
    )


def hourly_or_late() -> dg.FreshnessPolicy:
    """Work of every hour: a warning when one run is missing, failed when two are."""
    return dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=3), warn_window=timedelta(hours=2)
    )


def daily_after_close() -> dg.FreshnessPolicy:
    """Work that follows the daily close at midnight UTC and must be done by 01:00."""
    return dg.FreshnessPolicy.cron(
        deadline_cron="0 1 * * *", lower_bound_delta=timedelta(hours=1), timezone="UTC"
    )


def weekly_or_late() -> dg.FreshnessPolicy:
    """Work of every week: a warning a day late, failed a week late."""
    return dg.FreshnessPolicy.time_window(
        fail_window=timedelta(days=15), warn_window=timedelta(days=8)
    )


def when_its_code_changes() -> dg.AutomationCondition[dg.AssetKey]:
    """Rebuild an asset whose code version is another than when last looked at.

    Does nothing on the first look, nor while the asset is being built or something upstream of it is missing. A failed
    build is not asked for again: the hourly job comes anyway.
    """
    changed = dg.AutomationCondition.code_version_changed()
    return (
        changed.since(
            dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()
        )
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("when_its_code_changes")

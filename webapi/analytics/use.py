"""Figures of product use, as dbt computes them, for the route and the page alike."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeVar

from psycopg import Connection

from webapi.backends import warehouse
from webapi.services import services

ANY = "any"
"""The feature that stands for whatever somebody did."""

_STEPS = """
    select registered_month as month, step, users, median_hours
    from marts.fct_activation
    where registered_month >= date_trunc('month', %(since)s::date)
    order by registered_month desc, step_number
"""
# A cohort is as large as it was in its own week, whoever left since.
_WEEKS = """
    select later.cohort_week, later.week_number, first.cohort_users, later.active_users as users
    from marts.fct_retention_weekly later
    join marts.fct_retention_weekly first on first.cohort_week = later.cohort_week and first.week_number = 0
    where later.cohort_week >= %(since)s
    order by later.cohort_week desc, later.week_number
"""
_FEATURES = """
    select week, feature, users, days
    from marts.fct_feature_use_weekly
    where week >= %(since)s
    order by week desc, users desc nulls last, feature
"""
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Step:
    """How many users reached a step of a funnel, and after how long; None where they are few."""

    month: date
    step: str
    users: int | None
    median_hours: Decimal | None


@dataclass(frozen=True, slots=True)
class CohortWeek:
    """How many users of a cohort were active so many weeks later; None where they are few."""

    cohort_week: date
    week_number: int
    cohort_users: int | None
    users: int | None


@dataclass(frozen=True, slots=True)
class FeatureWeek:
    """How many users used a feature in a week, and on how many days together; None where they are few."""

    week: date
    feature: str
    users: int | None
    days: int | None


@dataclass(frozen=True, slots=True)
class ProductUse:
    """Funnels by month of registration, cohorts by week, features by week; the newest first."""

    activation: list[dict[str, Any]]
    retention: list[dict[str, Any]]
    features: list[dict[str, Any]]


def looked_at(weeks: int) -> ProductUse:
    """The figures of so many weeks up to now. Empty before dbt has built any, and where nobody consents."""
    work = services()
    since = {"since": work.clock().date() - timedelta(weeks=weeks)}
    with work.database.connection() as conn:
        steps = _rows(conn, _STEPS, since, Step)
        cohorts = _rows(conn, _WEEKS, since, CohortWeek)
        features = _rows(conn, _FEATURES, since, FeatureWeek)
    return ProductUse(_months(steps), _cohorts(cohorts), _weeks(features))


def _rows(conn: Connection, statement: str, since: dict[str, date], row: type[Row]) -> list[Row]:
    return warehouse.rows(conn, statement, since, row) or []


def _months(rows: list[Step]) -> list[dict[str, Any]]:
    return [
        {"month": month, "steps": list(steps)}
        for month, steps in groupby(rows, lambda each: each.month)
    ]


def _cohorts(rows: list[CohortWeek]) -> list[dict[str, Any]]:
    by_week = groupby(rows, lambda each: (each.cohort_week, each.cohort_users))
    return [
        {"cohort_week": week, "users": users, "weeks": list(weeks)}
        for (week, users), weeks in by_week
    ]


def _weeks(rows: list[FeatureWeek]) -> list[dict[str, Any]]:
    return [
        {"week": week, "features": list(features)}
        for week, features in groupby(rows, lambda each: each.week)
    ]

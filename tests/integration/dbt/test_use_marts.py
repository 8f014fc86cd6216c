"""What product events amount to, built by the real dbt: on nothing, week by week, and without anybody who could be known."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.integration.dbt.test_warehouse import dbt

MODELS = ("fct_activation", "fct_retention_weekly", "fct_feature_use_weekly")
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday."""
_USER = """
    insert into app.users (email, password_hash, usage_shared_since)
    values (%(name)s || '@example.com', 'x', %(since)s) returning id
"""
_EVENT = "insert into app.product_events (user_id, name, occurred_at) values (%s, %s, %s)"


def build(database, *options: str) -> None:
    dbt(database, "build", "--select", *(f"+{model}" for model in MODELS), *options)


def join(conn: psycopg.Connection, name: str, since: datetime, *acts: tuple[str, float]):
    """A user who shares since then, with acts so many days later."""
    (user,) = conn.execute(_USER, {"name": name, "since": since}).fetchone()
    for act, days in (("registered", 0), *acts):
        conn.execute(_EVENT, [user, act, since + timedelta(days=days)])
    return user


def mart(database, name: str, condition: str = "true") -> list[tuple]:
    with psycopg.connect(database.readonly) as conn:
        return conn.execute(
            f"select * from marts.{name} where {condition} order by 1, 2"
        ).fetchall()


@pytest.fixture(scope="module")
def empty(module_database):
    build(module_database)
    build(module_database)
    return module_database


@pytest.fixture(scope="module")
def used(empty):
    """Six users of one week, five of whom come back in the next; one of the next week."""
    with psycopg.connect(empty.owner, autocommit=True) as conn:
        for number in range(6):
            again = [("dashboard_viewed", 7.0)] if number else [("alert_fired", 7.0)]
            join(conn, f"user{number}", FIRST, ("confirmed", 0.5), ("portfolio_made", 1), *again)
        join(conn, "late", FIRST + timedelta(days=8), ("portfolio_viewed", 0))
        conn.execute(
            "insert into app.users (email, password_hash) values ('silent@example.com', 'x')"
        )
    build(empty)
    return empty


def test_nothing_makes_empty_tables_as_often_as_it_is_built(empty) -> None:
    assert [mart(empty, name) for name in MODELS] == [[], [], []]


def test_a_funnel_counts_who_came_so_far_and_how_long_it_took(used) -> None:
    found = [(row[2], row[3], row[4]) for row in mart(used, "fct_activation")]
    assert found == [
        ("registered", 7, 0),
        ("confirmed", 6, 12),
        ("portfolio_made", 6, 24),
        ("portfolio_filled", 0, None),
        ("alert_created", 0, None),
    ]


def test_cohorts_are_counted_by_week_and_few_are_not_told(used) -> None:
    first = mart(used, "fct_retention_weekly", "cohort_week = '2026-03-02' and week_number < 3")
    assert [row[1:] for row in first] == [(0, 6, 6), (1, 6, 5), (2, 6, 0)]
    second = mart(used, "fct_retention_weekly", "cohort_week = '2026-03-09' and week_number < 2")
    assert [row[1:] for row in second] == [(0, None, None), (1, None, 0)]


def test_features_are_counted_by_week_and_few_are_not_told(used) -> None:
    found = {(str(week), feature): rest for week, feature, *rest in mart(used, MODELS[2])}
    assert found["2026-03-02", "registered"] == [6, 6]
    assert found["2026-03-02", "any"] == [6, 12]
    assert found["2026-03-09", "dashboard_viewed"] == [5, 5]
    assert found["2026-03-09", "portfolio_viewed"] == [None, None]


def test_no_role_reads_single_events_through_a_view(used) -> None:
    for view in ("stg_app__product_events", "stg_app__sharers"):
        with psycopg.connect(used.readonly) as conn, pytest.raises(psycopg.Error) as refused:
            conn.execute(f"select * from staging.{view}")
        assert refused.value.sqlstate == "42501"


def test_weeks_that_are_over_stay_as_they_were_whoever_leaves(used) -> None:
    """Runs last: it changes what the others read."""
    before = {name: mart(used, name) for name in MODELS}
    with psycopg.connect(used.owner, autocommit=True) as conn:
        newest = datetime.now(UTC)
        for number in range(5):
            join(conn, f"new{number}", newest, ("forecast_viewed", 0))
        build(used)
        kept = mart(used, "fct_retention_weekly", "cohort_week = '2026-03-02'")
        conn.execute("delete from app.users where email like 'user%'")
    build(used)
    old = [row for row in before["fct_activation"] if str(row[0]) == "2026-03-01"]
    assert mart(used, "fct_activation", "registered_month = '2026-03-01'") == old
    week = "week in ('2026-03-02', '2026-03-09')"
    assert mart(used, MODELS[2], week) == before[MODELS[2]]
    assert mart(used, "fct_retention_weekly", "cohort_week = '2026-03-02'") == kept
    viewed = mart(used, MODELS[2], "feature = 'forecast_viewed'")
    assert [row[2:] for row in viewed] == [(5, 5)]
    build(used, "--full-refresh")
    assert mart(used, "fct_retention_weekly", "cohort_week = '2026-03-02'") == []

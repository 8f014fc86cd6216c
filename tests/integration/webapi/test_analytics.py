"""What product events amount to, read as dbt leaves it; before its first build there is nothing to read."""

from tests.integration.webapi.conftest import assert_problem

_MARTS = """
    create table marts.fct_activation (registered_month date, step_number int, step text, users int, median_hours numeric);
    create table marts.fct_retention_weekly (cohort_week date, week_number int, cohort_users int, active_users int);
    create table marts.fct_feature_use_weekly (week date, feature text, users int, days int);
    grant select on marts.fct_activation, marts.fct_retention_weekly, marts.fct_feature_use_weekly to coinsphere_api;
    insert into marts.fct_activation values
        ('2026-02-01', 2, 'confirmed', 8, 1.5), ('2026-02-01', 1, 'registered', 10, 0),
        ('2026-03-01', 1, 'registered', null, null), ('2025-10-01', 1, 'registered', 99, 0);
    insert into marts.fct_retention_weekly values
        ('2026-02-23', 0, 10, 10), ('2026-02-23', 1, 9, 6), ('2026-02-23', 2, 9, null), ('2026-03-09', 0, null, 0);
    insert into marts.fct_feature_use_weekly values
        ('2026-03-02', 'any', 9, 20), ('2026-03-02', 'alert_created', null, null), ('2026-03-02', 'forecast_viewed', 7, 8),
        ('2026-03-09', 'any', 6, 6);
"""
DROP = "drop table if exists marts.fct_activation, marts.fct_retention_weekly, marts.fct_feature_use_weekly"


def test_what_is_used_is_told_to_analysts(analyst, person, owner_db) -> None:
    owner_db.execute(DROP)
    assert analyst.get("/admin/analytics").json == {
        "activation": [],
        "retention": [],
        "features": [],
    }
    owner_db.execute(_MARTS)
    found = analyst.get("/admin/analytics?weeks=8").json
    assert found["activation"] == [
        {
            "month": "2026-03-01",
            "steps": [{"step": "registered", "users": None, "medianHours": None}],
        },
        {
            "month": "2026-02-01",
            "steps": [
                {"step": "registered", "users": 10, "medianHours": 0},
                {"step": "confirmed", "users": 8, "medianHours": 1.5},
            ],
        },
    ]
    assert found["retention"] == [
        {"cohortWeek": "2026-03-09", "users": None, "weeks": [{"weekNumber": 0, "users": 0}]},
        {
            "cohortWeek": "2026-02-23",
            "users": 10,
            "weeks": [
                {"weekNumber": 0, "users": 10},
                {"weekNumber": 1, "users": 6},
                {"weekNumber": 2, "users": None},
            ],
        },
    ]
    assert found["features"] == [
        {"week": "2026-03-09", "features": [{"feature": "any", "users": 6, "days": 6}]},
        {
            "week": "2026-03-02",
            "features": [
                {"feature": "any", "users": 9, "days": 20},
                {"feature": "forecast_viewed", "users": 7, "days": 8},
                {"feature": "alert_created", "users": None, "days": None},
            ],
        },
    ]
    assert analyst.get("/admin/analytics?weeks=1").json["retention"] == found["retention"][:1]
    for wrong in ("weeks=0", "weeks=53", "weeks=x"):
        assert_problem(analyst.get(f"/admin/analytics?{wrong}"), 400)
    assert_problem(person.get("/admin/analytics"), 403)

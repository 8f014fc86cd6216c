"""What was forecast, as it was known at a moment of the past."""

from datetime import datetime, timedelta
from urllib.parse import quote

import psycopg
import pytest

from coinsphere.market.quality import set_aside
from coinsphere.market.quality.set_aside import Scope, Subject
from coinsphere.market.reference import tokens as token_store
from tests.integration.webapi.conftest import NOW, assert_problem
from webapi.http import cursor

DIGEST = "b" * 64
DAY = timedelta(days=1)
ORIGINS = [NOW.replace(hour=0, minute=0) - DAY * days for days in (4, 3, 2)]
"""Each forecast is issued five minutes after its origin, and the next one after the close that it foretells."""


MOMENTS = [NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)]
"""After all forecasts: before a change, after it, and after the next."""


@pytest.fixture(scope="module")
def stored(module_database):
    """Three forecasts of ETH for the next day, and no close that came."""
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        token_id = token_store.by_symbol(conn, "ETH").id
        conn.execute(
            """
            insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
            values (%s, %s, '2025-01-01', '2026-03-01', 400, 'binance', 'x')
            """,
            [DIGEST, token_id],
        )
        conn.cursor().executemany(
            """
            insert into model.predictions
                (token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median,
                 lower80, upper80, lower95, upper95, model_name, model_version, algorithm, run_id, data_digest,
                 code_version, price_source)
            values (%s, 1, %s, %s, %s, 100, '{}', 102, 98, 106, 90, 120, 'm', 1, 'lstm', 'r', %s, 'c', 'binance')
            """,
            [
                [token_id, origin, origin + DAY, origin + timedelta(minutes=5), DIGEST]
                for origin in ORIGINS
            ],
        )
        yield conn, token_id


def known(person, as_of: datetime, more: str = "") -> dict:
    answer = person.get(f"/predictions/ETH/history?asOf={quote(as_of.isoformat())}{more}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_forecast_is_known_from_when_it_was_issued(person, stored) -> None:
    issued = ORIGINS[1] + timedelta(minutes=5)
    before = known(person, issued - timedelta(seconds=1))["predictions"]
    assert [each["originAt"] for each in before] == [f"{ORIGINS[0]:%Y-%m-%dT%H:%M:%SZ}"]
    assert len(known(person, issued)["predictions"]) == 2
    assert known(person, ORIGINS[0])["predictions"] == []
    page = known(person, NOW, "&limit=2")
    rest = known(person, NOW, f"&limit=2&cursor={page['nextCursor']}")
    shown = [each["originAt"] for each in page["predictions"] + rest["predictions"]]
    assert shown == [f"{origin:%Y-%m-%dT%H:%M:%SZ}" for origin in reversed(ORIGINS)]
    assert rest["nextCursor"] is None
    held_out = cursor.encode([ORIGINS[0], None])
    assert known(person, NOW, f"&cursor={held_out}")["predictions"] == []


def test_a_corrected_close_is_the_one_that_was_believed_at_each_moment(person, stored) -> None:
    conn, token_id = stored
    conn.execute(
        """
        insert into market.price_data
            (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at, ingested_at)
        values (%s, '1d', %s, 100, 200, 50, 110, 'kraken', true, %s, %s)
        """,
        [token_id, ORIGINS[0], MOMENTS[1], MOMENTS[1]],
    )
    conn.execute(
        "update market.price_data set close = 104, ingested_at = %s where token_id = %s and opened_at = %s",
        [MOMENTS[2], token_id, ORIGINS[0]],
    )
    oldest = [known(person, moment)["predictions"][-1] for moment in MOMENTS]
    seen = [(each["realisedPrice"], each["error"], each["within80"]) for each in oldest]
    assert seen == [(None, None, None), (110, -8, False), (104, -2, True)]
    assert [each["predictedPrice"] for each in oldest] == [102, 102, 102]


def test_what_a_check_held_aside_then_was_not_shown_then(person, stored) -> None:
    conn, token_id = stored
    subject = Subject(token_id, ORIGINS[2], "a_rule", "It leaps.", {})
    for found, moment in (([subject], MOMENTS[1]), ([], MOMENTS[2])):
        set_aside.apply(conn, Scope.FORECAST, ["a_rule"], found, ORIGINS[0], moment)
    assert [len(known(person, moment)["predictions"]) for moment in MOMENTS] == [3, 2, 3]


@pytest.mark.parametrize("moment", ["yesterday", "2026-03-10T00:00:00", "1"])
def test_a_moment_that_is_none_is_refused(person, moment: str) -> None:
    assert_problem(person.get(f"/predictions/ETH/history?asOf={moment}"), 400)


@pytest.mark.parametrize(
    ("end", "count"), [("0001-01-01T00:00:00%2B14:00", 0), ("9999-12-31T23:59:59-14:00", 3)]
)
def test_the_ends_of_time_are_moments(person, stored, end: str, count: int) -> None:
    answer = person.get(f"/predictions/ETH/history?asOf={end}")
    assert answer.status_code == 200, answer.text
    assert len(answer.json["predictions"]) == count

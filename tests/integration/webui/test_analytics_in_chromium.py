"""From product events by the real dbt to the page that shows what they amount to, in a real browser; see `test_in_chromium`."""

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.integration.dbt.test_use_marts import build, join
from tests.integration.local.chromium import PROGRAM
from tests.integration.webui.test_account_in_chromium import mended, register
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import served as served  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
_WAY = (
    ("confirmed", 0.1, 0.9), ("portfolio_made", 0.5, 0.8), ("transactions_imported", 1.0, 0.7),
    ("forecast_viewed", 1.5, 0.8), ("alert_created", 3.0, 0.4), ("tax_report_made", 4.0, 0.05),
)  # fmt: skip
"""What some of the users do, after how many days, and which part of them."""


@pytest.fixture(scope="module")
def counted(served):
    """Ten weeks of users of whom ever fewer come back, counted by dbt."""
    chance, now = random.Random(18), datetime.now(UTC)
    with psycopg.connect(served.database, autocommit=True) as conn:
        for weeks in range(10):
            for number in range(4 + 3 * (weeks % 4)):
                # Seconds apart: hours would reach into the week before on a Monday.
                since = now - timedelta(weeks=weeks, seconds=number)
                wanted = [
                    (name, days) for name, days, likely in _WAY if chance.random() < likely
                ] + [
                    ("dashboard_viewed", 7.0 * week + 1)
                    for week in range(weeks)
                    if chance.random() < 0.9 - 0.07 * week
                ]
                acts = [each for each in wanted if since + timedelta(days=each[1]) < now]
                join(conn, f"w{weeks}n{number}", since, *acts)
    build(served)
    return served


def test_what_is_used_is_seen_and_allowed(walk, counted) -> None:
    page, email = walk.page, register(walk)
    walk.go("/profile/data")
    page.get_by_role("button", name="Allow it", exact=True).click()
    page.get_by_text("You have allowed it since").wait_for()
    walk.look("data")
    with psycopg.connect(counted.database, autocommit=True) as conn:
        conn.execute("update app.users set role = 'analyst' where email = %s", [email])
    walk.go("/admin/analytics")
    page.get_by_role("heading", name="How far new users come").wait_for()
    walk.look("analytics")
    page.get_by_role("link", name="26 weeks").click()
    page.get_by_role("heading", name="Who comes back").wait_for()
    assert page.locator("table.heat tbody tr").count() == 10
    assert page.get_by_title("fewer than five").count() > 0
    page.get_by_role("rowheader", name="Forecast looked at").wait_for()
    assert mended(walk) == []

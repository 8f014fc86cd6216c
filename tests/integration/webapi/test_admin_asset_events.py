"""What happened to tokens: recorded and removed by administrators, told in the audit log, and read in the unit of today."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest

from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from tests.integration.webapi.conftest import NOW, OPTIONS, assert_problem, new_person
from webapi.alerts import backtest_data

MIDNIGHT = NOW.replace(hour=0, minute=0)
UNIT = MIDNIGHT - timedelta(days=10)
PATH = "/admin/asset-events"
EVENT = {
    "kind": "redenomination",
    "token": "pepe",
    "ratio": "1,000:1",
    "happenedAt": UNIT.isoformat(),
    "reason": "a test",
}


@pytest.fixture
def api_db(module_database):
    with psycopg.connect(module_database.api, autocommit=True, options=OPTIONS) as conn:
        yield conn


def told(owner_db, action):
    rows = owner_db.execute(
        "select target, details from app.audit_logs where action = %s order by id", [action]
    )
    return rows.fetchall()


@pytest.fixture
def events(administrator):
    """Adds events, and lets them count no more when the test is over."""
    made = []

    def add(**changes):
        answer = administrator.post(PATH, {**EVENT, **changes})
        if answer.status_code == 201:
            made.append(answer.json["assetEvent"]["id"])
        return answer

    yield add
    for number in made:
        administrator.post(f"{PATH}/{number}/remove", {"reason": "the test is over"})


def test_an_event_is_recorded_listed_and_removed_with_a_trail(
    administrator, analyst, events, client, owner_db
) -> None:
    made = events().json["assetEvent"]
    by = f"administrator {administrator.id}"
    assert (made["symbol"], made["ratio"], made["recordedBy"]) == ("PEPE", "1000:1", by)
    assert (made["successorId"], made["appliedAt"], made["removedAt"]) == (None, None, None)
    assert owner_db.execute(
        "select count(*) from jobs.procrastinate_jobs where task_name = 'apply_asset_events' and status = 'todo'"
    ).fetchone() == (1,)
    assert analyst.get(f"{PATH}?token={made['tokenId']}").json["assetEvents"] == [made]
    assert made in analyst.get(PATH).json["assetEvents"]
    again = events(ratio="2:1")
    assert_problem(again, 409, says="another unit from that day on, already")

    gone = administrator.post(f"{PATH}/{made['id']}/remove", {"reason": "another coin"}).json
    assert (gone["assetEvent"]["removedBy"], gone["assetEvent"]["removalReason"]) == (
        by,
        "another coin",
    )
    assert_problem(administrator.post(f"{PATH}/{made['id']}/remove", {"reason": "twice"}), 404)
    assert analyst.get(f"{PATH}?token=PEPE").json["assetEvents"] == []
    assert len(analyst.get(f"{PATH}?token=PEPE&past=true").json["assetEvents"]) == 1
    details = {"kind": "redenomination", "symbol": "PEPE", "successor": None, "ratio": "1000:1", "happenedAt": UNIT.isoformat()}  # fmt: skip
    assert told(owner_db, "admin.asset_event_added")[-1] == (made["id"], details)
    assert told(owner_db, "admin.asset_event_removed")[-1] == (made["id"], details)

    assert_problem(analyst.post(PATH, EVENT), 403, says="Admin access required")
    assert_problem(new_person(client).get(PATH), 403, says="Analyst access required")
    owner_db.execute("update app.sessions set authenticated_at = '2020-01-01'")
    assert_problem(events(), 403, says="a recent login is needed")


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"ratio": "x"}, 400, "is no ratio"),
        ({"ratio": "0:1"}, 400, "is no ratio"),
        ({"ratio": "1:1"}, 400, "changes the unit"),
        ({"happenedAt": (UNIT + timedelta(hours=1)).isoformat()}, 400, "midnight"),
        ({"happenedAt": "0001-01-01T00:00:00Z"}, 400, "before 2009"),
        ({"happenedAt": "2026-02-28T00:00:00"}, 400, "timezone"),
        ({"kind": "swap"}, 400, "names the other token"),
        ({"kind": "merger"}, 400, "kind"),
        ({"successor": "BTC"}, 400, "of one token"),
        ({"reason": " a "}, 400, "reason"),
        ({"token": "NOPE"}, 404, "NOPE"),
        ({"token": "a\0b"}, 400, ""),
        ({"kind": "swap", "successor": str(uuid4())}, 404, ""),
        ({"kind": "swap", "token": "SKY", "successor": "MKR", "ratio": "24000:1"}, 409, "became this one"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_is_refused_and_says_why(events, owner_db, changes, status, says):
    before = owner_db.execute("select count(*) from market.asset_events").fetchone()
    answer = events(**changes)
    assert_problem(answer, status)
    assert says in answer.text
    assert owner_db.execute("select count(*) from market.asset_events").fetchone() == before


def test_a_price_and_the_preview_of_an_alert_are_of_todays_unit(
    administrator, events, owner_db, api_db
) -> None:
    """Pepe at 0.000008 for 20 days; ten days ago 1,000 became one, which is worth 0.009 since."""
    owner_db.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    (token_id,) = owner_db.execute("select id from market.tokens where symbol = 'PEPE'").fetchone()
    owner_db.execute(
        "insert into market.price_data (token_id, interval, opened_at, open, high, low, close, source, is_final,"
        " observed_at, quality)"
        " select %s, '1d', d, p, p, p, p, 'kraken', true, d,"
        " case when d = %s::timestamptz + interval '5 days' then 'suspect' else 'ok' end"
        " from generate_series(%s::timestamptz, %s, '1 day') d,"
        " lateral (select case when d < %s then 0.000008 when d = %s::timestamptz + interval '5 days' then 9"
        " else 0.009 end as p) as price",
        [token_id, UNIT, UNIT - timedelta(days=10), MIDNIGHT - timedelta(days=1), UNIT, UNIT],
    )
    old = f"/tokens/PEPE/price?at={(UNIT - timedelta(hours=1)).isoformat()[:19]}Z"
    assert administrator.get(old).json["price"] == pytest.approx(Decimal("0.000008"))
    events()
    assert administrator.get(old).json["price"] == pytest.approx(Decimal("0.008"))
    alert = NewAlert(AlertType.PRICE, Condition.ABOVE, Decimal("0.0085"), token_id=token_id)
    found = backtest_data.of(api_db, UUID(administrator.id), alert, NOW)
    # The day that a check set aside says 9, and is not seen.
    assert {each.value for each in found.seen} == {Decimal("0.008"), Decimal("0.009")}
    assert [each.at for each in found.fired] == [UNIT + timedelta(days=1)]

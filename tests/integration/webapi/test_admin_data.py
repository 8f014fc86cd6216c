"""What checks set aside and what was refused on arrival, decided by administrators over the API, in its own role."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.quality import quarantine, set_aside
from coinsphere.market.quality.set_aside import Scope, Subject
from tests.integration.webapi.conftest import NOW, assert_problem, new_person
from webapi.services import EXTENSION

DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
WHY = {"reason": "seen in all markets"}


def candle(token_id, at, price, interval=Interval.DAY):
    numbers = [Decimal(price)] * 4
    return Candle(token_id, interval, at, *numbers, None, "kraken", is_final=True, observed_at=NOW)


@pytest.fixture
def pipeline_db(module_database):
    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        yield conn


@pytest.fixture
def token_id(owner_db, pipeline_db):
    """Injective with three days, of which checks set aside two; two rows of it were refused."""
    owner_db.execute(
        "truncate market.set_aside, market.set_aside_trail, market.price_data, market.quarantine"
    )
    owner_db.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    (found,) = owner_db.execute("select id from market.tokens where symbol = 'INJ'").fetchone()
    candle_store.load(pipeline_db, [candle(found, day, 5) for day in DAYS], lambda: NOW)
    subjects = [Subject(found, day, "a_rule", "It is wrong.", {"close": "5"}) for day in DAYS[:2]]
    set_aside.apply(pipeline_db, Scope.CANDLE, ["a_rule"], subjects, DAYS[0], NOW)
    for price in (4, 0):
        row = candle_store.rejected(candle(found, DAYS[2], price), "It contradicts.", found)
        quarantine.store(pipeline_db, [row])
    return found


@pytest.fixture
def analyst(client, owner_db):
    made = new_person(client)
    owner_db.execute("update app.users set role = 'analyst' where id = %s", [made.id])
    return made


def qualities(owner_db):
    rows = owner_db.execute("select close::int, quality from market.price_data order by opened_at")
    return rows.fetchall()


def told(owner_db, action):
    rows = owner_db.execute(
        "select target, details from app.audit_logs where action = %s order by id", [action]
    )
    return rows.fetchall()


@pytest.mark.usefixtures("token_id")
def test_what_is_set_aside_is_listed_released_and_removed_with_a_trail(
    administrator, analyst, owner_db, app, client
) -> None:
    first = analyst.get("/admin/data/set-aside?symbol=inj&limit=1").json
    (newest,) = first["entries"]
    assert (newest["symbol"], newest["scope"], newest["state"]) == ("INJ", "candle", "held")
    assert [step["actor"] for step in newest["trail"]] == ["check"]
    rest = analyst.get(f"/admin/data/set-aside?limit=1&cursor={first['nextCursor']}").json
    assert (len(rest["entries"]), rest["nextCursor"]) == (1, None)
    oldest = rest["entries"][0]
    app.extensions[EXTENSION].health._asked_at = float("-inf")
    assert client.get("/health").json["setAside"] == 2

    path = f"/admin/data/set-aside/{oldest['id']}"
    assert_problem(analyst.post(f"{path}/release", WHY), 403, says="Admin access required")
    assert_problem(administrator.post(f"{path}/release", {"reason": "  "}), 400)
    assert administrator.post(f"{path}/release", WHY).json == {"decided": 1}
    assert_problem(administrator.post(f"{path}/release", WHY), 404)
    assert qualities(owner_db) == [(5, "confirmed"), (5, "suspect"), (5, "ok")]

    assert administrator.post("/admin/data/set-aside/inj/remove", WHY).json == {"decided": 1}
    assert qualities(owner_db) == [(5, "confirmed"), (5, "ok")]
    assert analyst.get("/admin/data/set-aside").json["entries"] == []
    past = analyst.get("/admin/data/set-aside?past=true").json["entries"]
    by = f"administrator {administrator.id}"
    assert [entry["trail"][-1] | {"at": None} for entry in past] == [
        {"state": state, "at": None, "actor": by, **WHY} for state in ("removed", "released")
    ]
    details = {"rows": 1, "decision": "set_aside"}
    assert told(owner_db, "admin.data_released")[-1] == (str(oldest["id"]), details)
    assert told(owner_db, "admin.data_removed")[-1] == ("inj", details)
    kept = analyst.get("/admin/data/refused?past=true").json["rows"][0]
    assert (kept["resolution"], kept["resolvedBy"]) == ("rejected", by)


def test_hours_are_listed_released_and_removed_beside_the_day_that_opens_with_them(
    administrator, analyst, owner_db, pipeline_db, token_id
) -> None:
    """Midnight's hour and the day share token and start: a decision on one says nothing of the other."""
    hours = [DAYS[0] + timedelta(hours=hour) for hour in range(3)]
    candle_store.load(
        pipeline_db, [candle(token_id, at, 5, Interval.HOUR) for at in hours], lambda: NOW
    )
    told = [
        Subject(token_id, at, "a_rule", f"At {at:%H} it jumps.", {"close": "5"}) for at in hours
    ]
    set_aside.apply(pipeline_db, Scope.HOUR, ["a_rule"], told, DAYS[0], NOW)

    def state(interval):
        rows = owner_db.execute(
            "select quality from market.price_data where interval = %s order by opened_at",
            [interval],
        )
        return [quality for (quality,) in rows]

    entries = analyst.get("/admin/data/set-aside?symbol=INJ").json["entries"]
    of_hours = {each["about"]: each for each in entries if each["scope"] == "hour"}
    assert sorted(of_hours) == [f"2026-03-01T{hour:02}:00:00Z" for hour in range(3)]
    midnight, one, _ = (of_hours[about] for about in sorted(of_hours))
    assert (one["reason"], one["evidence"]) == ("At 01 it jumps.", {"close": "5"})
    assert [step["reason"] for step in one["trail"]] == [one["reason"]]
    days = ["suspect", "suspect", "ok"]
    assert (state("1h"), state("1d")) == (["suspect"] * 3, days)

    path = f"/admin/data/set-aside/{midnight['id']}"
    assert administrator.post(f"{path}/release", WHY).json == {"decided": 1}
    assert (state("1h"), state("1d")) == (["confirmed", "suspect", "suspect"], days)
    path = f"/admin/data/set-aside/{one['id']}"
    assert administrator.post(f"{path}/remove", WHY).json == {"decided": 1}
    assert_problem(administrator.post(f"{path}/release", WHY), 404)
    assert (state("1h"), state("1d")) == (["confirmed", "suspect"], days)
    (kept,) = analyst.get("/admin/data/refused?past=true&limit=1").json["rows"]
    assert (kept["payload"]["interval"], kept["payload"]["openedAt"][:16]) == (
        "1h",
        "2026-03-01T01:00",
    )
    assert kept["resolution"] == "rejected"

    # By the token: the hour that is left and both days.
    assert administrator.post("/admin/data/set-aside/INJ/remove", WHY).json == {"decided": 3}
    assert (state("1h"), state("1d")) == (["confirmed"], ["ok"])
    assert analyst.get("/admin/data/set-aside").json["entries"] == []


def test_what_was_refused_is_used_after_all_or_confirmed_to_be_wrong(
    administrator, analyst, owner_db, token_id
) -> None:
    wrong, good = analyst.get("/admin/data/refused?symbol=INJ").json["rows"]
    assert (good["payload"]["close"], good["tokenId"]) == ("4", str(token_id))

    answer = administrator.post("/admin/data/refused/INJ/release", WHY)
    assert_problem(answer, 409, says="open is zero")
    assert qualities(owner_db)[2] == (5, "ok")
    answer = administrator.post(f"/admin/data/refused/{wrong['id']}/remove", WHY)
    assert answer.json == {"decided": 1}
    assert administrator.post("/admin/data/refused/INJ/release", WHY).json == {"decided": 1}
    assert qualities(owner_db)[2] == (4, "confirmed")
    assert analyst.get("/admin/data/refused").json["rows"] == []
    assert_problem(administrator.post("/admin/data/refused/INJ/release", WHY), 404)


@pytest.mark.usefixtures("token_id")
def test_taking_candles_out_needs_a_recent_login(administrator, owner_db, clock) -> None:
    clock[0] = NOW + timedelta(minutes=6)
    try:
        answer = administrator.post("/admin/data/set-aside/INJ/remove", WHY)
    finally:
        clock[0] = NOW
    assert assert_problem(answer, 403)["requiresStepUp"] is True
    assert len(qualities(owner_db)) == 3


@pytest.mark.parametrize("which", ["999999", "9" * 30, "NOSUCH", "%00", "²"])
@pytest.mark.parametrize("where", ["set-aside", "refused"])
def test_what_is_not_there_is_not_found(administrator, where: str, which: str) -> None:
    for act in ("release", "remove"):
        assert_problem(administrator.post(f"/admin/data/{where}/{which}/{act}", WHY), 404)


@pytest.mark.usefixtures("token_id")
def test_the_apis_role_can_do_nothing_else_to_prices(module_database) -> None:
    for statement in (
        "update market.price_data set close = 1",
        "delete from market.price_data",
        "insert into market.quotes select * from market.quotes",
        "update market.set_aside set state = 'released'",
        "insert into market.quarantine (kind, source, reason, payload) values ('quote', '', '', '{}')",
        "select market.follow_set_aside(now())",
    ):
        with (
            psycopg.connect(module_database.api) as conn,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            conn.execute(statement)


def test_the_health_of_a_day_is_told_by_token_and_venue(
    client, analyst, token_id, owner_db
) -> None:
    said = {"venue": "kraken", "currency": "USD", "apart": "4", "weight": "1", "age": 20}
    owner_db.execute(
        "insert into market.consensus (token_id, valid_at, price, confidence, agreed_at, state, venues, usual_move,"
        " method, constituents) values (%s, %s, 5, 0.005, %s, 'single', 1, 0, 1, %s)",
        [token_id, NOW, NOW, Jsonb([said])],
    )
    body = analyst.get("/admin/data?symbol=inj&days=2").json
    assert (body["since"], body["until"]) == ("2026-03-09", "2026-03-10")
    (token,), (venue,) = body["tokens"], body["venues"]
    assert (token["symbol"], token["tokenId"]) == ("INJ", str(token_id))
    today = token["days"][-1]
    assert (today["disagreement"], today["age"]) == (10, 0)
    # Its daily candles end on the third.
    assert [each["completeness"] for each in token["days"]] == [0, None]
    assert (venue["venue"], venue["days"][-1]["votes"], venue["days"][-1]["completeness"]) == (
        "kraken",
        1,
        1,
    )

    first = analyst.get("/admin/data?limit=20").json
    second = analyst.get(f"/admin/data?limit=50&cursor={first['nextCursor']}").json
    symbols = [each["symbol"] for each in first["tokens"] + second["tokens"]]
    assert symbols == sorted(symbols)
    assert len(symbols) == len({*symbols}) == 31
    assert second["nextCursor"] is None
    for wrong in ("days=0", "days=32", "limit=51", "cursor=x", "cursor=WzEsMl0"):
        assert_problem(analyst.get(f"/admin/data?{wrong}"), 400)
    assert_problem(analyst.get("/admin/data?symbol=NOPE"), 404)
    assert_problem(new_person(client).get("/admin/data"), 403, says="Analyst access required")

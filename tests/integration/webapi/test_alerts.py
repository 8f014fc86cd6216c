"""Alerts over the wire: the old words, the exact thresholds, and whose they are."""

import json
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.integration.webapi.conftest import assert_problem, exact

USUAL = {"alertType": "price", "tokenSymbol": "btc", "condition": "above", "threshold": 100000}
FIELDS = {
    "id",
    "alertType",
    "tokenSymbol",
    "portfolioId",
    "condition",
    "threshold",
    "isActive",
    "lastTriggered",
    "triggerCount",
    "cooldownSeconds",
    "hysteresis",
    "warnings",
    "expiresAt",
    "channels",
    "channelIds",
    "lastValue",
    "lastEvaluatedAt",
    "createdAt",
    "updatedAt",
}


def create(person, **changes):
    return person.post("/alerts", {**USUAL, **changes})


def portfolio(owner_db, user_id: str) -> str:
    row = owner_db.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'Mine') returning id", [user_id]
    ).fetchone()
    return str(row[0])


def test_an_alert_lives_and_dies(person) -> None:
    made = create(person)
    assert made.status_code == 201
    alert = made.json["alert"]
    assert set(alert) == FIELDS
    assert alert["tokenSymbol"] == "BTC"
    assert (alert["isActive"], alert["triggerCount"], alert["lastTriggered"]) == (True, 0, None)
    assert alert["channels"] == ["email"]
    path = f"/alerts/{alert['id']}"
    assert person.get("/alerts").json == {"alerts": [alert]}
    assert person.get(path).json == {"alert": alert, "warnings": alert["warnings"]}
    assert person.ask("PATCH", f"{path}/toggle").json["alert"]["isActive"] is False
    assert person.ask("PATCH", f"{path}/toggle").json["alert"]["isActive"] is True
    changed = person.ask("PUT", path, json={"threshold": 5, "condition": "below"}).json["alert"]
    assert (changed["threshold"], changed["condition"]) == (5, "below")
    assert (changed["tokenSymbol"], changed["alertType"]) == ("BTC", "price")
    assert person.get(f"{path}/events").json == {"events": []}
    assert "message" in person.ask("DELETE", path).json
    assert_problem(person.get(path), 404, says="not found")
    assert_problem(person.ask("DELETE", path), 404)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("equals", "equal"),
        ("=", "equal"),
        (">", "above"),
        ("<", "below"),
        ("greater_than", "above"),
        ("less_than", "below"),
        ("crosses_above", "crosses_above"),
        ("crosses_below", "crosses_below"),
    ],
)
def test_the_words_of_old_clients(person, word: str, meaning: str) -> None:
    assert create(person, condition=word).json["alert"]["condition"] == meaning


@pytest.mark.parametrize(
    "number",
    ["0.000000012345678901", "0.00014884", "99999999999999999999.999999999999999999", "100000"],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_thresholds_survive_exactly(client, person, number: str, as_text: bool) -> None:
    literal = f'"{number}"' if as_text else number
    body = json.dumps(USUAL).replace("100000", literal)
    made = person.ask("POST", "/alerts", data=body, content_type="application/json")
    assert made.status_code == 201, made.text
    assert f'"threshold":{number},'.encode() in made.data
    path = f"/alerts/{made.json['alert']['id']}"
    assert exact(person.get(path))["alert"]["threshold"] == Decimal(number)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"threshold": "abc"}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"threshold": None}, "threshold"),
        ({"threshold": "NaN"}, "threshold"),
        ({"threshold": "Infinity"}, "threshold"),
        ({"threshold": "1e999999999"}, "threshold"),
        ({"threshold": "1_000"}, "threshold"),
        ({"threshold": "١٢"}, "threshold"),
        ({"threshold": "0.0000000000000000001"}, "threshold"),
        ({"threshold": -5}, "threshold"),
        ({"threshold": 0}, "threshold"),
        ({"alertType": "risk", "threshold": 101}, "threshold"),
        ({"alertType": "risk", "threshold": 100}, "threshold"),
        ({"alertType": "percent_change", "condition": "below", "threshold": -100}, "threshold"),
        ({"alertType": "prediction", "condition": "<", "threshold": -100.5}, "threshold"),
        ({"hysteresis": -1}, "hysteresis"),
        ({"hysteresis": 100000}, "hysteresis"),
        ({"condition": "sideways"}, "condition"),
        ({"condition": ["above"]}, "condition"),
        ({"alertType": "weather"}, "alertType"),
        ({"alertType": "portfolio"}, "portfolioId"),
        ({"tokenSymbol": None}, "tokenSymbol"),
        ({"portfolioId": str(uuid4())}, "portfolioId"),
        ({"channels": []}, "channels"),
        ({"channels": ["pigeon"]}, "channels.0"),
        ({"cooldownSeconds": -1}, "cooldownSeconds"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "2030-01-01T00:00:00"}, "expiresAt"),
        ({"userId": str(uuid4())}, "userId"),
    ],
)
def test_a_malformed_alert_is_refused(person, change: dict, path: str) -> None:
    body = assert_problem(create(person, **change), 400)
    assert body["details"][0]["path"] == path


def test_an_alert_needs_a_known_token(person) -> None:
    assert_problem(create(person, tokenSymbol="NOPE"), 404, says="not found")
    assert_problem(create(person, tokenSymbol="B\u0007C"), 400)


def waiting(alert) -> int:
    return sum("the alert waits until that changes" in text for text in alert["warnings"])


def test_books_prices_and_swings_are_watched_as_well(person, owner_db) -> None:
    mine = portfolio(owner_db, person.id)
    books = {"alertType": "reconciliation", "condition": "above", "threshold": 0}
    assert_problem(person.post("/alerts", {**books, "tokenSymbol": "BTC"}), 400)
    made = person.post("/alerts", {**books, "portfolioId": mine}).json["alert"]
    assert (made["portfolioId"], waiting(made)) == (mine, 0)
    for kind in ("volatility", "drawdown", "stale_data"):
        wanted = {"alertType": kind, "tokenSymbol": "BTC", "condition": "above", "threshold": 20}
        told = person.post("/alerts", wanted).json["alert"]
        assert told["tokenSymbol"] == "BTC"
        assert waiting(told) == 1


def test_an_alert_of_a_portfolio_needs_one_of_ones_own(person, other, owner_db) -> None:
    mine, foreign = portfolio(owner_db, person.id), portfolio(owner_db, other.id)
    wanted = {"alertType": "portfolio", "condition": "below", "threshold": 10}
    made = person.post("/alerts", {**wanted, "portfolioId": mine})
    assert made.status_code == 201
    assert made.json["alert"]["portfolioId"] == mine
    for unknown in (foreign, str(uuid4())):
        assert_problem(person.post("/alerts", {**wanted, "portfolioId": unknown}), 404)
    path = f"/alerts/{made.json['alert']['id']}"
    assert_problem(person.ask("PUT", path, json={"portfolioId": foreign}), 404)
    assert person.get(path).json["alert"]["portfolioId"] == mine


def test_a_change_may_name_another_subject(person, owner_db) -> None:
    mine = portfolio(owner_db, person.id)
    path = f"/alerts/{create(person).json['alert']['id']}"
    change = {"alertType": "portfolio", "portfolioId": mine}
    changed = person.ask("PUT", path, json=change).json["alert"]
    assert (changed["portfolioId"], changed["tokenSymbol"]) == (mine, None)
    back = person.ask("PUT", path, json={"alertType": "price", "tokenSymbol": "ETH"}).json["alert"]
    assert (back["portfolioId"], back["tokenSymbol"]) == (None, "ETH")
    problem = assert_problem(person.ask("PUT", path, json={"cooldownSeconds": None}), 400)
    assert problem["details"][0]["path"] == "cooldownSeconds"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "EVENTS"])
def test_what_is_somebody_elses_does_not_exist(person, other, method: str) -> None:
    foreign = create(other).json["alert"]["id"]
    suffix = {"PATCH": "/toggle", "EVENTS": "/events"}.get(method, "")
    verb = "GET" if method == "EVENTS" else method
    body = {} if verb == "PUT" else None
    answers = [
        person.ask(verb, f"/alerts/{alert_id}{suffix}", json=body)
        for alert_id in (foreign, str(uuid4()), "7", foreign.replace("-", ""), "%00")
    ]
    for answer in answers:
        assert_problem(answer, 404, says="not found")
    bodies = {answer.json["detail"] for answer in answers}
    assert len(bodies) == 1
    assert other.get(f"/alerts/{foreign}").status_code == 200


def test_firings_are_shown_with_what_fired_them(person, owner_db) -> None:
    alert_id = create(person).json["alert"]["id"]
    owner_db.execute(
        """
        insert into app.alert_events
            (alert_id, fired_at, condition, threshold, previous_value, observed_value, source, observed_at)
        values (%s, now(), 'above', 100000, 99999.5, 100000.000000000000000001, 'binance', now())
        """,
        [alert_id],
    )
    answer = person.get(f"/alerts/{alert_id}/events")
    event = exact(answer)["events"][0]
    assert str(event["observedValue"]) == "100000.000000000000000001"
    assert event["source"] == "binance"
    assert set(event) == {
        "id",
        "firedAt",
        "condition",
        "threshold",
        "previousValue",
        "observedValue",
        "source",
        "observedAt",
    }


def test_nobody_has_more_alerts_than_a_list_shows(person, owner_db) -> None:
    owner_db.execute(
        """
        insert into app.alerts (user_id, token_id, alert_type, condition, threshold)
        select %s, t.id, 'price', 'above', n from market.tokens t, generate_series(1, 200) n
        where t.symbol = 'BTC'
        """,
        [person.id],
    )
    assert_problem(create(person), 409)
    assert len(person.get("/alerts").json["alerts"]) == 200


def test_what_keeps_an_alert_from_firing_or_being_mailed_is_said(person, owner_db, clock) -> None:
    """Each kind without a value; then with one, and with a confirmed address."""
    owner_db.execute("delete from market.quotes")
    kinds = {
        "price": "no current price of BTC",
        "volume": "no current volume of BTC",
        "percent_change": "no current change of BTC",
        "risk": "no current risk score of BTC",
        "prediction": "no model forecasts BTC",
    }
    for kind, words in kinds.items():
        made = create(person, alertType=kind, threshold=5).json
        assert made["warnings"] == made["alert"]["warnings"]
        unknown, unmailed = made["warnings"]
        assert words in unknown
        assert "address is confirmed" in unmailed
    empty = portfolio(owner_db, person.id)
    wanted = {"alertType": "portfolio", "condition": "below", "threshold": 10, "portfolioId": empty}
    made = person.post("/alerts", {**wanted, "channels": ["stream"]}).json
    assert ["the portfolio has no value" in text for text in made["warnings"]] == [True]
    owner_db.execute("update app.users set email_verified = true where id = %s", [person.id])
    owner_db.execute(
        """
        insert into market.quotes (token_id, price, source, observed_at)
        select id, 5, 'test', %s from market.tokens where symbol = 'BTC'
        """,
        [clock[0]],
    )
    shown = {
        alert["alertType"]: alert["warnings"] for alert in person.get("/alerts").json["alerts"]
    }
    assert shown["price"] == []
    assert [kinds["volume"] in text for text in shown["volume"]] == [True]


def test_a_hysteresis_follows_its_threshold_unless_it_is_given(person) -> None:
    made = create(person).json["alert"]
    assert made["hysteresis"] == 1000
    path = f"/alerts/{made['id']}"
    assert person.ask("PUT", path, json={"threshold": 500}).json["alert"]["hysteresis"] == 5
    given = {"hysteresis": 7, "threshold": 400}
    assert person.ask("PUT", path, json=given).json["alert"]["hysteresis"] == 7
    assert person.ask("PUT", path, json={"hysteresis": 0}).json["alert"]["hysteresis"] == 0
    assert person.ask("PUT", path, json={"isActive": False}).json["alert"]["hysteresis"] == 0

"""Product events: of those alone who allow it, once a day each, without anything of anybody, and never in anybody's way."""

import re
from dataclasses import fields
from datetime import timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from coinsphere.accounts import maintenance
from coinsphere.analytics import events, recording
from coinsphere.analytics.events import AlertCreated, ProductEvent, Registered
from tests.integration.webapi.conftest import NOW, PASSWORD, Person, assert_problem, register
from tests.integration.webapi.test_account import link, verify

_KEPT = """
    select name, properties from app.product_events where user_id = %s order by occurred_at, name, properties
"""
_ADD = "insert into app.product_events (user_id, name, occurred_at) values (%s, 'portfolio_viewed', %s)"


@pytest.fixture
def sharer(client) -> Person:
    """A user who allowed it when registering."""
    body = register(client, shareUsage=True).json
    user = body["user"]
    return Person(client, user["id"], user["email"], body["accessToken"], body["refreshToken"])


def kept(owner_db, person: Person) -> list[tuple[str, dict[str, str]]]:
    return owner_db.execute(_KEPT, [person.id]).fetchall()


def share(person: Person, *, shared: bool):
    return person.ask("PATCH", "/account/usage", json={"shared": shared})


def test_nothing_is_kept_of_who_has_not_allowed_it(person, owner_db) -> None:
    assert person.get("/account/usage").json == {"sharedSince": None}
    assert person.post("/portfolios", {"name": "mine"}).status_code == 201
    assert kept(owner_db, person) == []
    for wrong in ({}, {"shared": None}, {"shared": True, "since": "2026-01-01T00:00:00Z"}):
        assert_problem(person.ask("PATCH", "/account/usage", json=wrong), 400)


def test_what_a_sharer_does_is_kept_once_a_day(client, sharer, owner_db, clock) -> None:
    verify(client, link(owner_db, sharer.id, "verify-email"))
    for name in ("one", "two"):
        portfolio = sharer.post("/portfolios", {"name": name}).json["portfolio"]["id"]
    bought = {
        "portfolioId": portfolio,
        "tokenSymbol": "BTC",
        "type": "buy",
        "amount": 1,
        "price": 100,
        "timestamp": "2026-03-01T00:00:00Z",
    }
    assert sharer.post("/transactions", bought).status_code == 201
    assert sharer.post("/transactions", {**bought, "type": "sell"}).status_code == 201
    alert = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    assert sharer.post("/alerts", alert).status_code == 201
    assert sharer.post(f"/portfolios/{portfolio}/shares", {}).status_code == 201
    assert sharer.get("/tax/generic/2025/file?format=csv").status_code == 200
    first = [
        ("alert_created", {"kind": "price"}),
        ("confirmed", {}),
        ("portfolio_made", {}),
        ("registered", {}),
        ("share_made", {}),
        ("tax_report_made", {"regime": "generic"}),
        ("transaction_added", {"kind": "buy"}),
        ("transaction_added", {"kind": "sell"}),
    ]
    assert sorted(kept(owner_db, sharer), key=str) == sorted(first, key=str)
    try:
        clock[0] = NOW + timedelta(minutes=5)
        sharer.post("/portfolios", {"name": "three"})
        assert len(kept(owner_db, sharer)) == len(first)
    finally:
        clock[0] = NOW
    with psycopg.connect(owner_db.info.dsn, password=owner_db.info.password) as conn:
        recording.record(conn, sharer.id, events.PortfolioMade(), NOW + timedelta(days=1))
    assert kept(owner_db, sharer)[-1] == ("portfolio_made", {})
    assert len(kept(owner_db, sharer)) == len(first) + 1


def test_who_takes_it_back_takes_along_what_was_kept(sharer, other, owner_db, clock) -> None:
    share(other, shared=True)
    other.post("/portfolios", {"name": "theirs"})
    assert share(sharer, shared=True).json == {
        "sharedSince": NOW.isoformat().replace("+00:00", "Z")
    }
    assert kept(owner_db, sharer) == [("registered", {})]
    assert share(sharer, shared=False).json == {"sharedSince": None}
    sharer.post("/portfolios", {"name": "mine"})
    assert kept(owner_db, sharer) == []
    assert kept(owner_db, other) == [("portfolio_made", {})]
    told = "select details from app.audit_logs where actor_id = %s and action = 'usage_sharing.changed' order by id"
    assert [row[0] for row in owner_db.execute(told, [sharer.id])] == [
        {"shared": True},
        {"shared": False},
    ]


def test_they_are_exported_and_go_with_the_account(sharer, owner_db) -> None:
    (exported,) = sharer.get("/account/export").json["productEvents"]
    assert (exported["name"], exported["properties"]) == ("registered", {})
    assert sharer.post("/account/delete", {"password": PASSWORD}).status_code == 200
    assert kept(owner_db, sharer) == []


def test_what_cannot_be_kept_is_logged_and_keeps_nobody_from_anything(sharer, owner_db) -> None:
    owner_db.execute("alter table app.product_events rename to product_events_away")
    try:
        with capture_logs() as lines:
            made = sharer.post("/portfolios", {"name": "mine"})
    finally:
        owner_db.execute("alter table app.product_events_away rename to product_events")
    assert made.status_code == 201, made.text
    names = [each["name"] for each in sharer.get("/portfolios").json["portfolios"]]
    assert names == ["mine"]
    lost = [line for line in lines if line["event"] == "product events were lost"]
    assert [(line["sqlstate"], line["lost"]) for line in lost] == [("42P01", 1)]


@pytest.mark.parametrize(
    "word",
    ["1.5", "ada@example.com", "203.0.113.7", "Ada Lovelace", "0xabc", "", "x" * 33, "a\nb"],
)
def test_the_database_refuses_what_is_no_word_of_ours(sharer, owner_db, word) -> None:
    with owner_db.transaction(), capture_logs() as lines:
        recording.record(owner_db, sharer.id, AlertCreated(word), NOW)
        assert owner_db.execute("select 1").fetchone() == (1,), "the transaction goes on"
    assert [line["sqlstate"] for line in lines] == ["23514"]
    assert kept(owner_db, sharer) == [("registered", {})]


def test_the_catalogue_is_the_one_of_the_database(sharer, owner_db) -> None:
    catalogue = {each.name: each for each in ProductEvent.__subclasses__()}
    every = [each(*("word" for _ in fields(each))) for each in catalogue.values()]
    recording.record_all(owner_db, [(sharer.id, event) for event in every], NOW)
    assert {name for name, _ in kept(owner_db, sharer)} == catalogue.keys()
    listed = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'product_events_name_check'"
    (text,) = owner_db.execute(listed).fetchone()
    assert set(re.findall(r"'(\w+)'", text)) == catalogue.keys()


def test_they_are_forgotten_by_the_worker_after_their_time(
    person, owner_db, module_database
) -> None:
    owner_db.execute(_ADD, [person.id, NOW - maintenance.EVENTS_KEPT - timedelta(days=1)])
    owner_db.execute(_ADD, [person.id, NOW - maintenance.EVENTS_KEPT + timedelta(days=1)])
    with psycopg.connect(module_database.worker) as conn:
        maintenance.forget_expired(conn, NOW)
    assert len(kept(owner_db, person)) == 1


def test_each_role_that_writes_them_may(sharer, owner_db, module_database) -> None:
    for role in ("pipeline", "worker"):
        with psycopg.connect(getattr(module_database, role)) as conn:
            day = NOW + timedelta(days=["pipeline", "worker"].index(role) + 1)
            recording.record(conn, sharer.id, Registered(), day)
    assert kept(owner_db, sharer) == [("registered", {})] * 3

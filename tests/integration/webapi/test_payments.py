"""Payments from the page that sells to the plan: through Stripe's SDK to a server that speaks and signs as Stripe does."""

import asyncio
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from pydantic import SecretStr

from coinsphere.billing import tasks
from coinsphere.billing.stripe_api import Fault, Stripe
from coinsphere.worker import app as worker_app
from tests.fakes import stripe_server
from tests.integration.webapi.conftest import (
    NOW,
    OPTIONS,
    PASSWORD,
    V1,
    assert_problem,
    new_person,
)
from webapi.app import create_app
from webapi.services import EXTENSION

EVENTS = "/billing/stripe/events"
TRIAL = 14


@pytest.fixture
def stripe(clock):
    with stripe_server.serving(NOW) as served:
        yield served
    clock[0] = NOW


@pytest.fixture
def sold(api_settings, stripe):
    """Settings of a system that sells."""
    return api_settings.model_copy(
        update={
            "stripe_secret_key": SecretStr(stripe_server.KEY),
            "stripe_webhook_secret": SecretStr(stripe_server.SECRET),
            "stripe_price": stripe_server.PRICE,
            "stripe_other_prices": (stripe_server.YEARLY,),
            "stripe_url": stripe.url,
            "billing_trial_days": TRIAL,
        }
    )


@pytest.fixture
def app(sold, clock):
    made = create_app(sold, clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def buyer(client, owner_db):
    made = new_person(client)
    owner_db.execute("update app.users set email_verified = true where id = %s", [made.id])
    return made


@pytest.fixture
def worker(module_database, sold, stripe, monkeypatch):
    """Does all jobs of payments as the worker does, in its role, at the time that Stripe has."""
    monkeypatch.setattr(tasks, "utc_now", lambda: stripe.now)
    app = worker_app.build(
        sold.model_copy(update={"database_url": SecretStr(module_database.worker)})
    )

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(
                queues=["billing"], wait=False, install_signal_handlers=False
            )

    return lambda: asyncio.run(work())


@pytest.fixture
def reconcile(module_database, sold, stripe):
    """The hourly look, in the worker's role; gives how many events had not been heard."""

    def look() -> int:
        with psycopg.connect(module_database.worker, autocommit=True, options=OPTIONS) as conn:
            return tasks.reconcile(conn, Stripe.of(sold), stripe.now)

    return look


def deliver(client, stripe, events=None) -> None:
    """Stripe tells what it has not told yet."""
    for event in stripe.events if events is None else events:
        answer = client.post(V1 + EVENTS, **stripe.signed(event))
        assert answer.status_code == 200, answer.text
    if events is None:
        stripe.events.clear()


def plan(person, clock, now):
    """What a fresh login sees at a time."""
    clock[0] = now
    body = {"email": person.email, "password": PASSWORD}
    person.access_token = person.client.post(f"{V1}/auth/login", json=body).json["accessToken"]
    found = person.get("/billing/plan").json
    return found["plan"], found["status"], found["endsAt"], found["renewsAt"]


def wire(moment):
    return moment.isoformat().replace("+00:00", "Z")


def buy(person, stripe) -> str:
    assert person.post("/billing/checkout").status_code == 201
    return stripe.pay_checkout()


def acts(owner_db, person):
    query = "select action, details from app.audit_logs where actor_id = %s and action ~ '^(payment|plan)' order by seq"
    return owner_db.execute(query, [person.id]).fetchall()


def payments(owner_db, person):
    query = "select status, amount::float, currency from app.payment_intents where user_id = %s order by created_at"
    return owner_db.execute(query, [person.id]).fetchall()


def test_a_life_trial_paid_failed_recovered_cancelled(buyer, stripe, worker, owner_db, clock):
    client = buyer.client

    def told():
        deliver(client, stripe)
        worker()

    assert buyer.get("/billing/plan").json["plan"] == "free"
    assert_problem(buyer.post("/billing/portal"), 409)
    answer = buyer.post("/billing/checkout")
    assert answer.json["url"].startswith(f"{stripe.url}/c/pay/")
    sub = stripe.pay_checkout()
    # Nothing is given for the way back from the page; only what Stripe tells counts.
    assert buyer.get("/billing/plan").json["plan"] == "free"
    told()
    trial_ends = NOW + timedelta(days=TRIAL)
    assert plan(buyer, clock, NOW) == ("pro", "trial", None, wire(trial_ends))
    assert_problem(buyer.post("/billing/checkout"), 409)
    assert buyer.post("/billing/portal").json["url"].startswith(f"{stripe.url}/p/")

    stripe.renew(sub)
    told()
    paid_until = trial_ends + stripe_server.MONTH
    assert plan(buyer, clock, stripe.now) == ("pro", "active", None, wire(paid_until))

    stripe.renew(sub, card_is_good=False)
    told()
    kept_until = stripe.now + timedelta(days=7)
    assert plan(buyer, clock, stripe.now) == ("pro", "past_due", wire(kept_until), None)
    assert plan(buyer, clock, kept_until)[:2] == ("free", "past_due")
    mails = "select subject, body_text from app.mails where user_id = %s and subject = 'Your payment failed'"
    ((_, text),) = owner_db.execute(mails, [buyer.id]).fetchall()
    assert "/billing" in text

    stripe.now += timedelta(days=3)
    stripe.recover(sub)
    told()
    renews = paid_until + stripe_server.MONTH
    assert plan(buyer, clock, stripe.now) == ("pro", "active", None, wire(renews))

    stripe.cancel(sub)
    told()
    assert plan(buyer, clock, stripe.now) == ("pro", "active", wire(renews), None)
    assert plan(buyer, clock, renews)[0] == "free"
    stripe.renew(sub)
    told()
    assert plan(buyer, clock, stripe.now) == ("free", "cancelled", None, None)

    assert payments(owner_db, buyer) == [("succeeded", 9.0, "EUR")] * 2
    happened = [(action, details.get("status")) for action, details in acts(owner_db, buyer)]
    assert happened == [
        ("payment.started", None),
        ("plan.changed", "trial"),
        ("payment.settled", None),
        ("plan.changed", "active"),
        ("plan.changed", "past_due"),
        ("payment.settled", None),
        ("plan.changed", "active"),
        ("plan.changed", "active"),
        ("plan.changed", "cancelled"),
    ]
    assert len(owner_db.execute(mails, [buyer.id]).fetchall()) == 1
    tier = "select subscription_tier from app.users where id = %s"
    assert owner_db.execute(tier, [buyer.id]).fetchone() == ("free",)
    # A trial is given once.
    buyer.post("/billing/checkout")
    assert list(stripe.sessions.values())[-1]["subscription_data"] == {}
    assert len(stripe.customers) == 1


def test_who_changes_the_price_pays_the_difference_and_keeps_what_is_left(
    buyer, stripe, worker, owner_db, clock
):
    sub = buy(buyer, stripe)
    stripe.renew(sub)
    stripe.now += timedelta(days=10)
    stripe.change_price(sub, stripe_server.YEARLY)
    random.Random(7).shuffle(stripe.events)
    deliver(buyer.client, stripe)
    worker()
    yearly_ends = stripe.now + stripe_server.YEAR
    assert plan(buyer, clock, stripe.now) == ("pro", "active", None, wire(yearly_ends))
    # 20 of 30 days were left of 9 euros.
    assert sorted(payments(owner_db, buyer)) == [
        ("succeeded", 9.0, "EUR"),
        ("succeeded", 84.0, "EUR"),
    ]

    stripe.now += timedelta(days=73)
    stripe.change_price(sub, stripe_server.PRICE)
    stripe.renew(sub)
    deliver(buyer.client, stripe)
    worker()
    renews = stripe.now + stripe_server.MONTH
    assert plan(buyer, clock, stripe.now) == ("pro", "active", None, wire(renews))
    # 72 euros were left of the year, of which both months are paid: nothing was asked for.
    assert len(payments(owner_db, buyer)) == 2
    assert [action for action, _ in acts(owner_db, buyer)].count("payment.settled") == 2


def test_nothing_is_bought_twice(buyer, stripe, sold, worker, clock):
    """Pages asked for one after another and at once are one page; who has paid gets no other, though we know it not yet."""
    first = buyer.post("/billing/checkout").json["url"]
    assert buyer.post("/billing/checkout").json["url"] == first
    assert len(stripe.sessions) == 1
    (session,) = stripe.sessions.values()
    session["status"] = "expired"
    client = Stripe.of(sold)
    with ThreadPoolExecutor(4) as crowd:
        pages = {
            crowd.submit(client.checkout, session["customer"], "https://x", TRIAL) for _ in range(4)
        }
        assert len({page.result() for page in pages}) == 1
    assert len(stripe.sessions) == 2

    stripe.pay_checkout()
    assert buyer.get("/billing/plan").json["plan"] == "free"
    assert_problem(buyer.post("/billing/checkout"), 409, says="already")
    worker()  # what was refused made us look
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "trial")


def test_who_left_a_bill_unpaid_settles_that_one(buyer, stripe, worker, clock):
    sub = buy(buyer, stripe)
    stripe.renew(sub, card_is_good=False)
    stripe.subscriptions[sub]["status"] = "unpaid"
    deliver(buyer.client, stripe)
    worker()
    assert plan(buyer, clock, stripe.now + timedelta(days=8))[0] == "free"
    assert_problem(buyer.post("/billing/checkout"), 409, says="already")
    assert len(stripe.sessions) == 1


def test_what_is_not_signed_or_old_or_altered_is_refused(client, stripe, owner_db):
    stripe._tell("invoice.paid", {"object": "invoice", "id": "in_1", "customer": "cus_1"})
    (event,) = stripe.events
    good = stripe.signed(event)
    header = good["headers"]["Stripe-Signature"]
    tries = [
        stripe.signed(event, at=time.time() - 310),
        stripe.signed(event, secret="whsec_of_somebody_else"),
        {**good, "data": good["data"].replace("in_1", "in_2")},
        {**good, "headers": {}},
        {**good, "headers": {"Stripe-Signature": ""}},
        {**good, "headers": {"Stripe-Signature": "t=x,v1=y"}},
        {**good, "headers": {"Stripe-Signature": header.replace("v1=", "v0=")}},
        {**good, "headers": {"Stripe-Signature": header.replace("t=", "t=1")}},
        {**good, "data": b"\xff\xfe"},
        {**good, "data": b""},
        *(stripe.signed(odd) for odd in ([], {}, 1, None, {**event, "data": None}, {**event, "created": "x"}, {**event, "created": 10**20}, {**event, "data": {"object": {"customer": 7}}})),
        *(stripe.signed({**event, "id": odd}) for odd in (None, 7, {}, "x" * 300, "\0")),
    ]  # fmt: skip
    for given in tries:
        assert_problem(client.post(V1 + EVENTS, **given), 400)
    kept = "select count(*) from app.payment_events where customer = 'cus_1'"
    assert owner_db.execute(kept).fetchone() == (0,)
    assert client.post(V1 + EVENTS, **good).status_code == 200
    assert client.post(V1 + EVENTS, **good).status_code == 200
    assert owner_db.execute(kept).fetchone() == (1,)


def test_events_in_any_order_often_and_late_give_the_same(buyer, stripe, worker, owner_db, clock):
    chance = random.Random(5)
    sub = buy(buyer, stripe)
    stripe.renew(sub)
    stripe.renew(sub, card_is_good=False)
    stripe.recover(sub)
    stripe.renew(sub)
    shuffled = stripe.events * 30
    assert len(shuffled) >= 300
    chance.shuffle(shuffled)
    for begin in range(0, len(shuffled), 100):
        deliver(buyer.client, stripe, shuffled[begin : begin + 100])
        worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "active")
    assert payments(owner_db, buyer) == [("succeeded", 9.0, "EUR")] * 3
    actions = [action for action, _ in acts(owner_db, buyer)]
    assert sorted(actions) == ["payment.settled"] * 3 + ["payment.started", "plan.changed"]
    left = "select count(*) from app.payment_events where handled_at is null"
    assert owner_db.execute(left).fetchone() == (0,)


def test_a_paid_event_that_was_lost_for_a_day_is_found(  # noqa: PLR0917 - fixtures
    buyer, stripe, worker, reconcile, owner_db, clock
):
    buy(buyer, stripe)
    stripe.now += timedelta(days=1)
    assert plan(buyer, clock, stripe.now)[0] == "free"
    # One that makes no sense keeps no other from being found.
    odd = {**stripe.events[-1], "id": "evt_odd", "type": None}
    stripe.events.append(odd)
    assert reconcile() == len(stripe.events) - 1 > 2
    stripe.events.remove(odd)
    worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "trial")
    deliver(buyer.client, stripe, list(stripe.events))
    worker()
    assert reconcile() == 0
    found = "select distinct found_by from app.payment_events where user_id = %s"
    assert owner_db.execute(found, [buyer.id]).fetchall() == [("reconciliation",)]


def test_who_should_have_renewed_is_asked_about_even_if_no_event_is_left(
    buyer, stripe, worker, reconcile, clock
):
    sub = buy(buyer, stripe)
    deliver(buyer.client, stripe)
    worker()
    stripe.renew(sub)
    stripe.events.clear()
    stripe.now += timedelta(days=6)
    assert plan(buyer, clock, stripe.now)[1] == "trial"
    assert reconcile() == 0
    worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "active")


def test_a_refund_ends_the_plan_at_once_and_a_part_of_it_does_not(
    buyer, stripe, worker, owner_db, clock
):
    sub = buy(buyer, stripe)
    stripe.renew(sub)
    stripe.refund(sub, part=100)
    deliver(buyer.client, stripe)
    worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "active")
    stripe.refund(sub)
    deliver(buyer.client, stripe)
    worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("free", "refunded")
    assert payments(owner_db, buyer) == [("refunded", 9.0, "EUR")]
    assert "payment.refunded" in [action for action, _ in acts(owner_db, buyer)]
    # Nobody pays again for what was given back: it has ended there, and another may be bought.
    assert stripe.subscriptions[sub]["status"] == "canceled"
    deliver(buyer.client, stripe)
    worker()
    assert plan(buyer, clock, stripe.now)[0] == "free"
    buy(buyer, stripe)
    deliver(buyer.client, stripe)
    worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "active")


def test_a_deleted_account_pays_no_more_and_leaves_bills_without_a_name(
    buyer, stripe, worker, owner_db
):
    sub = buy(buyer, stripe)
    stripe.renew(sub)
    deliver(buyer.client, stripe)
    worker()
    kept = buyer.get("/account/export").json
    assert [
        len(kept[name]) for name in ("billingCustomers", "subscriptions", "paymentIntents")
    ] == [1, 1, 1]
    assert len(kept["paymentEvents"]) > 3
    assert '"4242"' not in json.dumps(kept)
    (bill,) = [each["providerReference"] for each in kept["paymentIntents"]]
    assert buyer.post("/account/delete", {"password": PASSWORD}).status_code == 200
    worker()
    assert stripe.customers == {}
    assert stripe.subscriptions[sub]["status"] == "canceled"
    deliver(buyer.client, stripe)
    worker()
    gone = "select (select count(*) from app.subscriptions where reference = %s), user_id from app.payment_intents where provider_reference = %s"
    assert owner_db.execute(gone, [sub, bill]).fetchone() == (0, None)


def test_while_stripe_is_away_nothing_is_lost(  # noqa: PLR0917 - fixtures
    buyer, stripe, sold, worker, reconcile, clock, module_database
):
    stripe.is_away = True
    assert_problem(buyer.post("/billing/checkout"), 503)
    stripe.is_away = False
    buy(buyer, stripe)
    deliver(buyer.client, stripe)
    stripe.is_away = True
    worker()
    with (
        psycopg.connect(module_database.worker, autocommit=True, options=OPTIONS) as conn,
        pytest.raises(Fault),
    ):
        tasks.refresh(conn, sold, "stripe", next(iter(stripe.customers)), stripe.now)
    assert plan(buyer, clock, stripe.now)[0] == "free"
    stripe.is_away = False
    reconcile()
    worker()
    assert plan(buyer, clock, stripe.now)[:2] == ("pro", "trial")


def test_who_has_not_confirmed_an_address_buys_nothing(person):
    assert_problem(person.post("/billing/checkout"), 403)

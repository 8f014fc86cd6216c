"""Payments in crypto from the button to the plan: over HTTP to a server that speaks and signs as BTCPay Server does."""

import asyncio
import random
from datetime import timedelta

import psycopg
import pytest
from pydantic import SecretStr

from coinsphere.billing import tasks
from coinsphere.billing.btcpay_api import BTCPay
from coinsphere.settings import Settings
from coinsphere.worker import app as worker_app
from tests.fakes import btcpay_server
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

EVENTS = "/billing/btcpay/events"
DAYS = timedelta(days=30)


@pytest.fixture
def btcpay(clock):
    with btcpay_server.serving(NOW) as served:
        yield served
    clock[0] = NOW


@pytest.fixture
def sold(api_settings, btcpay):
    """Settings of a system that sells for crypto alone."""
    given = api_settings.model_dump(exclude_unset=True)
    return Settings(**given | btcpay_server.SETTINGS, btcpay_url=btcpay.url)


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
def worker(module_database, sold, btcpay, monkeypatch):
    """Does all jobs of payments as the worker does, in its role, at the time that the server has."""
    monkeypatch.setattr(tasks, "utc_now", lambda: btcpay.now)
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
def reconcile(module_database, sold, btcpay):
    """The hourly look, in the worker's role; gives how many events had not been heard."""

    def look() -> int:
        with psycopg.connect(module_database.worker, autocommit=True, options=OPTIONS) as conn:
            return tasks.reconcile(conn, BTCPay.of(sold), btcpay.now)

    return look


@pytest.fixture
def told(buyer, btcpay, worker):
    """The server tells what it has not told yet, and the worker acts on it."""

    def tell() -> None:
        deliver(buyer.client, btcpay, btcpay.events)
        btcpay.events.clear()
        worker()

    return tell


def deliver(client, btcpay, events) -> None:
    for event in events:
        answer = client.post(V1 + EVENTS, **btcpay.signed(event))
        assert answer.status_code == 200, answer.text


def buy(person, btcpay) -> str:
    answer = person.post("/billing/prepayments")
    assert answer.status_code == 201, answer.text
    assert answer.json["url"] == f"{btcpay.url}/i/{btcpay.newest}"
    return btcpay.newest


def plan(person, clock, now):
    """What a fresh login sees at a time: the plan, and how many days it lasts from the beginning."""
    clock[0] = now
    body = {"email": person.email, "password": PASSWORD}
    person.access_token = person.client.post(f"{V1}/auth/login", json=body).json["accessToken"]
    found = person.get("/billing/plan").json
    assert found["renewsAt"] is None
    return found["plan"], found["status"], found["endsAt"]


def wire(moment):
    return moment.isoformat().replace("+00:00", "Z")


def acts(owner_db, person):
    query = "select action from app.audit_logs where actor_id = %s and action ~ '^(payment|plan)' order by seq"
    return [action for (action,) in owner_db.execute(query, [person.id])]


def payments(owner_db, person):
    query = "select status, amount::float, currency from app.payment_intents where user_id = %s order by created_at"
    return owner_db.execute(query, [person.id]).fetchall()


def test_days_are_paid_confirmed_prolonged_and_end(buyer, btcpay, told, owner_db, clock):
    offered = buyer.get("/billing/plan").json
    assert offered["prepaid"] == {"amount": 9, "currency": "EUR", "days": 30}
    assert (offered["isLimited"], offered["isPaidByCard"], offered["hasPortal"]) == (
        True,
        False,
        False,
    )
    assert_problem(buyer.post("/billing/checkout"), 404, says="in this way")
    first = buy(buyer, btcpay)
    assert buy(buyer, btcpay) == first  # who asks again gets the same
    asked = btcpay.invoices[first]
    assert (asked["amount"], asked["currency"], asked["metadata"]["days"]) == ("9.00", "EUR", 30)
    assert str(buyer.id) not in str(asked)
    assert buyer.email not in str(asked)
    btcpay.pay(first)
    told()
    assert plan(buyer, clock, btcpay.now)[0] == "free"
    assert_problem(buyer.post("/billing/prepayments"), 409, says="on its way")
    btcpay.settle(first)
    told()
    assert plan(buyer, clock, btcpay.now) == ("pro", "active", wire(NOW + DAYS))

    btcpay.now = NOW + timedelta(days=10)
    plan(buyer, clock, btcpay.now)
    second = buy(buyer, btcpay)
    btcpay.settle(second, over=True)
    told()
    assert plan(buyer, clock, btcpay.now) == ("pro", "active", wire(NOW + 2 * DAYS))
    assert plan(buyer, clock, NOW + 2 * DAYS)[0] == "free"
    assert payments(owner_db, buyer) == [("succeeded", 9.0, "EUR")] * 2
    settled = ["payment.started", "payment.settled", "plan.changed"]
    assert acts(owner_db, buyer) == settled * 2


def test_too_little_or_too_late_buys_nothing_and_is_told_by_mail(
    buyer, btcpay, told, owner_db, clock
):
    little = buy(buyer, btcpay)
    btcpay.expire(little, partly=True)
    told()
    late = buy(buyer, btcpay)
    assert late != little
    btcpay.expire(late)
    told()
    assert payments(owner_db, buyer) == [("failed", 9.0, "EUR"), ("expired", 9.0, "EUR")]
    btcpay.pay_late(late)
    told()
    told()
    assert plan(buyer, clock, btcpay.now)[0] == "free"
    mails = "select body_text from app.mails where user_id = %s and subject ~ 'bought nothing'"
    texts = [text for (text,) in owner_db.execute(mails, [buyer.id])]
    assert [little in texts[0], late in texts[1], len(texts)] == [True, True, 2]
    # The operator takes the money as it came.
    btcpay.settle(late, by_hand=True)
    told()
    assert plan(buyer, clock, btcpay.now)[0] == "pro"
    assert acts(owner_db, buyer).count("payment.failed") == 2


def test_what_was_given_back_ends_the_days(buyer, btcpay, told, owner_db, clock):
    invoice = buy(buyer, btcpay)
    btcpay.settle(invoice)
    told()
    btcpay.invalidate(invoice)
    told()
    assert plan(buyer, clock, btcpay.now) == ("free", "refunded", None)
    assert payments(owner_db, buyer) == [("refunded", 9.0, "EUR")]
    assert acts(owner_db, buyer)[-2:] == ["payment.refunded", "plan.changed"]


def test_events_in_any_order_and_often_give_the_same(buyer, btcpay, worker, owner_db, clock):
    invoice = buy(buyer, btcpay)
    btcpay.pay(invoice)
    btcpay.settle(invoice)
    every = btcpay.events + [btcpay.again(event) for event in btcpay.events * 10]
    random.Random(3).shuffle(every)
    for begin in range(0, len(every), 15):
        deliver(buyer.client, btcpay, every[begin : begin + 15])
        worker()
    assert plan(buyer, clock, btcpay.now)[0] == "pro"
    assert acts(owner_db, buyer) == ["payment.started", "payment.settled", "plan.changed"]
    stored = "select count(*), count(handled_at) from app.payment_events where user_id = %s"
    assert owner_db.execute(stored, [buyer.id]).fetchone() == (len(btcpay.events),) * 2


def test_what_is_not_signed_or_of_another_store_is_refused(client, btcpay, buyer, owner_db):
    buy(buyer, btcpay)
    (event,) = btcpay.events
    good = btcpay.signed(event)
    tries = [
        btcpay.signed(event, secret="of somebody else"),
        {**good, "data": good["data"].replace("InvoiceCreated", "InvoiceSettled")},
        {**good, "headers": {}},
        {**good, "headers": {"BTCPay-Sig": "sha256=ü"}},
        btcpay.signed({**event, "storeId": "another"}),
        *(btcpay.signed(odd) for odd in ([], 1, None, {}, {**event, "metadata": 7}, {**event, "timestamp": "x"})),
    ]  # fmt: skip
    for given in tries:
        assert_problem(client.post(V1 + EVENTS, **given), 400)
    kept = "select count(*) from app.payment_events where reference = %s"
    assert owner_db.execute(kept, [event["deliveryId"]]).fetchone() == (0,)
    assert client.post(V1 + EVENTS, **good).status_code == 200
    assert owner_db.execute(kept, [event["deliveryId"]]).fetchone() == (1,)


def test_a_settled_event_that_was_lost_for_a_day_is_found_once(  # noqa: PLR0917 - fixtures
    buyer, btcpay, worker, reconcile, owner_db, clock
):
    btcpay.settle(buy(buyer, btcpay))
    btcpay.now += timedelta(days=1)
    assert plan(buyer, clock, btcpay.now)[0] == "free"
    assert [reconcile(), reconcile()] == [1, 0]
    worker()
    assert plan(buyer, clock, btcpay.now)[0] == "pro"
    assert reconcile() == 0
    found = "select topic, found_by from app.payment_events where user_id = %s"
    assert owner_db.execute(found, [buyer.id]).fetchall() == [("InvoiceSettled", "reconciliation")]


def test_an_invoice_that_we_did_not_make_buys_nothing(buyer, btcpay, told, clock):
    """Whoever may make invoices in the same store, by a button that pays for instance, may give them any order."""
    ours = btcpay.invoices[buy(buyer, btcpay)]
    cheap = btcpay._made({**ours, "amount": "0.01"})
    btcpay.settle(cheap["id"])
    told()
    assert plan(buyer, clock, btcpay.now)[0] == "free"


def test_while_the_server_is_away_nothing_is_lost(buyer, btcpay, worker, told, clock):
    btcpay.is_away = True
    assert_problem(buyer.post("/billing/prepayments"), 503)
    btcpay.is_away = False
    btcpay.settle(buy(buyer, btcpay))
    btcpay.is_away = True
    told()
    assert plan(buyer, clock, btcpay.now)[0] == "free"
    btcpay.is_away = False


def test_who_leaves_can_pay_no_more(buyer, btcpay, worker, owner_db):
    invoice = buy(buyer, btcpay)
    assert buyer.post("/account/delete", {"password": PASSWORD}).status_code == 200
    worker()
    assert btcpay.invoices[invoice]["status"] == "Invalid"
    bill = "select user_id from app.payment_intents where provider_reference = %s"
    assert owner_db.execute(bill, [invoice]).fetchone() == (None,)


def test_who_has_not_confirmed_an_address_buys_nothing(person):
    assert_problem(person.post("/billing/prepayments"), 403)

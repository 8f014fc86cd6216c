"""Plans over the wire: what is limited where they are sold, and that nothing is where they are not."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr

from coinsphere.billing.plans import FREE, PlanFeature, PlanLimit
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_server import serving
from tests.integration.webapi.conftest import NOW, assert_problem, new_person
from webapi.app import create_app
from webapi.services import EXTENSION

_SOLD = {
    "stripe_secret_key": SecretStr("sk_live_5f0c2b9a7d1e4c83"),
    "stripe_webhook_secret": SecretStr("whsec_8d3f6a1c5b7e9024"),
    "stripe_price": "price_1",
}
_SUBSCRIBE = """
    insert into app.subscriptions
        (user_id, provider, reference, plan, status, period_started_at, period_ends_at, updated_at)
    values (%s, 'stripe', %s, 'pro', 'active', %s, %s, %s)
"""
_WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


@pytest.fixture(scope="module")
def kraken():
    with serving(KrakenAccount()) as server:
        yield server


@pytest.fixture(scope="module")
def unsold_settings(api_settings, kraken):
    return api_settings.model_copy(update={"exchange_base_url": kraken.url})


@pytest.fixture(scope="module")
def app(unsold_settings, clock):
    """An API of a system that sells plans."""
    made = create_app(unsold_settings.model_copy(update=_SOLD), clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture(scope="module")
def unsold(unsold_settings, clock):
    """An API of a system that sells nothing: the default."""
    made = create_app(unsold_settings, clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def verified(person, owner_db):
    owner_db.execute("update app.users set email_verified = true where id = %s", [person.id])
    return person


def subscribe(owner_db, person) -> None:
    values = [person.id, f"sub_{secrets.token_hex(8)}", NOW, NOW + timedelta(days=30), NOW]
    owner_db.execute(_SUBSCRIBE, values)


def add_portfolio(person, kraken):
    return person.post("/portfolios", {"name": "p"})


def add_alert(person, kraken):
    body = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    return person.post("/alerts", body)


def add_channel(person, kraken):
    body = {"kind": "ntfy", "name": "phone", "topic": secrets.token_hex(8)}
    return person.post("/channels", body)


def add_exchange(person, kraken):
    account = kraken.dialects["kraken"] = KrakenAccount()
    account.key = secrets.token_hex(16)
    body = {"exchange": "kraken", "apiKey": account.key, "apiSecret": account.secret}
    return person.post("/exchanges/connect", body)


def add_wallet(person, kraken):
    body = {"address": f"0x{secrets.token_hex(20)}", "blockchain": "ethereum"}
    return person.post("/defi/connect", body)


def add_key(person, kraken):
    return person.post("/api-keys", {"name": "k", "scopes": ["alerts:read"]})


ADDING = {
    PlanLimit.PORTFOLIOS: add_portfolio,
    PlanLimit.ALERTS: add_alert,
    PlanLimit.CHANNELS: add_channel,
    PlanLimit.EXCHANGES: add_exchange,
    PlanLimit.WALLETS: add_wallet,
    PlanLimit.API_KEYS: add_key,
}
"""What adds one of everything that plans count."""


def using(person, portfolio):
    return {
        PlanFeature.TAX_REPORTS: [
            person.get("/tax/us/2025"),
            person.get("/tax/us/2025/file"),
        ],
        PlanFeature.SHARED_LINKS: [person.post(f"/portfolios/{portfolio}/shares", {})],
    }


def limit_of(person, limit):
    (found,) = [
        each for each in person.get("/billing/plan").json["limits"] if each["name"] == limit
    ]
    return found


@pytest.mark.parametrize("limit", list(PlanLimit))
def test_a_plan_is_filled_and_a_better_one_takes_more(limit, verified, owner_db, kraken) -> None:
    most = FREE.limits[limit]
    for used in range(most):
        assert limit_of(verified, limit)["used"] == used
        assert ADDING[limit](verified, kraken).status_code == 201
    refused = assert_problem(ADDING[limit](verified, kraken), 402, says="no room")
    assert refused["refused"] == limit
    assert (refused["plan"], refused["neededPlan"]) == ("free", "pro")
    assert limit_of(verified, limit) == {"name": limit, "used": most, "most": most}
    subscribe(owner_db, verified)
    assert ADDING[limit](verified, kraken).status_code == 201
    assert limit_of(verified, limit) == {"name": limit, "used": most + 1, "most": None}


def test_features_are_of_the_plan_that_has_them(person, owner_db) -> None:
    portfolio = person.post("/portfolios", {"name": "p"}).json["portfolio"]["id"]
    before = using(person, portfolio)
    assert set(before) == set(PlanFeature)
    for feature, answers in before.items():
        for answer in answers:
            assert assert_problem(answer, 402)["refused"] == feature
    subscribe(owner_db, person)
    after = using(person, portfolio)
    assert {answer.status_code for answers in after.values() for answer in answers} == {200, 201}


def test_who_falls_back_keeps_what_is_there_and_may_add_no_more(person, owner_db, clock) -> None:
    subscribe(owner_db, person)
    for _ in range(5):
        assert add_portfolio(person, None).status_code == 201
    plan = person.get("/billing/plan").json
    assert (plan["plan"], plan["status"], plan["renewsAt"]) == (
        "pro",
        "active",
        "2026-04-09T12:30:00Z",
    )
    owner_db.execute(
        "update app.subscriptions set status = 'cancelled', cancels_at = %s where user_id = %s",
        [NOW, person.id],
    )
    plan = person.get("/billing/plan").json
    assert (plan["plan"], plan["status"], plan["endsAt"]) == ("free", "cancelled", None)
    assert len(person.get("/portfolios").json["portfolios"]) == 5
    assert_problem(add_portfolio(person, None), 402)


def test_two_requests_at_once_do_not_both_take_the_last_place(app, person, owner_db) -> None:
    """Both wait for whoever counts before them: neither counts what the other is about to add."""
    for _ in range(FREE.limits[PlanLimit.PORTFOLIOS] - 1):
        add_portfolio(person, None)

    def add(_: int) -> int:
        own = type(person)(app.test_client(), person.id, person.email, person.access_token, "")
        return add_portfolio(own, None).status_code

    counting = [f"plan {person.id} {PlanLimit.PORTFOLIOS}"]
    owner_db.execute("select pg_advisory_lock(hashtextextended(%s, 0))", counting)
    with ThreadPoolExecutor(2) as threads:
        answers = threads.map(add, range(2))
        try:
            wait_until(lambda: owner_db.execute(_WAITING).fetchone() == (2,))
        finally:
            owner_db.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", counting)
        assert sorted(answers) == [201, 402]


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_where_nothing_is_sold_everybody_has_everything(unsold, owner_db, kraken) -> None:
    person = new_person(unsold.test_client())
    owner_db.execute("update app.users set email_verified = true where id = %s", [person.id])
    plan = person.get("/billing/plan").json
    assert (plan["isLimited"], plan["plan"], plan["status"]) == (False, "unlimited", "none")
    assert {each["most"] for each in plan["limits"]} == {None}
    assert all(each["isIncluded"] for each in plan["features"])
    for path in ("checkout", "portal", "stripe/events"):
        assert_problem(person.post(f"/billing/{path}"), 404, says="sells nothing")
    for limit, add in ADDING.items():
        for _ in range(FREE.limits[limit] + 1):
            assert add(person, kraken).status_code == 201, limit
    portfolio = person.get("/portfolios").json["portfolios"][0]["id"]
    answers = [each for found in using(person, portfolio).values() for each in found]
    assert {answer.status_code for answer in answers} == {200, 201}

"""The plan's page: what it says where plans are sold and where not, and the ways to the provider's pages."""

import re
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from coinsphere.settings import Settings
from tests.fakes import btcpay_server, stripe_server
from webapi.services import EXTENSION


@pytest.fixture
def stripe(app, monkeypatch):
    """A local Stripe, by which the app that is there sells for the time of a test."""
    work = app.extensions[EXTENSION]
    with stripe_server.serving(datetime(2026, 3, 10, tzinfo=UTC)) as served:
        sold = {
            "stripe_secret_key": SecretStr(stripe_server.KEY),
            "stripe_webhook_secret": SecretStr(stripe_server.SECRET),
            "stripe_price": stripe_server.PRICE,
            "stripe_url": served.url,
        }
        monkeypatch.setattr(work, "settings", work.settings.model_copy(update=sold))
        yield served


def test_where_nothing_is_sold_the_page_says_so(member) -> None:
    page = member.get("/billing").text
    assert "Nothing is sold here" in page
    assert "/billing/checkout" not in page
    assert member.post("/billing/checkout").status_code == 404


def test_a_plan_is_looked_at_and_bought(member, stripe, owner_db) -> None:
    page = member.get("/billing").text
    assert re.search(r"Portfolios</dt><dd>\d of 3", page)
    assert member.post("/billing/checkout").status_code == 403
    owner_db.execute("update app.users set email_verified = true where email = %s", [member.email])
    member.get("/billing")
    page = member.post("/billing/checkout")
    assert page.status_code == 200, page.text
    (session,) = stripe.sessions.values()
    assert f'href="{session["url"]}"' in page.text
    assert session["success_url"].endswith("/billing?paid=1")
    assert "Thank you" in member.get("/billing?paid=1").text
    owner_db.execute(
        "insert into app.subscriptions (user_id, provider, reference, plan, status, period_started_at, period_ends_at, updated_at)"
        " select id, 'stripe', 'sub_page', 'pro', 'past_due', now(), now() + interval '30 days', now() from app.users where email = %s",
        [member.email],
    )
    page = member.get("/billing").text
    assert "a payment failed" in page
    assert "Get Pro" not in page
    assert f'href="{stripe.url}/p/' in member.post("/billing/portal").text


def test_what_the_plan_does_not_have_is_said_on_a_page(member, stripe) -> None:
    page = member.get("/tax")
    assert page.status_code == 402
    assert "Your plan does not have this" in page.text


@pytest.fixture
def btcpay(app, monkeypatch):
    """A local BTCPay Server, by which the app that is there sells for the time of a test."""
    work = app.extensions[EXTENSION]
    now = work.clock()
    with btcpay_server.serving(now) as served:
        given = work.settings.model_dump(exclude_unset=True)
        sold = Settings(**given | btcpay_server.SETTINGS, btcpay_url=served.url)
        monkeypatch.setattr(work, "settings", sold)
        yield served


def test_days_are_bought_in_crypto(member, btcpay, owner_db) -> None:
    owner_db.execute("update app.users set email_verified = true where email = %s", [member.email])
    page = member.get("/billing").text
    assert "Pay 30 days in crypto for €9.00" in page
    assert "/billing/checkout" not in page
    page = member.post("/billing/prepay")
    assert f'href="{btcpay.url}/i/{btcpay.newest}"' in page.text
    assert "confirmed on its chain" in member.get("/billing?paid=crypto").text
    owner_db.execute(
        "insert into app.subscriptions (user_id, provider, reference, plan, status, period_started_at, period_ends_at, cancels_at, updated_at)"
        " select id, 'btcpay', 'inv_page', 'pro', 'active', now(), now() + interval '30 days', now() + interval '30 days', now() from app.users where email = %s",
        [member.email],
    )
    page = member.get("/billing").text
    assert "Days that you pay now begin where these end" in page
    assert "/billing/portal" not in page

"""The plan's page: what it says where plans are sold and where not, and the ways to the provider's pages."""

import re
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from tests.fakes import stripe_server
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

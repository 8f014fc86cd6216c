"""A login by an OpenID provider in a browser, and linking an account there with one's own."""

import re
import secrets
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from tests.fakes import openid_provider
from tests.fakes.openid_provider import CLIENT_ID, SECRET
from tests.integration.webapi.conftest import NOW, PASSWORD, V1
from tests.integration.webapi.test_two_factor import code_at
from tests.integration.webui.conftest import Visitor
from webapi.services import EXTENSION
from webui.app import create_app


@pytest.fixture
def provider(clock):
    with openid_provider.served(lambda: clock[0]) as served:
        yield served
    clock[0] = NOW


@pytest.fixture
def app(api_settings, clock, provider):
    settings = api_settings.model_copy(
        update={
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_name": "Example ID",
            "oidc_private_network": True,
        }
    )
    made = create_app(settings, clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


def brought(visitor: Visitor, provider, subject: str, email: str, begun: str = "/login/openid"):
    """The page that the browser ends at after the provider's: its answer goes on from our own site."""
    sent = visitor.get(begun)
    assert sent.status_code == 303, sent.text
    answer = provider.log_in(sent.headers["Location"], subject, email)
    page = visitor.get(f"/login/openid/answer?{urlencode(answer)}")
    onward = re.search(r'content="0; url=([^"]+)"', page.text)
    assert onward
    return visitor.get(onward[1].replace("&amp;", "&"))


def test_a_browser_is_let_in_and_goes_where_it_wanted_to(visitor, provider) -> None:
    assert "Log in with Example ID" in visitor.get("/login?next=/alerts").text
    email = f"{secrets.token_hex(6)}@example.com"
    answer = brought(visitor, provider, secrets.token_hex(8), email, "/login/openid?next=/alerts")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/alerts")
    assert visitor.session
    assert email in visitor.get("/profile").text


def test_nobody_is_led_elsewhere_and_a_strangers_answer_is_none(visitor, provider, app) -> None:
    subject, email = secrets.token_hex(8), f"{secrets.token_hex(6)}@example.com"
    sent = visitor.get("/login/openid?next=https://evil.example.com")
    answer = provider.log_in(sent.headers["Location"], subject, email)
    stranger = Visitor(app.test_client())
    refused = stranger.get(f"/login/openid/finish?{urlencode(answer)}")
    assert refused.status_code == 400
    assert stranger.session is None
    let_in = visitor.get(f"/login/openid/finish?{urlencode(answer)}")
    assert let_in.headers["Location"] == "/dashboard"
    assert visitor.get(f"/login/openid/finish?{urlencode(answer)}").status_code == 400


def test_who_refuses_at_the_provider_sees_the_login_again(visitor, provider) -> None:
    sent = visitor.get("/login/openid")
    state = provider.log_in(sent.headers["Location"], "s", None)["state"]
    answer = visitor.get(f"/login/openid/finish?state={state}&error=access_denied")
    assert answer.status_code == 401
    assert "does not let you in" in answer.text


def test_an_account_is_linked_by_its_owner_alone(member, provider, app, owner_db) -> None:
    subject = secrets.token_hex(8)
    stranger = Visitor(app.test_client())
    refused = brought(stranger, provider, subject, member.email)
    assert refused.status_code == 409
    assert "already exists" in refused.text
    assert stranger.session is None

    not_yet = brought(member, provider, subject, member.email, "/profile/openid")
    assert not_yet.status_code == 409, "the address here is not confirmed"
    owner_db.execute("update app.users set email_verified = true where email = %s", [member.email])
    other = brought(member, provider, subject, "else@example.com", "/profile/openid")
    assert other.status_code == 409
    linked = brought(member, provider, subject, member.email, "/profile/openid")
    assert (linked.status_code, linked.headers["Location"]) == (303, "/profile")
    assert brought(stranger, provider, subject, member.email).status_code == 303
    assert stranger.session

    page = member.get("/profile").text
    remove = re.search(r'action="(/profile/openid/[^"]+/remove)"', page)
    assert remove
    assert member.post(remove[1]).status_code == 303
    again = Visitor(app.test_client())
    assert brought(again, provider, subject, member.email).status_code == 409
    told = owner_db.execute(
        "select action from app.audit_logs where action like 'openid.%%' order by id"
    ).fetchall()
    assert told == [("openid.linked",), ("openid.unlinked",)]
    mails = owner_db.execute(
        "select count(*) from app.mails where recipient = %s and subject like '%%Example ID%%'",
        [member.email],
    ).fetchone()
    assert mails == (2,)


def test_a_link_that_somebody_else_began_is_none(member, provider, app) -> None:
    """A browser in which the owner has logged out and another logged in links nothing."""
    sent = member.get("/profile/openid")
    answer = provider.log_in(sent.headers["Location"], secrets.token_hex(8), member.email)
    member.get("/profile")
    assert member.post("/logout").status_code == 303
    member.register()
    refused = member.get(f"/login/openid/finish?{urlencode(answer)}")
    assert refused.status_code == 400


def test_linking_wants_a_recent_login(member, clock) -> None:
    clock[0] = NOW + timedelta(minutes=6)
    assert "/step-up" in member.get("/profile/openid").headers.get("Location", "")


def test_a_second_factor_comes_next(member, provider, app, owner_db) -> None:
    subject, client = secrets.token_hex(8), app.test_client()
    login = client.post(f"{V1}/auth/login", json={"email": member.email, "password": PASSWORD}).json
    bearer = {"Authorization": f"Bearer {login['accessToken']}"}
    secret = client.post(f"{V1}/2fa/setup", headers=bearer).json["secret"]
    made = client.post(f"{V1}/2fa/verify", json={"token": code_at(secret)}, headers=bearer).json
    owner_db.execute(
        "insert into app.openid_identities (user_id, issuer, subject) values (%s, %s, %s)",
        [login["user"]["id"], provider.url, subject],
    )
    other = Visitor(app.test_client())
    asked = brought(other, provider, subject, member.email, "/login/openid?next=/alerts")
    assert asked.status_code == 403
    assert other.session is None
    ticket = re.search(r'name="ticket" value="([^"]+)"', asked.text)[1]
    answer = {"ticket": ticket, "twoFactorToken": made["backupCodes"][0]}
    done = other.post("/login/code?next=/alerts", answer)
    assert (done.status_code, done.headers["Location"]) == (303, "/alerts")
    assert other.session

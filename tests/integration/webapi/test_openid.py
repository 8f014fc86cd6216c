"""Logins by an OpenID provider: who is let in, and what of its answers is not believed."""

import secrets
from datetime import timedelta

import jwt
import pytest
from pydantic import SecretStr

from tests.fakes import openid_provider
from tests.fakes.openid_provider import CLIENT_ID, SECRET, Key
from tests.integration.webapi.conftest import NOW, V1, Person, assert_problem, new_person
from tests.integration.webapi.test_two_factor import code_at, enable
from webapi.app import create_app
from webapi.services import EXTENSION

BACK = "https://app.example.com/back"


@pytest.fixture
def provider(clock):
    with openid_provider.served(lambda: clock[0]) as served:
        yield served
    clock[0] = NOW


@pytest.fixture
def with_provider(api_settings, provider):
    """Settings of a server that is registered at the provider."""
    return api_settings.model_copy(
        update={
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_redirect_uris": (BACK,),
            "oidc_private_network": True,
        }
    )


@pytest.fixture
def app(with_provider, clock):
    made = create_app(with_provider, clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


def begin(client):
    answer = client.post(f"{V1}/auth/openid/begin", json={"redirectUri": BACK})
    assert answer.status_code == 201, answer.text
    return answer.json


def finish(client, begun, brought, **more):
    body = {
        "code": brought["code"], "state": brought["state"], "issuer": brought["iss"],
        "loginSecret": begun["loginSecret"], **more,
    }  # fmt: skip
    return client.post(f"{V1}/auth/openid/finish", json=body)


def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def log_in(client, provider, subject: str, email: str | None, **more):
    begun = begin(client)
    confirmed = more.pop("is_confirmed", True)
    brought = provider.log_in(begun["authorizationUrl"], subject, email, is_confirmed=confirmed)
    return finish(client, begun, brought, **more)


def account_of(owner_db, email: str):
    return owner_db.execute(
        "select id, email_verified from app.users where email = %s", [email]
    ).fetchone()


def test_who_is_new_gets_an_account_and_is_let_in_again(client, provider, owner_db) -> None:
    email, subject = address(), secrets.token_hex(8)
    answer = log_in(client, provider, subject, email)
    assert answer.status_code == 200, answer.text
    user = answer.json["user"]
    assert (user["email"], user["emailVerified"]) == (email, True)
    headers = {"Authorization": f"Bearer {answer.json['accessToken']}"}
    assert client.get(f"{V1}/auth/me", headers=headers).json["sessions"] == 1
    again = log_in(client, provider, subject, "moved@example.com").json
    assert again["user"]["id"] == user["id"]
    acts = owner_db.execute(
        "select action from app.audit_logs where actor_id = %s order by id", [user["id"]]
    ).fetchall()
    assert [act for (act,) in acts] == ["user.registered", "login", "login"]


def test_an_account_with_a_password_is_not_opened_by_the_providers_word(
    client, provider, owner_db
) -> None:
    person = new_person(client)
    problem = assert_problem(log_in(client, provider, secrets.token_hex(8), person.email), 409)
    assert problem["type"].endswith(":openid-not-linked")
    shouted = person.email.upper()
    assert log_in(client, provider, secrets.token_hex(8), shouted).status_code == 409
    linked = owner_db.execute(
        "select count(*) from app.openid_identities where user_id = %s", [person.id]
    ).fetchone()
    assert linked == (0,)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another login"}, {"nonce": None}, {"aud": "another"}, {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"}, {"iss": "https://evil.example.com"}, {"sub": None}, {"sub": ""},
        {"sub": 7}, {"exp": None}, {"exp": int((NOW - timedelta(minutes=2)).timestamp())}, {"exp": "soon"},
        {"iat": int((NOW + timedelta(minutes=5)).timestamp())}, {"nbf": int((NOW + timedelta(minutes=5)).timestamp())},
        {"iat": int((NOW - timedelta(days=2)).timestamp())}, {"iat": True},
    ],
    ids=repr,
)  # fmt: skip
def test_a_token_that_is_not_ours_and_of_now_lets_nobody_in(
    client, provider, owner_db, claims
) -> None:
    email = address()
    provider.claims = claims
    problem = assert_problem(log_in(client, provider, secrets.token_hex(8), email), 401)
    assert problem["type"].endswith(":openid-refused")
    assert account_of(owner_db, email) is None


def test_a_token_of_several_audiences_names_us_as_its_party(client, provider) -> None:
    provider.claims = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    assert log_in(client, provider, secrets.token_hex(8), address()).status_code == 200


TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("set_as", "called", "claims"),
    [
        ("{}", "{}", {"azp": CLIENT_ID, "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng", "hd": "example.com"}),
        ("{}/realms/r", "{}/realms/r", {"aud": [CLIENT_ID], "azp": CLIENT_ID, "typ": "ID", "acr": "1"}),
        ("{}", "{}/", {"iss": "{}/", "sid": "x"}),
        ("{}/application/o/us/", "{}/application/o/us/", {"iss": "{}/application/o/us/"}),
        ("{}/common/v2.0", "{}/{{tenantid}}/v2.0", {"iss": f"{{}}/{TENANT}/v2.0", "tid": TENANT, "ver": "2.0"}),
        ("{}", "{}", {"email_verified": "true", "is_private_email": "true"}),
    ],
    ids=["Google", "Keycloak", "Auth0", "Authentik", "Microsoft, all tenants", "Apple"],
)  # fmt: skip
def test_what_common_providers_do_each_in_its_way_is_understood(  # noqa: PLR0917 - fixtures
    with_provider, provider, redis_url, clock, set_as, called, claims
) -> None:
    url = provider.url
    settings = with_provider.model_copy(update={"oidc_issuer": set_as.format(url)})
    made = create_app(settings, clock=lambda: clock[0])
    provider.description = {"issuer": called.format(url)}
    issuer = claims.get("iss", called).format(url)
    provider.claims = {**claims, "iss": issuer}
    # Keys of Microsoft do not say what they sign by.
    told = provider.key.public()
    provider.key.public = lambda: {name: told[name] for name in told.keys() - {"alg"}}
    client, subject, email = made.test_client(), secrets.token_hex(8), address()
    first = log_in(client, provider, subject, email)
    assert first.status_code == 200, first.text
    assert log_in(client, provider, subject, email).json["user"]["id"] == first.json["user"]["id"]
    provider.claims["iss"] = f"{url}/somebody-else/v2.0"
    assert_problem(log_in(client, provider, subject, email), 401)
    made.extensions[EXTENSION].close()


@pytest.mark.parametrize("how", ["unknown key", "no signature", "our secret"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    client, provider, how, monkeypatch
) -> None:
    if how == "unknown key":
        provider.signs_with = Key(id=provider.key.id)
    else:
        true = provider._token

        def forged(begun: dict[str, str]) -> str:
            claims = jwt.decode(true(begun), options={"verify_signature": False})
            algorithm = "none" if how == "no signature" else "HS256"
            secret = None if algorithm == "none" else SECRET.ljust(32, "0")
            return jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": provider.key.id})

        monkeypatch.setattr(provider, "_token", forged)
    assert_problem(log_in(client, provider, secrets.token_hex(8), address()), 401)


def test_a_login_is_good_once_in_its_browser_and_for_ten_minutes(client, provider, clock) -> None:
    begun = begin(client)
    brought = provider.log_in(begun["authorizationUrl"], secrets.token_hex(8), address())
    stranger = {"loginSecret": secrets.token_urlsafe(32)}
    assert_problem(finish(client, stranger, brought), 400, says="begun elsewhere")
    assert finish(client, begun, brought).status_code == 200
    assert_problem(finish(client, begun, brought), 400, says="begun elsewhere")
    late = begin(client)
    brought = provider.log_in(late["authorizationUrl"], secrets.token_hex(8), address())
    clock[0] = NOW + timedelta(minutes=10)
    assert_problem(finish(client, late, brought), 400)


def test_a_code_of_another_login_and_another_providers_answer_are_refused(client, provider) -> None:
    mine, theirs = begin(client), begin(client)
    subject, email = secrets.token_hex(8), address()
    code = provider.log_in(theirs["authorizationUrl"], subject, email)["code"]
    brought = provider.log_in(mine["authorizationUrl"], subject, email)
    assert_problem(finish(client, mine, {**brought, "code": code}), 401)
    mine = begin(client)
    brought = provider.log_in(mine["authorizationUrl"], subject, email)
    assert_problem(finish(client, mine, {**brought, "iss": "https://evil.example.com"}), 401)


def test_an_address_counts_only_if_the_provider_has_confirmed_it(
    client, provider, owner_db
) -> None:
    email = address()
    answer = log_in(client, provider, secrets.token_hex(8), email, is_confirmed=False)
    assert_problem(answer, 403, says="confirmed no address")
    assert account_of(owner_db, email) is None
    subject = secrets.token_hex(8)
    provider.userinfo = {"sub": subject, "email": email, "email_verified": True}
    assert log_in(client, provider, subject, None).status_code == 200
    provider.userinfo = {"sub": "somebody else", "email": email, "email_verified": True}
    assert_problem(log_in(client, provider, secrets.token_hex(8), None), 401)


def test_a_second_factor_is_still_asked_for(client, provider) -> None:
    email, subject = address(), secrets.token_hex(8)
    first = log_in(client, provider, subject, email).json
    person = Person(client, first["user"]["id"], email, first["accessToken"], first["refreshToken"])
    secret, _ = enable(person)
    problem = assert_problem(log_in(client, provider, subject, email), 403)
    assert problem["requires2FA"] is True
    assert_problem(log_in(client, provider, subject, email, twoFactorToken="000000"), 403)
    good = log_in(client, provider, subject, email, twoFactorToken=code_at(secret, 1))
    assert good.status_code == 200, good.text


def test_a_disabled_account_stays_closed(client, provider, owner_db) -> None:
    email, subject = address(), secrets.token_hex(8)
    assert log_in(client, provider, subject, email).status_code == 200
    owner_db.execute("update app.users set is_active = false where email = %s", [email])
    assert_problem(log_in(client, provider, subject, email), 401)


def test_keys_may_change_and_are_not_asked_for_at_every_token(client, provider, clock) -> None:
    subject, email = secrets.token_hex(8), address()
    assert log_in(client, provider, subject, email).status_code == 200
    provider.key = Key()
    assert_problem(log_in(client, provider, subject, email), 401)
    assert provider.asked.count("/keys") == 1, "made-up keys make nobody ask the provider"
    clock[0] = NOW + timedelta(minutes=1)
    assert log_in(client, provider, subject, email).status_code == 200
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize("fault", ["broken", "large", "hangs"])
def test_a_provider_that_is_away_or_makes_no_sense_is_waited_for_no_longer(
    client, provider, fault
) -> None:
    begun = begin(client)
    brought = provider.log_in(begun["authorizationUrl"], secrets.token_hex(8), address())
    provider.fault = fault
    problem = assert_problem(finish(client, begun, brought), 503)
    assert problem["type"].endswith(":openid-away")


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.example.com"}, {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": None},
    ],
    ids=repr,
)  # fmt: skip
def test_a_description_that_is_none_of_this_provider_is_not_used(
    client, provider, description
) -> None:
    provider.description = description
    answer = client.post(f"{V1}/auth/openid/begin", json={"redirectUri": BACK})
    assert_problem(answer, 503)


def test_a_login_leads_back_to_listed_addresses_alone(client) -> None:
    answer = client.post(f"{V1}/auth/openid/begin", json={"redirectUri": f"{BACK}/"})
    assert_problem(answer, 400, says="none of the addresses")


def test_no_provider_in_a_private_network_is_asked_by_itself(
    with_provider, redis_url, clock
) -> None:
    settings = with_provider.model_copy(update={"oidc_private_network": False})
    made = create_app(settings, clock=lambda: clock[0])
    answer = made.test_client().post(f"{V1}/auth/openid/begin", json={"redirectUri": BACK})
    assert_problem(answer, 503)
    made.extensions[EXTENSION].close()


def test_without_a_provider_there_is_none(api_settings, redis_url, clock) -> None:
    made = create_app(api_settings, clock=lambda: clock[0])
    answer = made.test_client().post(f"{V1}/auth/openid/begin", json={"redirectUri": BACK})
    assert_problem(answer, 404)
    made.extensions[EXTENSION].close()


def test_nobody_gets_an_account_where_that_is_switched_off(
    with_provider, provider, redis_url, clock
) -> None:
    made = create_app(
        with_provider.model_copy(update={"oidc_registers": False}), clock=lambda: clock[0]
    )
    assert_problem(log_in(made.test_client(), provider, secrets.token_hex(8), address()), 403)
    made.extensions[EXTENSION].close()

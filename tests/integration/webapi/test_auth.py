"""Accounts and sessions: the texts that clients look for, and the attacks that must fail."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coinsphere.db.owner import Scope
from tests.integration.webapi.conftest import (
    NOW,
    PASSWORD,
    V1,
    assert_problem,
    new_person,
    register,
)
from webapi.security import hashing
from webapi.services import EXTENSION


def login(client, email: str, password: str = PASSWORD, **more):
    return client.post(f"{V1}/auth/login", json={"email": email, "password": password, **more})


def refresh(client, token: str):
    return client.post(f"{V1}/auth/refresh", json={"refreshToken": token})


def test_register_login_me(client) -> None:
    made = register(client, "Ada@Example.com", firstName=" Ada ", lastName="O'Neil <b>")
    assert made.status_code == 201
    assert "Registration successful" in made.json["message"]
    user = made.json["user"]
    assert user == {
        "id": user["id"],
        "email": "Ada@example.com",
        "firstName": " Ada ",
        "lastName": "O'Neil <b>",
        "role": "user",
        "emailVerified": False,
        "subscriptionTier": "free",
        "createdAt": user["createdAt"],
    }
    assert user["createdAt"].endswith("Z")
    again = login(client, "ada@EXAMPLE.com")
    assert again.status_code == 200
    assert again.json["user"] == user
    me = client.get(
        f"{V1}/auth/me", headers={"Authorization": f"Bearer {again.json['accessToken']}"}
    )
    assert me.json == {
        "user": {**user, "lastLoginAt": "2026-03-10T12:30:00Z", "twoFactorEnabled": False},
        "sessions": 2,
    }


def test_a_taken_address_is_refused_in_any_case_of_its_letters(client, person) -> None:
    body = assert_problem(register(client, person.email.upper()), 400, says="already exists")
    assert body["details"][0]["path"] == "email"


def test_accounts_can_be_concealed(api_settings, owner_db, redis_url) -> None:
    from webapi.app import create_app

    settings = api_settings.model_copy(update={"registration_conceals_accounts": True})
    app = create_app(settings, clock=lambda: NOW)
    client = app.test_client()
    new, taken = register(client, "grace@example.com"), register(client, "GRACE@example.com")
    assert new.status_code == taken.status_code == 201
    assert new.json == taken.json
    assert "Registration successful" in new.json["message"]
    mails = owner_db.execute(
        "select recipient from app.mails where subject like 'Somebody tried%'"
    ).fetchall()
    assert mails == [("grace@example.com",)]
    assert login(client, "grace@example.com").status_code == 200
    app.extensions[EXTENSION].close()


@pytest.mark.parametrize("password", ["1234567", "", "x" * 257])
def test_passwords_out_of_bounds_are_refused(client, password: str) -> None:
    body = assert_problem(register(client, password=password), 400)
    assert body["details"][0]["path"] == "password"
    assert password == "" or password not in str(body)


@pytest.mark.parametrize(
    "password", [" leading and trailing ", "<script>1</script>", "<пароль漢字🔑ñ>"]
)
def test_passwords_are_kept_as_they_are(client, password: str) -> None:
    made = register(client, password=password)
    email = made.json["user"]["email"]
    assert login(client, email, password).status_code == 200
    assert_problem(login(client, email, password.strip("< >1")), 401)


@pytest.mark.parametrize("field", ["role", "emailVerified", "subscriptionTier", "isAdmin", "id"])
def test_a_registration_cannot_choose_what_is_not_its_to_choose(client, field: str) -> None:
    body = assert_problem(register(client, **{field: "admin"}), 400)
    assert body["details"] == [
        {"path": field, "message": "Extra inputs are not permitted", "code": "extra_forbidden"}
    ]


def test_wrong_credentials_answer_alike(client, person, owner_db) -> None:
    wrong = assert_problem(login(client, person.email, "wrong password"), 401)
    unknown = assert_problem(login(client, "nobody@example.com"), 401)
    owner_db.execute("update app.users set is_active = false where id = %s", [person.id])
    disabled = assert_problem(login(client, person.email), 401)
    for body in (wrong, unknown, disabled):
        body.pop("instance")
    assert wrong == unknown == disabled
    assert "Invalid credentials" in wrong["error"]


def test_a_second_factor_is_asked_for(client, person, owner_db) -> None:
    owner_db.execute("update app.users set two_factor_enabled = true where id = %s", [person.id])
    assert assert_problem(login(client, person.email), 403)["requires2FA"] is True
    assert_problem(login(client, person.email, twoFactorToken="000000"), 403)


def test_without_a_token(client) -> None:
    answer = client.get(f"{V1}/auth/me")
    assert_problem(answer, 401, says="unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_pair_is_new_within_the_same_second(client, person) -> None:
    answer = refresh(client, person.refresh_token)
    assert answer.status_code == 200
    assert answer.json["accessToken"] != person.access_token
    assert answer.json["refreshToken"] != person.refresh_token
    assert set(answer.json) == {"accessToken", "refreshToken"}


def test_reuse_of_a_refresh_token_ends_its_family(client, person, clock) -> None:
    """Within the grace it gives the same successor, also when that one was used; after it, nothing lives."""
    newer = refresh(client, person.refresh_token).json
    newest = refresh(client, newer["refreshToken"]).json
    clock[0] = NOW + timedelta(seconds=4)
    again = refresh(client, person.refresh_token).json
    assert again["refreshToken"] == newer["refreshToken"]
    assert refresh(client, newer["refreshToken"]).json["refreshToken"] == newest["refreshToken"]
    clock[0] = NOW + timedelta(seconds=6)
    assert_problem(refresh(client, person.refresh_token), 401, says="unauthorized")
    assert_problem(refresh(client, newest["refreshToken"]), 401)
    for pair in (newest, again):
        headers = {"Authorization": f"Bearer {pair['accessToken']}"}
        assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401)


def test_no_grace_brings_an_ended_session_back(client, person) -> None:
    newer = refresh(client, person.refresh_token).json
    client.post(f"{V1}/auth/logout", json={"refreshToken": newer["refreshToken"]})
    assert_problem(refresh(client, person.refresh_token), 401)


def test_fifty_threads_with_one_refresh_token_get_one_successor(app, person, owner_db) -> None:
    """Tabs that wake up at once: all go on, with one and the same new token."""
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda _: refresh(app.test_client(), person.refresh_token), range(50))
        )
    assert [answer.status_code for answer in answers] == [200] * 50
    (newest,) = {answer.json["refreshToken"] for answer in answers}
    assert len({answer.json["accessToken"] for answer in answers}) == 50
    count = """
        select count(*) from app.refresh_tokens t join app.sessions s on s.id = t.session_id
        where s.user_id = %s and s.revoked_at is null
    """
    assert owner_db.execute(count, [person.id]).fetchone() == (2,)
    assert refresh(app.test_client(), newest).status_code == 200


@pytest.fixture
def strict(app, monkeypatch) -> None:
    """The API without a grace."""
    work = app.extensions[EXTENSION]
    monkeypatch.setitem(
        app.extensions,
        EXTENSION,
        replace(work, settings=work.settings.model_copy(update={"refresh_grace_seconds": 0})),
    )


@pytest.mark.usefixtures("strict")
def test_of_fifty_threads_with_one_refresh_token_one_succeeds(app, person, owner_db) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda _: refresh(app.test_client(), person.refresh_token), range(50))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 49
    newest = next(answer.json for answer in answers if answer.status_code == 200)
    assert_problem(refresh(app.test_client(), newest["refreshToken"]), 401)
    ended = "select revoke_reason from app.sessions where user_id = %s"
    assert owner_db.execute(ended, [person.id]).fetchall() == [("reuse",)]
    told = "select count(*) from app.mails where user_id = %s and subject = 'A session of yours was ended'"
    assert owner_db.execute(told, [person.id]).fetchone() == (1,)


def test_refresh_tokens_and_sessions_expire(client, person, clock) -> None:
    try:
        clock[0] = NOW + timedelta(days=13)
        token = refresh(client, person.refresh_token).json["refreshToken"]
        clock[0] = NOW + timedelta(days=28)
        assert_problem(refresh(client, token), 401)
    finally:
        clock[0] = NOW


def test_logout_kills_the_access_token_at_once(client, person) -> None:
    assert person.get("/auth/me").status_code == 200
    answer = client.post(f"{V1}/auth/logout", headers=person.headers)
    assert answer.status_code == 200
    assert "Logged out successfully" in answer.json["message"]
    assert_problem(person.get("/auth/me"), 401)
    assert_problem(refresh(client, person.refresh_token), 401)


def test_logout_by_the_refresh_token_alone(client, person) -> None:
    assert person.get("/auth/me").status_code == 200
    answer = client.post(f"{V1}/auth/logout", json={"refreshToken": person.refresh_token})
    assert answer.status_code == 200
    assert_problem(person.get("/auth/me"), 401)


def test_logout_without_either_token(client) -> None:
    assert_problem(client.post(f"{V1}/auth/logout"), 401, says="unauthorized")
    assert_problem(client.post(f"{V1}/auth/logout", json={"refreshToken": "never issued"}), 401)


def test_the_dead_stay_dead_with_redis_flushed(client, person, cache) -> None:
    client.post(f"{V1}/auth/logout", headers=person.headers)
    cache.flushall()
    assert_problem(person.get("/auth/me"), 401)


def test_sessions_end_at_once_without_redis(api_settings) -> None:
    from pydantic import SecretStr

    from webapi.app import create_app

    settings = api_settings.model_copy(
        update={"redis_url": SecretStr("redis://127.0.0.1:1/0"), "rate_limit_api": 50}
    )
    app = create_app(settings, clock=lambda: NOW)
    person = new_person(app.test_client())
    assert person.get("/auth/me").status_code == 200
    assert person.post("/auth/logout").status_code == 200
    assert_problem(person.get("/auth/me"), 401)
    app.extensions[EXTENSION].close()


def test_a_session_that_was_read_before_its_end_is_not_remembered_after(app, person) -> None:
    """The race of two requests: one reads the row, the other logs out, the first one stores what it read."""
    from webapi.security import sessions

    work = app.extensions[EXTENSION]
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    stamp = work.sessions.stamp()
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        read = sessions.principal(conn, UUID(claims["sid"]), NOW)
    assert read is not None
    assert person.post("/auth/logout").status_code == 200
    work.sessions.keep(read, stamp)
    assert_problem(person.get("/auth/me"), 401)


def test_logout_all_ends_every_session(client, person) -> None:
    second = login(client, person.email).json
    answer = person.post("/auth/logout-all")
    assert answer.json["sessions"] == 2
    for token in (person.access_token, second["accessToken"]):
        headers = {"Authorization": f"Bearer {token}"}
        assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401)


def test_a_disabled_account_is_out_within_the_life_of_the_cache(client, person, owner_db, cache):
    owner_db.execute("update app.users set is_active = false where id = %s", [person.id])
    cache.flushall()
    assert_problem(person.get("/auth/me"), 401)
    assert_problem(refresh(client, person.refresh_token), 401)


def forged(app, person, *, key=None, algorithm="RS256", header=None, **claims) -> str:
    """The person's token with changed claims, signed by somebody else unless `key` is given."""
    original = jwt.decode(person.access_token, options={"verify_signature": False})
    headers = {**jwt.get_unverified_header(person.access_token), **(header or {})}
    headers.pop("alg")
    payload = {**original, **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    signing = key
    if key is None and algorithm != "none":
        signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(payload, signing, algorithm=algorithm, headers=headers)


def refused(client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401, says="unauthorized")


def test_tokens_of_others_are_refused(app, client, person) -> None:
    refused(client, forged(app, person))
    refused(client, forged(app, person, header={"kid": "foreign"}))
    refused(client, forged(app, person, header={"jku": "http://127.0.0.1/keys", "kid": "x"}))
    refused(client, forged(app, person, algorithm="none"))
    refused(client, person.access_token[:-4] + "AAAA")
    refused(client, person.access_token.rsplit(".", 1)[0] + ".")
    refused(client, "x.y.z")
    refused(client, person.refresh_token)


def test_the_public_key_is_no_secret_to_sign_with(app, client, person) -> None:
    import base64
    import hashlib
    import hmac
    import json

    public = (
        app.extensions[EXTENSION]
        .keyring.signing(NOW)
        .public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    kid = app.extensions[EXTENSION].keyring.signing(NOW).kid

    def encoded(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    # By hand: PyJWT itself refuses to sign so.
    header = encoded(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode())
    payload = person.access_token.split(".")[1]
    signature = hmac.new(public, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    refused(client, f"{header}.{payload}.{encoded(signature)}")


def test_tokens_of_ours_with_wrong_claims_are_refused(app, client, person) -> None:
    key = app.extensions[EXTENSION].keyring.signing(NOW).private
    sane = forged(app, person, key=key)
    headers = {"Authorization": f"Bearer {sane}"}
    assert client.get(f"{V1}/auth/me", headers=headers).status_code == 200
    now = int(NOW.timestamp())
    refused(client, forged(app, person, key=key, exp=now - 31))
    refused(client, forged(app, person, key=key, exp=None))
    refused(client, forged(app, person, key=key, iss="somebody"))
    refused(client, forged(app, person, key=key, aud="another"))
    refused(client, forged(app, person, key=key, sid=None))
    refused(client, forged(app, person, key=key, sid=7))
    refused(client, forged(app, person, key=key, sid=str(uuid4())))
    refused(client, forged(app, person, key=key, header={"typ": "JWT"}))


def test_the_key_set_verifies_tokens(client, person) -> None:
    answer = client.get("/.well-known/jwks.json")
    key = jwt.PyJWKSet.from_dict(answer.json).keys[-1]
    claims = jwt.decode(
        person.access_token,
        key,
        ["RS256"],
        audience="coinsphere-api",
        options={"verify_exp": False},  # the API's clock stands still, this one's does not
    )
    assert claims["sub"] == person.id
    assert set(answer.json["keys"][0]) == {"kty", "use", "alg", "kid", "n", "e"}


def test_refresh_tokens_are_not_stored(owner_db, person) -> None:
    rows = owner_db.execute("select row_to_json(t)::text from app.refresh_tokens t").fetchall()
    assert rows
    assert all(person.refresh_token not in text for (text,) in rows)


def test_acts_are_noted(client, person, owner_db) -> None:
    login(client, person.email, "wrong password")
    client.post(f"{V1}/auth/logout", headers=person.headers)
    refused_target, logged_out = (
        owner_db.execute(
            "select count(*) from app.audit_logs where action = %s and ip_address = '127.0.0.0/24'",
            [action],
        ).fetchone()[0]
        for action in ("login.refused", "logout")
    )
    assert refused_target >= 1
    assert logged_out >= 1


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR", "Bearer "])
def test_the_scheme_of_credentials_has_no_case(client, person, scheme) -> None:
    headers = {"Authorization": f"{scheme} {person.access_token}"}
    assert client.get(f"{V1}/auth/me", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic {}", "{}", "Bearer", "Bearer {}, Bearer {}", "Bearerx {}"]
)
def test_other_credentials_than_one_bearer_token_are_refused(client, person, header) -> None:
    headers = {"Authorization": header.format(person.access_token, person.access_token)}
    assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401, says="unauthorized")


def test_a_password_is_the_same_however_a_keyboard_composes_it(client) -> None:
    """Registered on one system and typed on another: composed, decomposed, with another space, in full width."""
    password = "Café-Zurück 77"
    email = f"{uuid4().hex}@example.com"
    for form in ("NFC", "NFD"):
        answer = register(client, f"{form}{email}", password=unicodedata.normalize(form, password))
        assert answer.status_code == 201
        for typed in ("NFC", "NFD", "NFKC", "NFKD"):
            given = unicodedata.normalize(typed, password)
            assert login(client, f"{form}{email}", given).status_code == 200
        for typed in (password.replace(" ", "\u00a0"), password.replace("77", "\uff17\uff17")):
            assert login(client, f"{form}{email}", typed).status_code == 200
        assert login(client, f"{form}{email}", "Cafe-Zuruck 77").status_code == 401


def test_a_hash_of_another_form_of_the_password_keeps_working_and_is_made_anew(
    client, person, owner_db
) -> None:
    """As the server before hashed what was typed: a decomposed password stayed so."""
    decomposed = unicodedata.normalize("NFD", "Café-Zurück-77")
    before = hashing.argon2id(decomposed)
    owner_db.execute("update app.users set password_hash = %s where id = %s", [before, person.id])
    for form in ("NFC", "NFD"):
        assert (
            login(client, person.email, unicodedata.normalize(form, decomposed)).status_code == 200
        )
    (after,) = owner_db.execute(
        "select password_hash from app.users where id = %s", [person.id]
    ).fetchone()
    assert after != before
    assert hashing.matches(after, "Café-Zurück-77")

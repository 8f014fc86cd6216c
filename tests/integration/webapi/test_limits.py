"""How often one may ask, with Redis, without it, and when it dies in between."""

import secrets

import pytest
from pydantic import SecretStr

from coinsphere.network.client_networks import network
from tests.integration.webapi.conftest import (
    NOW,
    PASSWORD,
    V1,
    assert_problem,
    new_person,
    register,
)
from webapi.app import create_app
from webapi.services import EXTENSION


@pytest.fixture
def strict(api_settings, redis_url):
    """Makes an API of narrow limits; its Redis is empty."""
    made = []

    def make(**changes):
        limits = {"rate_limit_api": 5, "rate_limit_auth": 6, "rate_limit_auth_failures": 2}
        app = create_app(api_settings.model_copy(update={**limits, **changes}), clock=lambda: NOW)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions[EXTENSION].close()


def login(client, email: str = "nobody@example.com"):
    return client.post(f"{V1}/auth/login", json={"email": email, "password": "wrong password"})


def test_the_limit_is_told_and_kept(strict) -> None:
    person = new_person(strict().test_client())
    for left in (4, 3, 2, 1, 0):
        answer = person.get("/auth/me")
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Limit"] == "5"
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        assert answer.headers["RateLimit-Policy"] == '"api";q=5;w=900'
        assert answer.headers["RateLimit"].startswith(f'"api";r={left};t=')
        assert int(answer.headers["X-RateLimit-Reset"]) > 0
    answer = person.get("/auth/me")
    body = assert_problem(answer, 429)
    assert 0 < body["retryAfter"] <= 901
    assert answer.headers["Retry-After"] == str(body["retryAfter"])
    assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_users_are_counted_apart_also_behind_one_address(strict) -> None:
    client = strict().test_client()
    one, two = new_person(client), new_person(client)
    for _ in range(6):
        last = one.get("/auth/me")
    assert last.status_code == 429
    assert two.get("/auth/me").status_code == 200


def test_strangers_are_counted_by_address_whatever_they_claim(strict) -> None:
    client = strict().test_client()
    for n in range(6):
        headers = {"Authorization": f"Bearer x.{n}.z", "X-Forwarded-For": f"10.0.0.{n}"}
        last = client.get(f"{V1}/auth/me", headers=headers)
    assert last.status_code == 429


def test_behind_a_trusted_proxy_the_callers_address_counts(strict) -> None:
    client = strict(trusted_proxies=1).test_client()
    for n in range(8):
        headers = {"X-Forwarded-For": f"10.9.9.9, 10.0.0.{n}"}
        assert client.get(f"{V1}/auth/me", headers=headers).status_code == 401


def test_processes_count_together(strict) -> None:
    first, second = strict().test_client(), strict().test_client()
    person = new_person(first)
    for _ in range(5):
        person.get("/auth/me")
    assert second.get(f"{V1}/auth/me", headers=person.headers).status_code == 429


def test_failed_logins_are_counted_once_more(strict) -> None:
    client = strict(rate_limit_auth=100).test_client()
    made = register(client, f"{secrets.token_hex(4)}@example.com")
    assert made.status_code == 201
    assert login(client).status_code == 401
    assert login(client).status_code == 401
    answer = login(client)
    assert_problem(answer, 429)
    assert answer.headers["RateLimit-Policy"] == '"auth-failures";q=2;w=900'
    assert_problem(register(client), 429)


GUESSES = {
    "a password": ("POST", "/auth/login", {"email": "guessed@example.com", "password": "wrong password"}),
    "a refresh token": ("POST", "/auth/refresh", {"refreshToken": "a" * 43}),
    "a link of a new password": ("POST", "/auth/reset-password", {"token": "a" * 43, "newPassword": PASSWORD}),
    "a link of an address": ("POST", "/auth/verify-email", {"token": "a" * 43}),
    "a code of an authenticator app": ("POST", "/2fa/disable", {"password": PASSWORD, "token": "000000"}),
    "a recovery code": ("POST", "/auth/step-up", {"twoFactorToken": "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"}),
}  # fmt: skip


@pytest.mark.parametrize("what", GUESSES)
def test_whatever_is_guessed_at_a_network_of_ipv6_has_so_many_guesses(strict, what: str) -> None:
    app = strict(rate_limit_auth=100, rate_limit_api=100)
    person = new_person(app.test_client())
    method, path, body = GUESSES[what]

    def guess(address: str) -> int:
        origin = {"REMOTE_ADDR": address}
        answer = person.ask(method, path, json=body, environ_overrides=origin)
        return int(answer.status_code)

    first = [guess(f"2001:db8:1:2::{number}") for number in (1, 2, 3)]
    assert all(status in (400, 401, 403) for status in first[:2])
    assert first[2] == 429
    assert guess("2001:db8:1:2:ffff:ffff:ffff:ffff") == 429
    assert guess("2001:db8:1:3::1") in (400, 401, 403)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("unknown", "unknown"),
    ],
)
def test_callers_are_counted_by_what_one_of_them_has(address: str, counted: str) -> None:
    assert network(address) == counted


def test_logins_that_succeed_are_no_failures(strict) -> None:
    client = strict(rate_limit_auth=100).test_client()
    for _ in range(5):
        assert register(client).status_code == 201


def test_health_is_never_counted(strict) -> None:
    client = strict().test_client()
    for _ in range(10):
        answer = client.get("/health/live")
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


def test_without_redis_each_process_counts_for_itself(strict) -> None:
    app = strict(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    person = new_person(app.test_client())
    statuses = [person.get("/auth/me").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2


def test_a_redis_that_dies_between_requests_neither_opens_nor_shuts_the_door(
    strict, own_redis
) -> None:
    app = strict(redis_url=SecretStr(own_redis.url))
    person = new_person(app.test_client())
    assert person.get("/auth/me").headers["X-RateLimit-Remaining"] == "4"
    own_redis.kill()
    statuses = [person.get("/auth/me").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert login(app.test_client()).status_code == 401

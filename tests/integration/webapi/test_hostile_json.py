"""What is nested deep, stands twice or has two names is refused on every way in, and names what is wrong."""

import base64
import codecs
import gzip
import json

import pytest

from tests.integration.webapi.conftest import PASSWORD, V1, assert_problem, new_person

JSON = {"Content-Type": "application/json"}
DEEP = [b"[" * 50_000, b'{"a":' * 50_000, b"[" * 50_000 + b"]" * 50_000, b'[{"a":' * 30_000]


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize("body", DEEP)
@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/auth/refresh"])
def test_deep_bodies_of_strangers(client, path: str, body: bytes) -> None:
    assert_problem(client.post(f"{V1}{path}", data=body, headers=JSON), 400)


def test_deep_texts_in_other_places(client) -> None:
    person = new_person(client)
    deep = _encoded(b"[" * 250)
    assert_problem(person.get(f"/transactions?cursor={deep}"), 400)
    for header in (b"[" * 2_500, b'{"a":' * 900):
        token = f"{_encoded(header)}.{_encoded(header)}.c2ln"
        answer = client.get(f"{V1}/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert_problem(answer, 401)


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/auth/login", b'{"email":"a@b.example","password":"x","password":"y"}', "password"),
        ("/alerts", b'{"threshold":1,"threshold":1000}', "threshold"),
        ("/transactions/bulk", b'{"transactions":[{"amount":1,"\\u0061mount":1000}]}', "amount"),
        ("/portfolios", b'{"name":"A","name":"A"}', "name"),
    ],
)
def test_a_name_that_stands_twice_is_named(client, path: str, body: bytes, named: str) -> None:
    answer = new_person(client).ask("POST", path, data=body, headers=JSON)
    problem = assert_problem(answer, 400)
    assert problem["details"] == [{"path": named, "message": "stands twice", "code": "repeated"}]


def test_a_parameter_that_stands_twice_is_named(client) -> None:
    person = new_person(client)
    answer = person.get("/transactions?limit=1&limit=2")
    assert assert_problem(answer, 400)["details"][0]["path"] == "limit"
    # What no route knows, caches append.
    assert person.get("/transactions?_=1&_=2").status_code == 200


def test_a_compressed_body_is_refused_as_such_and_a_mark_of_byte_order_is_passed_over(
    client,
) -> None:
    body = json.dumps({"email": "bom@example.com", "password": PASSWORD}).encode()
    for coding in ("gzip", "br", "GZIP, gzip"):
        headers = {**JSON, "Content-Encoding": coding}
        answer = client.post(f"{V1}/auth/register", data=gzip.compress(body), headers=headers)
        assert assert_problem(answer, 415)["type"].endswith("content-coding")
        assert answer.headers["Accept-Encoding"] == "identity"
    headers = {**JSON, "Content-Encoding": "identity"}
    marked = codecs.BOM_UTF8 + body
    assert client.post(f"{V1}/auth/register", data=marked, headers=headers).status_code == 201
    twice = codecs.BOM_UTF8 * 2 + body
    assert_problem(client.post(f"{V1}/auth/register", data=twice, headers=JSON), 400)


TRADE = {"type": "buy", "amount": 1, "price": 1, "timestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("old", "new", "others"),
    [
        ("assetSymbol", "tokenSymbol", ("ETH", "BTC")),
        ("pricePerUnit", "price", (2, 1)),
        ("date", "timestamp", ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")),
    ],
)
def test_a_field_under_two_names_is_refused_with_both(client, old, new, others) -> None:
    person = new_person(client)
    trade = {"tokenSymbol": "BTC", **TRADE, old: others[0], new: others[1]}
    one = person.post("/transactions", trade)
    many = person.post("/transactions/bulk", {"transactions": [trade]})
    for answer in (one, many):
        error = assert_problem(answer, 400)["error"]
        assert old in error
        assert new in error


def test_two_names_elsewhere(client) -> None:
    person = new_person(client)
    portfolio = person.post("/portfolios", {"name": "Mine"}).json["portfolio"]
    holding = {"tokenSymbol": "BTC", "assetSymbol": "ETH", "amount": 1}
    answer = person.post(f"/portfolios/{portfolio['id']}/holdings", holding)
    assert "assetSymbol" in assert_problem(answer, 400)["error"]
    passwords = {"currentPassword": PASSWORD, "oldPassword": "x", "newPassword": "another long one"}
    answer = person.post("/auth/change-password", passwords)
    assert "oldPassword" in assert_problem(answer, 400)["error"]


@pytest.mark.parametrize(
    "body", [b'{"threshold":' + b"1" * 65 + b"}", b"[" + b"0," * 60_000 + b"0]"]
)
def test_too_many_digits_or_values_are_no_json_for_us(client, body: bytes) -> None:
    assert_problem(new_person(client).ask("POST", "/alerts", data=body, headers=JSON), 400)

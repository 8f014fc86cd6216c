"""The API's surface: limits of cost and size, retirement of routes, what leaves in answers, the Postman collection."""

import json
from datetime import UTC, datetime, timedelta
from inspect import iscoroutinefunction
from urllib.parse import quote as escaped

import pytest
from structlog.testing import capture_logs

from tests.integration.webapi.conftest import NOW, V1, assert_problem, new_person
from tests.integration.webapi.test_limits import strict as strict  # noqa: PLC0414 - a fixture
from webapi import features
from webapi.account.data_routes import ExportOut
from webapi.app import create_app
from webapi.documentation import postman
from webapi.http import deprecation
from webapi.http import json as wire
from webapi.http.schema import Message, Output
from webapi.security import limits
from webapi.security.access import public, signed_in
from webapi.services import EXTENSION, services

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
SUNSET = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINK = "https://docs.example.com/retired"


def test_no_view_is_a_coroutine(app) -> None:
    """The app asks none, as Flask would at each request."""
    assert not any(map(iscoroutinefunction, app.view_functions.values()))


@pytest.fixture
def retiring(api_settings):
    """An API with a route on its way out, at an instant that a test sets."""
    now = [NOW]
    made = create_app(api_settings, clock=lambda: now[0])

    @public
    @deprecation.deprecated(since=SINCE, sunset=SUNSET, link=LINK)
    def retired():
        return {"still": "here"}

    made.add_url_rule("/retired", "retired", retired)
    yield made.test_client(), now
    made.extensions[EXTENSION].close()


def test_a_retiring_route_says_so_with_every_answer(retiring) -> None:
    client, now = retiring
    for instant, status in ((NOW, 200), (SUNSET - timedelta(seconds=1), 200), (SUNSET, 410)):
        now[0] = instant
        answer = client.get("/retired")
        assert answer.status_code == status
        assert answer.headers["Deprecation"] == f"@{int(SINCE.timestamp())}"
        assert answer.headers["Sunset"] == "Mon, 01 Jun 2026 12:00:00 GMT"
        assert answer.headers.getlist("Link") == [
            f'<{LINK}>; rel="deprecation"',
            f'<{LINK}>; rel="sunset"',
        ]
    body = assert_problem(answer, 410)
    assert LINK in body["detail"]
    assert "Deprecation" not in client.get("/health/live").headers


def test_a_route_cannot_end_before_it_is_deprecated() -> None:
    with pytest.raises(ValueError, match="before"):
        deprecation.deprecated(since=SUNSET, sunset=SINCE, link=LINK)


def test_dear_routes_count_for_more(strict) -> None:
    person = new_person(strict(rate_limit_api=12).test_client())
    for left in (7, 2):
        answer = person.post("/risk/batch", {"symbols": ["BTC"]})
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
    assert_problem(person.post("/risk/batch", {"symbols": ["BTC"]}), 429)


def test_a_key_has_its_own_limit_and_counts_for_its_user(strict) -> None:
    client = strict(rate_limit_api=8, rate_limit_key=3).test_client()
    person = new_person(client)
    keys = [
        person.post("/api-keys", {"name": "k", "scopes": ["alerts:read"]}).json["key"]
        for _ in range(2)
    ]

    def use(key: str):
        return client.get(f"{V1}/alerts", headers={"Authorization": f"Bearer {key}"})

    assert [use(keys[0]).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert use(keys[0]).headers["RateLimit-Policy"] == '"key";q=3;w=900'
    assert use(keys[1]).status_code == 200
    # 2 to make the keys and 4 to use them; what a key's own limit refused counts nowhere.
    assert [person.get("/auth/me").status_code for _ in range(3)] == [200, 200, 429]


def test_made_up_keys_count_by_address(strict) -> None:
    client = strict().test_client()
    statuses = [
        client.get(f"{V1}/alerts", headers={"Authorization": f"Bearer cs_live_{n}"}).status_code
        for n in range(7)
    ]
    assert statuses == [401] * 5 + [429] * 2


def test_long_arrays_and_deep_bodies_are_refused_at_once(person) -> None:
    details = assert_problem(person.post("/risk/batch", {"symbols": ["X"] * 1001}), 400)["details"]
    assert details == [
        {"path": "symbols", "message": "must have at most 1000 items", "code": "too_long"}
    ]
    for body in ({"symbols": ["A\0"]}, {"a\0": 1}):
        assert_problem(person.post("/risk/batch", body), 400, says="zero byte")
    nested: object = 1
    for _ in range(33):
        nested = {"a": nested}
    assert_problem(person.post("/alerts", nested), 400, says="not valid JSON")


def test_no_page_is_longer_than_200(client) -> None:
    spec = json.loads(client.get("/api/openapi.json").data)
    found = 0
    for item in spec["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "limit":
                    assert parameter["schema"]["maximum"] <= 200
                    found += 1
    assert found >= 6


@pytest.mark.parametrize("value", ["5_0", "%EF%BC%95", "5.0", "%205", "0x5"])
def test_a_whole_number_of_a_query_is_plain_digits(person, value: str) -> None:
    """Python takes `5_0` for fifty."""
    spec = json.loads(person.client.get("/api/openapi.json").data)
    asked = [
        (path, parameter["name"])
        for path, item in spec["paths"].items()
        for parameter in item.get("get", {}).get("parameters", [])
        if _is_whole(parameter) and "{" not in path
    ]
    assert len(asked) >= 10
    for path, name in asked:
        answer = person.client.get(f"{path}?{name}={value}", headers=person.headers)
        if answer.status_code != 403:
            (fault,) = assert_problem(answer, 400)["details"]
            assert (fault["path"], fault["message"]) == (name, "must be an integer")


def _is_whole(parameter: dict) -> bool:
    schema = parameter["schema"]
    kinds = {each.get("type") for each in schema.get("anyOf", [schema])} - {"null"}
    return parameter["in"] == "query" and kinds == {"integer"}


UNSEEN = [
    "   ",
    "\u200b\u200d",
    "\u00a0",
    "\u3164\u2800",
    "\u00ad\u2060\ufeff",
    "\u0301\ufe0f",
    "\u3000",
]


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_that_nobody_sees_is_none(person, administrator, name: str) -> None:
    token = {"symbol": "XNEW", "name": name, "blockchain": "Ethereum"}
    for who, path, body, field in (
        (person, "/portfolios", {"name": name}, "name"),
        (person, "/api-keys", {"name": name, "scopes": ["read:market"]}, "name"),
        (person, "/channels", {"name": name, "kind": "webhook", "url": "https://example.com"}, "name"),
        (person, "/defi/connect", {"address": "x", "blockchain": "ethereum", "label": name}, "label"),
        (person, "/feedback", {"category": "idea", "text": name}, "text"),
        (administrator, "/tokens", token, "name"),
        (administrator, "/tokens", {**token, "name": "N", "symbol": f"BTC{name}"}, "symbol"),
        (administrator, "/tokens", {**token, "name": "N", "contractAddress": f"0x1{name}"}, "contractAddress"),
    ):  # fmt: skip
        faults = assert_problem(who.post(path, body), 400)["details"]
        assert field in {fault["path"] for fault in faults}, (path, faults)


def test_spaces_and_joiners_within_a_name_are_kept(person) -> None:
    for name in (
        "  Mine ",
        "\u0646\u0645\u06cc\u200c\u062f\u0627\u0646\u0645",
        "\U0001f469\u200d\U0001f4bb",
        "\u0915\u094d\u200d\u0937",
    ):
        made = person.post("/portfolios", {"name": name})
        assert made.json["portfolio"]["name"] == name


EDGES = [
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z", "2026-03-09T10:00:00+23:59",
    "2026-03-09T10:00:00-23:59",
]  # fmt: skip


@pytest.mark.parametrize("at", EDGES)
def test_no_instant_of_the_calendar_breaks_a_request(
    person, administrator, prices, at: str
) -> None:
    """PostgreSQL takes no offset of 16 hours or more, and year 10000 fits nowhere."""
    portfolio = person.post("/portfolios", {"name": "Mine"}).json["portfolio"]["id"]
    alert = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    bought = {"portfolioId": portfolio, "tokenSymbol": "BTC", "type": "buy", "amount": 1}
    event = {"kind": "delisting", "token": "DOGE", "reason": "because"}
    for who, path, body in (
        (person, "/alerts", {**alert, "expiresAt": at}),
        (person, "/transactions", {**bought, "timestamp": at}),
        (person, f"/portfolios/{portfolio}/holdings", {"tokenSymbol": "BTC", "amount": 1, "acquiredAt": at}),
        (person, f"/portfolios/{portfolio}/shares", {"expiresAt": at}),
        (person, "/api-keys", {"name": "k", "scopes": ["market:read"], "expiresAt": at}),
        (administrator, "/admin/asset-events", {**event, "happenedAt": at}),
    ):  # fmt: skip
        assert who.post(path, body).status_code in {201, 400}, path
    for path in ("/tokens/BTC/history?asOf=", "/tokens/BTC/price?at=", "/tokens/BTC/price?asOf=", "/predictions/BTC?asOf="):  # fmt: skip
        answer = person.get(path + escaped(at))
        assert answer.status_code in {200, 400, 404, 503}, (path, answer.text)


@pytest.mark.parametrize("weight", ["NaN", "sNaN", "Infinity", "1_0", "%EF%BC%91"])
def test_a_weight_of_a_benchmark_is_a_number(person, weight: str) -> None:
    portfolio = person.post("/portfolios", {"name": "Mine"}).json["portfolio"]["id"]
    answer = person.get(f"/portfolios/{portfolio}/performance?benchmark=BTC:{weight}")
    assert assert_problem(answer, 400)["details"][0]["path"] == "benchmark"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"isActive": 1}, "isActive"),
        ({"cooldownSeconds": "5"}, "cooldownSeconds"),
        ({"expiresAt": 4102444800}, "expiresAt"),
        ({"expiresAt": "4102444800"}, "expiresAt"),
    ],
)
def test_nothing_is_taken_for_something_else(person, body: dict, path: str) -> None:
    alert = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    details = assert_problem(person.post("/alerts", {**alert, **body}), 400)["details"]
    assert details[0]["path"] == path


def test_what_a_model_does_not_declare_never_leaves(app, person, monkeypatch) -> None:
    from webapi.auth import queries

    original = queries.by_id

    class Planted:
        """An account with a secret attribute, as a careless query would give it."""

        def __init__(self, user) -> None:
            self._user = user
            self.totp_secret = "planted secret"

        def __getattr__(self, name: str):
            return getattr(self._user, name)

    monkeypatch.setattr(queries, "by_id", lambda *args: Planted(original(*args)))
    answer = person.get("/auth/me")
    assert answer.status_code == 200
    assert "planted" not in answer.text
    assert "argon2" not in answer.text
    assert "password" not in answer.text.lower()


def test_no_model_of_an_answer_lets_out_what_it_does_not_declare(app, api_settings) -> None:
    """Of a row that is a mapping, too. The export alone is open: its tables are named in a list of their own."""

    def kinds(model: type[Output]) -> set[type[Output]]:
        below = {kind for each in model.__subclasses__() for kind in kinds(each)}
        return {model, *below}

    # Those of the API: what a test declares is its own.
    models = {each for each in kinds(Output) if each.__module__.startswith("webapi")}
    assert len(models) >= 60
    assert {each for each in models if each.model_config["extra"] != "ignore"} == {ExportOut}

    careless = create_app(api_settings, clock=lambda: NOW)

    @public
    @careless.output(Message)
    def view():
        return {"message": "hello", "password_hash": "planted", "inner": {"secret": "planted"}}

    careless.add_url_rule("/careless", "careless", view)
    try:
        assert careless.test_client().get("/careless").json == {"message": "hello"}
    finally:
        careless.extensions[EXTENSION].close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_secret_of_a_link_is_not_logged(client, method: str) -> None:
    with capture_logs() as lines:
        client.open(f"{V1}/shared/bD9k3-secret-of-a-link", method=method)
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["path"] == f"{V1}/shared/***"


def test_the_postman_collection_has_every_operation_and_its_requests_work(
    app, client, person
) -> None:
    spec = json.loads(client.get("/api/openapi.json").data)
    made = json.loads(wire.dumps(postman.collection(spec, "http://localhost")))
    assert made["info"]["schema"].endswith("/v2.1.0/collection.json")
    items = [item for folder in made["item"] for item in folder["item"]]
    assert len(items) == sum(len(item) for item in spec["paths"].values())
    reading = [
        item["request"]
        for item in items
        if item["request"]["method"] == "GET" and not item["request"]["url"]["variable"]
    ]
    assert len(reading) >= 8
    for request in reading:
        path = "/" + "/".join(request["url"]["path"])
        headers = {} if request.get("auth") == {"type": "noauth"} else person.headers
        answer = client.get(path, headers=headers)
        assert answer.status_code in (200, 403, 503), path
    creating = next(
        item["request"]
        for item in items
        if item["request"]["url"]["raw"].endswith("/v1/alerts")
        and item["request"]["method"] == "POST"
    )
    body = json.loads(creating["body"]["raw"])
    assert person.post("/alerts", body).status_code == 201


def test_every_feature_belongs_to_routes_that_are_there(app) -> None:
    known = set(app.view_functions) | {name.partition(".")[0] for name in app.view_functions}
    guarded = {features.of(name) for name in app.view_functions} - {None}
    assert {features.Feature.ALERTS, features.Feature.REGISTRATION} <= guarded
    assert "auth.login" in known
    for never in ("auth.login", "health.health_", "administration.switch_feature"):
        assert features.of(never) is None


def test_weights_are_told_in_the_document(app, client) -> None:
    spec = json.loads(client.get("/api/openapi.json").data)
    assert spec["paths"][f"{V1}/risk/batch"]["post"]["x-cost"] == 5
    assert spec["paths"][f"{V1}/alerts"]["post"]["x-api-key-scope"] == "alerts:write"
    assert limits.cost_of(app.view_functions["alerts.list_alerts"]) == 1


def test_every_transaction_of_a_request_acts_for_its_caller_alone(app, person, other) -> None:
    """The `where` is taken away: a view that asks for all alerts sees those of its caller."""
    body = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    mine = person.post("/alerts", body).json["alert"]["id"]
    other.post("/alerts", body)

    @signed_in
    def careless():
        with services().database.connection() as conn:
            return {"ids": [str(row[0]) for row in conn.execute("select id from app.alerts")]}

    careless_app = create_app(services_settings(app), clock=lambda: NOW)
    careless_app.add_url_rule("/careless", "careless", careless)
    try:
        answer = careless_app.test_client().get("/careless", headers=person.headers)
        assert answer.json["ids"] == [mine]
        # A pool of one connection, which acted for somebody else a moment ago.
        again = careless_app.test_client().get("/careless", headers=other.headers)
        assert mine not in again.json["ids"]
        assert len(again.json["ids"]) == 1
    finally:
        careless_app.extensions[EXTENSION].close()


def services_settings(app):
    return app.extensions[EXTENSION].settings.model_copy(update={"database_pool_size": 1})

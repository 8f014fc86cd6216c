"""The short way of a read, beside Flask's: the same answers to the byte, and the same refusals."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from psycopg_pool import PoolTimeout
from werkzeug.test import EnvironBuilder

from coinsphere.security.signing import rotation
from coinsphere.security.signing.file_keyring import FileKeyring
from tests.integration.webapi.conftest import NOW, V1, Person, assert_problem, new_person
from tests.integration.webapi.test_predictions import forecast
from webapi import features
from webapi.app import create_app
from webapi.auth import current_user
from webapi.backends import cache as backend_cache
from webapi.http import deprecation, pages
from webapi.http.gate import EXTENSION as EXTENSION_OF_GATE
from webapi.security import quota_leases, session_cache
from webapi.services import EXTENSION

EACH_HIS_OWN = {"X-Request-ID", "Date", "RateLimit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
ADDRESSES = {
    "/api/v1/tokens": ["/tokens", "/tokens?limit=3", "/tokens/"],
    "/api/v1/tokens/<symbol>": ["/tokens/BTC", "/tokens/btc", "/tokens/%42TC"],
    "/api/v1/tokens/<symbol>/history": ["/tokens/BTC/history", "/tokens/ETH/history?timeframe=24h"],
    "/api/v1/predictions/<symbol>": ["/predictions/BTC", "/predictions/BTC?days=1"],
}
"""Of each cached route, some with an answer."""
OWN = ["/auth/me", "/portfolios/{portfolio}", "/portfolios/{portfolio}?currency=EUR"]
"""Of routes whose answer each caller has their own of, some; another than the owner gets no portfolio."""
PLENTY = {"rate_limit_api": 100_000, "rate_limit_key": 100_000}
SENT: list[dict[str, str]] = [
    {},
    {"If-None-Match": "{etag}"},
    {"If-None-Match": "W/{etag}"},
    {"If-None-Match": '"other", {etag}'},
    {"If-None-Match": '"other"'},
    {"If-None-Match": "*"},
    {"If-None-Match": "nonsense"},
    {"If-Match": '"other"'},
    {"If-Match": "{etag}"},
    {"If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"Range": "bytes=0-9"},
    {"Origin": "https://app.example"},
    {"Origin": "https://evil.example"},
    {"Host": "evil.example"},
    {"Host": "localhost"},
    {"Content-Length": "2000000"},
    {"Accept": "text/html"},
    {"Cookie": "locale=de"},
]
"""Headers of requests."""


@pytest.fixture(autouse=True)
def _long_memory(monkeypatch) -> None:
    """What a process knows it knows for the whole test, however slow the machine is."""
    monkeypatch.setattr(quota_leases, "_SECONDS", 3600.0)
    monkeypatch.setattr(backend_cache, "_HERE_SECONDS", 3600.0)


@pytest.fixture
def make(api_settings, redis_url) -> Iterator[Any]:
    """Makes an API as one process has it."""
    made = []

    def new(**changes: Any):
        settings = api_settings.model_copy(
            update={
                "cors_origins": ("https://app.example",),
                "cache_seconds": 3600,
                **PLENTY,
                **changes,
            }
        )
        app = create_app(settings, clock=lambda: NOW)
        made.append(app)
        return app

    yield new
    for app in made:
        app.extensions[EXTENSION].close()


@pytest.fixture
def short(make) -> Any:
    """An API with its gate."""
    return make()


@pytest.fixture
def plain(make) -> Any:
    """The same without."""
    app = make()
    gate = app.extensions[EXTENSION_OF_GATE]
    # It learns nothing, so it lets everything through.
    gate._learning = lambda _, environ, start: gate._flask(environ, start)
    return app


class Counter:
    """Counts the requests that reach Flask behind an app's gate."""

    def __init__(self, app) -> None:
        gate = app.extensions[EXTENSION_OF_GATE]
        self.requests, self._flask = 0, gate._flask
        gate._flask = self

    def __call__(self, environ, start):
        self.requests += 1
        return self._flask(environ, start)


def asked(app, person: Person, path: str, **headers: str):
    return app.test_client().get(path, headers=person.headers | headers)


def told(answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers in their order and body, without what is another one for each request."""
    headers = [
        (name, "" if name in EACH_HIS_OWN else value) for name, value in answer.headers.items()
    ]
    instance = answer.headers["X-Request-ID"].encode()
    return answer.status_code, headers, answer.data.replace(instance, b"")


def test_the_addresses_are_of_all_cached_routes(short) -> None:
    cached = {
        rule.rule
        for rule in short.url_map.iter_rules()
        if pages.is_cached(short.view_functions[rule.endpoint])
    }
    assert cached == set(ADDRESSES)


def callers(person: Person, administrator: Person) -> dict[str, dict[str, str]]:
    """The headers of whoever may come."""
    key, bare = (
        administrator.post("/api-keys", {"name": "k", "scopes": [scope]}).json["key"]
        for scope in ("market:read", "portfolios:read")
    )
    token = person.access_token
    return {
        "a user": person.headers,
        "a user in lower case": {"Authorization": f"bearer {token}"},
        "an administrator": administrator.headers,
        "nobody": {},
        "another scheme": {"Authorization": f"Basic {token}"},
        "a broken token": {"Authorization": f"Bearer {token[:-4]}AAAA"},
        "a key": {"Authorization": f"Bearer {key}"},
        "a key without the scope": {"Authorization": f"Bearer {bare}"},
        "a key that is none": {"Authorization": f"Bearer {key[:-4]}AAAA"},
    }


def test_both_ways_answer_alike(short, plain, person, administrator, model_server) -> None:
    model_server.answers = {"BTC": (200, forecast())}
    behind, compared = Counter(short), 0
    ways = short.test_client(), plain.test_client()
    addresses = [each for some in ADDRESSES.values() for each in some] + own(person)
    for who, credentials in callers(person, administrator).items():
        for path in (V1 + each for each in addresses):
            etag = ways[1].get(path, headers=person.headers).headers.get("ETag", '"none"')
            for method, sent in _requests(who):
                headers = {name: value.format(etag=etag) for name, value in sent.items()}
                # Twice on the short way: Flask is asked first, and for the second the gate knows the answer.
                answers = [
                    way.open(path, method=method, headers=credentials | headers)
                    for way in (ways[1], ways[0], ways[0])
                ]
                first, *others = map(told, answers)
                assert others == [first, first], (who, path, method, headers)
                compared += 2
    assert compared > 500
    # Of the requests of users a good part was answered by the gate, or Flask was compared with itself.
    assert compared - behind.requests > compared / 10


def own(person: Person) -> list[str]:
    """`OWN` of a person with a portfolio."""
    portfolio = person.post("/portfolios", {"name": "mine"}).json["portfolio"]["id"]
    holding = {"tokenSymbol": "BTC", "amount": 1}
    assert person.post(f"/portfolios/{portfolio}/holdings", holding).status_code == 201
    return [path.format(portfolio=portfolio) for path in OWN]


def _requests(who: str) -> list[tuple[str, dict[str, str]]]:
    """Methods and headers: all of them by a user, the usual ones by everybody."""
    of_all = [("GET", SENT[0]), ("GET", SENT[1]), ("HEAD", SENT[0])]
    return [("GET", sent) for sent in SENT] + of_all if who == "a user" else of_all


@pytest.fixture
def hot(short, person):
    """An API whose gate knows `/tokens` and its caller, and what counts the requests that still reach Flask."""
    for _ in range(4):
        assert asked(short, person, f"{V1}/tokens").status_code == 200
    behind = Counter(short)
    assert asked(short, person, f"{V1}/tokens").status_code == 200
    assert behind.requests == 0
    return short, behind


def calls(app, person: Person, path: str) -> int:
    """What a request takes in calls of Python, which no busy machine changes."""
    environ = EnvironBuilder(path=path, headers=person.headers).get_environ()
    counted = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        app(environ, lambda *_: None)
    finally:
        sys.setprofile(None)
    return counted


def test_the_short_way_is_short(hot, person) -> None:
    """134, where Flask's way takes five times as many."""
    app, behind = hot
    assert calls(app, person, f"{V1}/tokens") < 150
    assert behind.requests == 0


@pytest.fixture
def known_own(short, person, monkeypatch) -> tuple[Counter, str, str]:
    """What counts the requests that still reach Flask, and two own addresses of the person that the gate knows."""
    monkeypatch.setattr(session_cache, "CACHE_SECONDS", 3600.0)
    monkeypatch.setattr(features, "CACHE_SECONDS", 3600.0)
    me, portfolio, _ = (f"{V1}{path}" for path in own(person))
    for path in (me, portfolio) * 4:
        assert asked(short, person, path).status_code == 200
    return Counter(short), me, portfolio


def test_ones_own_is_short_too(short, person, known_own) -> None:
    """376 and 1,484, and a few more or less, as a statement's answer comes in one piece or in several."""
    behind, me, portfolio = known_own
    tokens = person.get("/tokens").json["tokens"]
    for symbol in [each["symbol"] for each in tokens if each["symbol"] != "BTC"][:19]:
        person.post(f"{portfolio}/holdings".removeprefix(V1), {"tokenSymbol": symbol, "amount": 1})
    assert len(asked(short, person, portfolio).json["portfolio"]["holdings"]) == 20
    assert calls(short, person, me) < 400
    assert calls(short, person, portfolio) < 1_550
    assert behind.requests == 0


def test_ones_own_is_never_older_than_the_request(short, person, known_own) -> None:
    behind, me, portfolio = known_own
    # By another process, which tells this one nothing.
    for path, change in (
        (f"{V1}/auth/profile", {"firstName": "Augusta"}),
        (portfolio, {"name": "ours"}),
    ):
        changed = person.client.put(path, json=change, headers=person.headers)
        assert changed.status_code == 200, changed.text
    assert asked(short, person, me).json["user"]["firstName"] == "Augusta"
    assert asked(short, person, portfolio).json["portfolio"]["name"] == "ours"
    assert behind.requests == 0


def test_of_ones_own_each_caller_gets_theirs(short, administrator, known_own) -> None:
    behind, me, portfolio = known_own
    asked(short, administrator, f"{V1}/tokens")
    before = behind.requests
    assert asked(short, administrator, me).json["user"]["id"] == str(administrator.id)
    assert behind.requests == before
    assert_problem(asked(short, administrator, portfolio), 404)


def test_what_the_short_way_meets_is_not_tried_again(short, person, known_own, monkeypatch) -> None:
    _, me, _ = known_own
    tries = []

    def away() -> None:
        tries.append(1)
        raise PoolTimeout("away")

    monkeypatch.setattr(current_user, "current_user", away)
    assert_problem(asked(short, person, me), 503)
    assert tries == [1]


def test_a_session_ends_in_every_process_at_once(make, hot, person) -> None:
    app, _ = hot
    other = make()
    # As gunicorn's configuration does for the processes that it forks.
    memory = memoryview(bytearray(8))
    for each in (app, other):
        each.extensions[EXTENSION].changes.share(memory)
    for _ in range(4):
        assert asked(app, person, f"{V1}/tokens").status_code == 200
    ended = other.test_client().post(f"{V1}/auth/logout", headers=person.headers)
    assert ended.status_code == 200
    assert_problem(asked(app, person, f"{V1}/tokens"), 401)


def test_a_session_that_ends_elsewhere_is_known_no_longer_than_redis_holds_it(
    hot, make, person, monkeypatch
) -> None:
    app, behind = hot
    # Of another machine, which shares no memory.
    assert make().test_client().post(f"{V1}/auth/logout", headers=person.headers).status_code == 200
    now = backend_cache.Memory.__init__.__globals__["time"]
    later = now.monotonic() + 1.0
    monkeypatch.setattr(now, "monotonic", lambda: later)
    assert_problem(asked(app, person, f"{V1}/tokens"), 401)
    assert behind.requests == 1


def test_a_key_that_is_revoked_signs_nobody_in(api_settings, make, tmp_path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    FileKeyring(folder)
    app = make(jwt_keys_dir=folder)
    person = new_person(app.test_client())
    for _ in range(4):
        assert asked(app, person, f"{V1}/tokens").status_code == 200
    rotation.revoke(folder, FileKeyring(folder).signing(NOW).kid, NOW)
    assert_problem(asked(app, person, f"{V1}/tokens"), 401)


def test_a_route_that_has_ended_is_gone(hot, person) -> None:
    app, _ = hot
    view = app.view_functions["tokens.list_tokens"]
    deprecation.deprecated(since=NOW, sunset=NOW, link="https://example.com")(view)
    try:
        assert_problem(asked(app, person, f"{V1}/tokens"), 410)
    finally:
        del view._deprecated


def test_what_is_switched_off_is_off(short, person, administrator, model_server) -> None:
    model_server.answers = {"BTC": (200, forecast())}
    path = f"{V1}/predictions/BTC"
    for _ in range(4):
        assert asked(short, person, path).status_code == 200
    way = f"{V1}/admin/features/predictions"
    client = short.test_client()
    for is_on, status in ((False, 503), (True, 200)):
        switched = client.put(way, json={"isOn": is_on}, headers=administrator.headers)
        assert switched.status_code == 200, switched.text
        assert asked(short, person, path).status_code == status


def test_a_token_that_is_changed_is_seen_at_once(hot, person, administrator) -> None:
    app, _ = hot
    symbol = f"N{uuid4().hex[:6].upper()}"
    body = {"symbol": symbol, "name": "New", "blockchain": "none"}
    made = app.test_client().post(f"{V1}/tokens", json=body, headers=administrator.headers)
    assert made.status_code == 201
    assert symbol in asked(app, person, f"{V1}/tokens").text


def test_limits_hold_on_both_ways_together(make, person) -> None:
    """Two processes, several threads each: nobody is let in past the limit, and close to all who may are."""
    amount = 1_000
    apps = [make(rate_limit_api=amount) for _ in range(2)]

    def ask(number: int) -> int:
        path = f"{V1}/tokens" if number % 5 else f"{V1}/auth/sessions"
        return int(asked(apps[number % 2], person, path).status_code)

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(ask, range(amount + 200)))
    assert set(statuses) == {200, 429}
    assert amount * (1 - 4 / quota_leases.PART) <= statuses.count(200) <= amount
    assert statuses[-1] == 429


def test_what_is_left_is_told_to_the_last(make, person) -> None:
    app = make(rate_limit_api=400)
    left = []
    while (answer := asked(app, person, f"{V1}/tokens")).status_code == 200:
        left.append(int(answer.headers["X-RateLimit-Remaining"]))
    assert left == list(range(399, -1, -1))

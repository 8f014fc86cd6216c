"""Our own client against the real API over HTTP: log in, renew, retry, pages, decimals; sync and async."""

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from socketserver import ThreadingMixIn
from uuid import UUID
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx2
import pytest

from tests.integration.webapi.conftest import PASSWORD

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "clients" / "python" / "src"))
from coinsphere_client import (
    ApiError,
    AsyncClient,
    Client,
    NotReached,
    Route,
    UnexpectedAnswer,
    models,
    routes,
)

ALERT = {
    "alertType": "price",
    "tokenSymbol": "BTC",
    "condition": "above",
    "threshold": Decimal("0.000000012345678901"),
}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Flaky:
    """In front of the API: answers 503 as often as it is told, and counts."""

    def __init__(self, app) -> None:
        self.app, self.failures, self.calls = app, 0, []

    def __call__(self, environ, start):
        self.calls.append(
            (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_IDEMPOTENCY_KEY"))
        )
        if self.failures:
            self.failures -= 1
            # It was done, but nobody hears of it.
            b"".join(self.app(environ, lambda *_: None))
            start(
                "503 Service Unavailable",
                [("Content-Type", "application/json"), ("Content-Length", "2")],
            )
            return [b"{}"]
        return self.app(environ, start)


@pytest.fixture
def front(app, redis_url) -> Iterator[tuple[str, Flaky]]:
    flaky = Flaky(app)
    with make_server("127.0.0.1", 0, flaky, server_class=_Server, handler_class=_Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", flaky
        server.shutdown()


def test_a_session_is_begun_renewed_and_every_digit_survives(front, person) -> None:
    url, _ = front
    with Client(url) as api:
        assert api.log_in(person.email, PASSWORD)["email"] == person.email
        made = api.post("/alerts", ALERT)["alert"]
        assert made["threshold"] == Decimal("0.000000012345678901")
        assert isinstance(api.get(f"/alerts/{made['id']}")["alert"]["threshold"], Decimal)
        asked = api.post("/graphql", {"query": "{ alerts { id threshold } }"})
        assert asked["data"]["alerts"] == [{"id": made["id"], "threshold": made["threshold"]}]
        before = api.refresh_token
        api._credentials.access_token = "dead"
        assert len(api.get("/alerts")["alerts"]) == 1
        assert api.refresh_token != before
        with pytest.raises(ApiError) as refused:
            api.post("/alerts", {**ALERT, "threshold": -1})
        assert (refused.value.status, refused.value.details[0]["path"]) == (400, "threshold")
        with pytest.raises(ApiError) as missing:
            api.get("/alerts/x")
        assert missing.value.status == 404
    with pytest.raises(ApiError), Client(url) as stranger:
        stranger.log_in(person.email, "wrong password")


def test_what_was_done_and_not_heard_of_is_done_once(front, person) -> None:
    url, flaky = front
    with Client(url) as api:
        api.log_in(person.email, PASSWORD)
        flaky.failures, flaky.calls = 2, []
        api.post("/alerts", ALERT)
        assert len({key for _, _, key in flaky.calls}) == 1
        assert len(flaky.calls) == 3
        assert len(api.get("/alerts")["alerts"]) == 1
        flaky.failures = 99
        with pytest.raises(ApiError) as away:
            Client(url, tries=1).get("/tokens")
        assert away.value.status == 503
    flaky.failures = 0
    with pytest.raises(NotReached), Client("http://127.0.0.1:1", tries=2) as nobody:
        nobody.get("/tokens")


def test_an_api_key_reads_all_pages_and_so_does_the_async_client(front, person) -> None:
    url, _ = front
    scopes = ["market:read", "alerts:read"]
    key = person.post("/api-keys", {"name": "k", "scopes": scopes}).json["key"]

    async def symbols() -> list[str]:
        async with AsyncClient(url, api_key=key) as api:
            return [token["symbol"] async for token in api.pages("/tokens", "tokens", limit=7)]

    with Client(url, api_key=key) as api:
        found = [token["symbol"] for token in api.pages("/tokens", "tokens", limit=7)]
        assert len(found) > 7
        assert len(set(found)) == len(found)
        assert asyncio.run(symbols()) == found
        with pytest.raises(ApiError) as forbidden:
            api.post("/alerts", ALERT)
        assert forbidden.value.status == 403


def test_answers_are_types_with_exact_decimals_instants_and_ids(front, person) -> None:
    url, _ = front
    with Client(url) as api:
        api.log_in(person.email, PASSWORD)
        alert = api.call(routes.ALERTS_CREATE_ALERT(ALERT)).alert
        assert isinstance(alert, models.AlertOut)
        assert (alert.threshold, alert.alert_type) == (Decimal("0.000000012345678901"), "price")
        assert (type(alert.id), type(alert.created_at)) == (UUID, datetime)
        assert api.call(routes.ALERTS_GET_ALERT, alert_id=alert.id).alert == alert
        made = api.call(routes.PORTFOLIOS_CREATE_PORTFOLIO({"name": "mine"})).portfolio
        first = date(2026, 3, 1)
        values = api.call(
            routes.PORTFOLIO_PERFORMANCE_GET_PERFORMANCE, portfolio_id=made.id, from_=first, explain=True
        )  # fmt: skip
        assert isinstance(values.performance[-1].date, date)
        with pytest.raises(ApiError) as missing:
            api.call(routes.TOKENS_GET_TOKEN, symbol="N/A")
        assert missing.value.status == 404
        with pytest.raises(KeyError):
            api.call(routes.TOKENS_GET_TOKEN)

        async def same() -> models.AlertsOut:
            async with AsyncClient(url, refresh_token=api.refresh_token) as beside:
                return await beside.call(routes.ALERTS_LIST_ALERTS)

        assert asyncio.run(same()).alerts == [alert]


def test_every_list_that_needs_no_more_than_a_session_is_what_its_type_says(front, person) -> None:
    """The description is the API's word; here it is held to it."""
    url, _ = front
    read, refused = 0, {}
    with Client(url, tries=1) as api:
        api.log_in(person.email, PASSWORD)
        for name, route in sorted(vars(routes).items()):
            if not isinstance(route, Route) or route.method != "GET" or "{" in route.path:
                continue
            try:
                api.call(route)
                read += 1
            except ApiError as error:
                refused[name] = error.status
    assert set(refused.values()) <= {400, 403, 404, 503}, refused
    assert read > 25


def test_an_answer_of_another_version_is_told_as_such() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"token": 1}))
    with pytest.raises(UnexpectedAnswer), Client("http://old.example", transport=transport) as api:
        api.call(routes.TOKENS_GET_TOKEN, symbol="BTC")


def test_a_key_is_taken_beside_the_bearer_which_decides_where_both_are_sent(
    front, person, other
) -> None:
    url, _ = front
    key = person.post("/api-keys", {"name": "k", "scopes": ["alerts:read"]}).json["key"]
    person.post("/alerts", {**ALERT, "threshold": "1"})
    with httpx2.Client(base_url=f"{url}/api/v1/") as http:
        assert len(http.get("alerts", headers={"X-API-Key": key}).json()["alerts"]) == 1
        both = http.get("alerts", headers={"X-API-Key": key, **other.headers})
        assert both.json()["alerts"] == []
        for wrong in ("", "x", f"{key}x", other.access_token):
            assert http.get("alerts", headers={"X-API-Key": wrong}).status_code == 401
        assert "X-API-Key" in http.get("tokens", headers=other.headers).headers["Vary"]


def test_the_sync_client_is_the_async_one_without_waiting() -> None:
    """One is made of the other by leaving out words, so that neither lags behind."""
    folder = (
        Path(__file__).resolve().parents[3] / "clients" / "python" / "src" / "coinsphere_client"
    )
    source = (folder / "asynchronous.py").read_text()
    for old, new in (
        ("The client for asyncio.", "The client for programs without asyncio."), ("import asyncio\n", "import time\n"),
        ("AsyncIterator", "Iterator"), ("AsyncBaseTransport", "BaseTransport"), ("AsyncClient", "Client"),
        ("__aenter__", "__enter__"), ("__aexit__", "__exit__"), ("aclose", "close"), ("asyncio.sleep", "time.sleep"),
        ("async def", "def"), ("await ", ""),
    ):  # fmt: skip
        source = source.replace(old, new)
    mine = re.sub(r"  # noqa: .*", "", (folder / "synchronous.py").read_text())
    assert " ".join(source.split()) == " ".join(mine.split())

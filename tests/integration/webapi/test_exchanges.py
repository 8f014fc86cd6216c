"""Connecting accounts at exchanges over the API: what is refused, what is stored, and what never comes back."""

import re
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from coinsphere.settings import Settings
from tests.fakes.exchange_binance import READ_ONLY, BinanceAccount
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_server import ExchangeServer, Refused, serving
from tests.integration.webapi.conftest import Person, assert_problem

CANARY = "c4nary-Zq7-exchange-secret-9XkLm2"


@pytest.fixture(scope="module")
def exchange_server() -> Iterator[ExchangeServer]:
    with serving(BinanceAccount(), KrakenAccount()) as server:
        yield server


@pytest.fixture(scope="module")
def api_settings(  # noqa: PLR0917  fixtures
    module_database, module_redis, model_server, keys_dir, tmp_path_factory, exchange_server
) -> Settings:
    """As the API's usual ones, with local exchanges."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database.api),
        redis_url=SecretStr(module_redis.url),
        ml_url=model_server.url,
        dagster_url=model_server.url,
        jwt_keys_dir=keys_dir,
        exchange_base_url=exchange_server.url,
    )


@pytest.fixture
def kraken(exchange_server) -> KrakenAccount:
    made = exchange_server.dialects["kraken"] = KrakenAccount()
    return made


@pytest.fixture
def binance(exchange_server) -> BinanceAccount:
    made = exchange_server.dialects["binance"] = BinanceAccount()
    return made


@pytest.fixture
def verified(person, owner_db) -> Person:
    """A user who has confirmed an address."""
    owner_db.execute("update app.users set email_verified = true where id = %s", [person.id])
    return person


def body(account, **more):
    return {"exchange": account.name, "apiKey": account.key, "apiSecret": account.secret, **more}


def test_the_supported_exchanges(person):
    found = person.get("/exchanges/supported").json["exchanges"]
    assert {each["id"]: each["requiresPassphrase"] for each in found} == {
        "binance": False, "coinbase": False, "kraken": False, "kucoin": True, "okx": True, "bybit": False,
    }  # fmt: skip


def test_connect_list_sync_disconnect(verified, other, owner_db, kraken):
    answer = verified.post("/exchanges/connect", body(kraken, label="main"))
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made["success"] is True
    assert made["permissions"]["verdict"] == "read_only"
    (listed,) = verified.get("/exchanges/connections").json["connections"]
    assert (listed["id"], listed["keyHint"], listed["status"]) == (
        made["connectionId"],
        "-key",
        "active",
    )
    assert listed["lastSync"]["jobId"] == made["jobId"]
    path = f"/exchanges/connections/{made['connectionId']}"
    again = verified.post(f"{path}/sync")
    assert (again.status_code, again.json["jobId"]) == (202, made["jobId"])
    assert verified.get(f"{path}/sync/{made['jobId']}").json["status"] == "queued"
    assert verified.post("/exchanges/sync-all").json["jobs"] == [
        {"connectionId": made["connectionId"], "jobId": made["jobId"]}
    ]
    queued = owner_db.execute(
        "select args ->> 'sync_id' from jobs.procrastinate_jobs where task_name = 'sync_exchange'"
    ).fetchall()
    assert queued == [(made["jobId"],)]
    assert (listed["unbooked"], verified.get(f"{path}/unbooked").json) == (0, {"unbooked": []})
    owner_db.execute(
        "insert into app.exchange_unbooked (connection_id, native_id, reason, unread, stream, found_at) "
        "values (%s, 'L1', 'it has no time that can be read', '{}', 'ledger', now())",
        [made["connectionId"]],
    )
    (unread,) = verified.get(f"{path}/unbooked").json["unbooked"]
    assert unread["reason"] == "it has no time that can be read"
    assert (unread["name"], unread["isRead"], unread["occurredAt"]) == ("L1", False, None)
    assert verified.get("/exchanges/connections").json["connections"][0]["unbooked"] == 1
    for method, where in [
        ("GET", f"{path}/unbooked"),
        ("POST", f"{path}/sync"),
        ("GET", f"{path}/sync/{made['jobId']}"),
        ("DELETE", path),
    ]:
        assert_problem(other.ask(method, where), 404)
    assert_problem(other.ask("PATCH", path, json={"syncMinutes": 5}), 404)
    changed = verified.ask("PATCH", path, json={"syncMinutes": 5, "markets": ["ADA/BTC"]})
    assert changed.json["connection"]["markets"] == ["ADA/BTC"]
    assert verified.ask("DELETE", path).status_code == 200
    assert verified.get("/exchanges/connections").json["connections"] == []
    told = owner_db.execute(
        "select action from app.audit_logs where actor_id = %s and action like 'exchange%%' order by id",
        [verified.id],
    ).fetchall()
    assert told == [("exchange.connected",), ("exchange.disconnected",)]


def test_the_sync_of_a_portfolio_is_done_when_its_accounts_are(verified, owner_db, kraken):
    made = verified.post("/exchanges/connect", body(kraken)).json
    (listed,) = verified.get("/exchanges/connections").json["connections"]
    path = f"/portfolios/{listed['portfolioId']}/sync"
    answer = verified.post(path)
    assert (answer.status_code, answer.json["message"]) == (202, "Sync initiated")
    job = f"{path}/{answer.json['jobId']}"
    # What the worker does, step by step.
    done = (
        "update app.{} set status = 'succeeded', imported = %s, finished_at = now() where id = %s"
    )
    owner_db.execute(done.format("portfolio_syncs"), [0, answer.json["jobId"]])
    state = verified.get(job).json
    assert (state["status"], state["finishedAt"]) == ("running", None)
    owner_db.execute(done.format("exchange_syncs"), [7, made["jobId"]])
    state = verified.get(job).json
    assert (state["status"], state["imported"], state["error"]) == ("succeeded", 7, None)
    owner_db.execute(
        "update app.exchange_syncs set status = 'failed', error = 'away' where id = %s",
        [made["jobId"]],
    )
    state = verified.get(job).json
    assert (state["status"], state["error"]) == ("failed", "kraken: away")


def test_a_key_is_connected_once(verified, kraken):
    assert verified.post("/exchanges/connect", body(kraken)).status_code == 201
    assert_problem(verified.post("/exchanges/connect", body(kraken)), 409, says="connected already")


def test_who_has_not_confirmed_an_address_connects_nothing(person, kraken, exchange_server):
    exchange_server.asked.clear()
    for path in ("connect", "test"):
        assert_problem(
            person.post(f"/exchanges/{path}", body(kraken)), 403, says="confirm your address"
        )
    assert exchange_server.asked == []


def test_every_route_that_takes_a_key_a_payment_or_a_webhook_is_known_to_the_test_above(app):
    """A new one must ask for a confirmed address, and say so there; `sync-all` takes nothing, `test_prepayments` tries its own."""
    taking = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and re.search(r"exchanges/[\w-]+$|payment|webhook", rule.rule)
    }
    exchanges = {f"/api/v1/exchanges/{path}" for path in ("connect", "test", "sync-all")}
    assert taking == {*exchanges, "/api/v1/billing/prepayments"}


def test_who_loses_the_confirmation_connects_nothing_more(verified, owner_db, kraken):
    assert verified.post("/exchanges/connect", body(kraken)).status_code == 201
    owner_db.execute("update app.users set email_verified = false where id = %s", [verified.id])
    kraken.key = "another-key"
    assert_problem(verified.post("/exchanges/connect", body(kraken)), 403, says="confirm your")


def test_a_key_that_withdraws_is_refused_and_one_that_trades_needs_a_yes(verified, kraken, binance):
    kraken.permissions.append("withdraw-funds")
    problem = assert_problem(
        verified.post("/exchanges/connect", body(kraken, allowTrading=True)), 400
    )
    assert problem["type"].endswith("key-can-withdraw")
    assert_problem(verified.post("/exchanges/test", body(kraken)), 400, says="too much")
    binance.restrictions = {**READ_ONLY, "enableSpotAndMarginTrading": True}
    problem = assert_problem(verified.post("/exchanges/connect", body(binance)), 400)
    assert problem["type"].endswith("key-can-trade")
    answer = verified.post("/exchanges/connect", body(binance, allowTrading=True))
    assert answer.json["permissions"]["verdict"] == "can_trade"


def test_that_a_key_cannot_be_verified_is_said(verified, kraken):
    kraken.permissions = None
    answer = verified.post("/exchanges/test", body(kraken))
    assert answer.json["permissions"] == {
        "verdict": "unknown", "canRead": None, "canTrade": None, "canWithdraw": None, "isVerified": False, "granted": [],
    }  # fmt: skip
    assert "cannot verify" in answer.json["message"]


def test_wrong_keys_and_exchanges_that_are_away(verified, kraken, exchange_server):
    wrong = {**body(kraken), "apiSecret": "d3Jvbmctc2VjcmV0"}
    assert_problem(verified.post("/exchanges/test", wrong), 400, says="refused the key")
    malformed = {**wrong, "apiSecret": "no base64 at all!"}
    assert_problem(verified.post("/exchanges/test", malformed), 400, says="refused the key")
    assert_problem(
        verified.post("/exchanges/test", {**wrong, "exchange": "okx"}), 400, says="passphrase"
    )
    assert_problem(
        verified.post("/exchanges/test", {**wrong, "exchange": "mtgox"}), 400, says="exchange"
    )

    def away(_):
        raise Refused(502, "<html>bad gateway</html>")

    exchange_server.before = away
    try:
        assert_problem(verified.post("/exchanges/test", body(kraken)), 503, says="Kraken")
    finally:
        exchange_server.before = None


def test_a_secret_never_comes_back(verified, binance, owner_db, caplog, capfd):
    binance.key, binance.secret = f"{CANARY}-key", CANARY
    made = verified.post("/exchanges/connect", body(binance))
    assert made.status_code == 201
    binance.secret = "other"
    refused = verified.post("/exchanges/test", {**body(binance), "apiSecret": CANARY})
    seen = [made.text, refused.text, verified.get("/exchanges/connections").text]
    exported = verified.get("/account/export")
    rows = owner_db.execute("select t::text from app.exchange_connections t").fetchall()
    logged = caplog.text + "".join(capfd.readouterr())
    for text in (*seen, exported.text, str(rows), logged):
        assert CANARY not in text
        assert CANARY.encode().hex() not in text

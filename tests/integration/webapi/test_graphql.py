"""GraphQL beside REST: the same answers, the same doors, and no more statements for twenty things than for one."""

import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from tests.integration.webapi import books
from tests.integration.webapi.conftest import (
    NOW,
    V1,
    assert_problem,
    exact,
    new_person,
    quote,
)
from tests.integration.webapi.test_predictions import forecast
from webapi import features
from webapi.app import create_app
from webapi.features import Feature
from webapi.graphql import complexity, execution, loaders
from webapi.security import session_cache
from webapi.services import EXTENSION, services


def ask(person, query: str, variables: dict | None = None, **options):
    return person.post("/graphql", {"query": query, "variables": variables or {}}, **options)


def data(answer):
    """What was answered without any error."""
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json, answer.text
    return exact(answer)["data"]


def failed(answer) -> dict[str, dict]:
    """The extensions of each error by the first name of its path."""
    assert answer.status_code == 200, answer.text
    return {each["path"][0]: each["extensions"] for each in answer.json["errors"]}


@pytest.fixture(scope="module", autouse=True)
def quotes(module_database):
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        quote(
            conn, "BTC", "60000.000000000000000001", cap=Decimal(1200000000000), volume=Decimal(5)
        )
        quote(conn, "PEPE", "0.000000012345678901")
        conn.execute(
            """
            insert into market.risk_scores
                (token_id, day, overall_score, risk_level, liquidity_score, volatility_score, market_cap_score,
                 volume_score, annual_volatility, price_source, computed_at)
            select id, '2026-03-09', '27.400000000000000001', 'low', 0, 65, 0, null, 0.975, 'binance', '2026-03-10 00:10Z'
            from market.tokens where symbol = 'BTC'
            """
        )


TOKEN = """
    id symbol name blockchain logoUrl currentPrice marketCap volume24h priceChange24h priceSource priceUpdatedAt setAside
    coingeckoId contractAddress decimals ath athDate atl atlDate circulatingSupply totalSupply maxSupply isActive
    createdAt updatedAt
"""


@pytest.mark.parametrize("symbol", ["BTC", "PEPE"])
def test_a_token_is_what_rest_says_to_the_last_digit(person, symbol: str) -> None:
    answer = data(ask(person, f'{{ token(symbol: "{symbol.lower()}") {{ {TOKEN} }} }}'))
    assert answer["token"] == exact(person.get(f"/tokens/{symbol}"))["token"]


def test_numbers_and_instants_are_written_as_rest_writes_them(person) -> None:
    answer = ask(person, '{ token(symbol: "PEPE") { currentPrice priceUpdatedAt } }')
    assert '"currentPrice":0.000000012345678901' in answer.text
    assert f'"priceUpdatedAt":"{NOW:%Y-%m-%dT%H:%M:%SZ}"' in answer.text


def test_pages_of_tokens_go_on_where_they_ended(person) -> None:
    query = """
        query Page($first: Int!, $after: String) {
            tokens(first: $first, after: $after) { nodes { symbol } pageInfo { hasNextPage endCursor } }
        }
    """
    found, after = [], None
    while True:
        page = data(ask(person, query, {"first": 10, "after": after}))["tokens"]
        found += [each["symbol"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert after is None
    assert found == [each["symbol"] for each in person.get("/tokens").json["tokens"]]


def test_each_edge_has_a_cursor_behind_which_the_rest_follows(person) -> None:
    edges = data(ask(person, "{ tokens(first: 3) { edges { cursor node { symbol } } } }"))[
        "tokens"
    ]["edges"]
    rest = ask(
        person,
        "query ($after: String) { tokens(first: 2, after: $after) { nodes { symbol } } }",
        {"after": edges[0]["cursor"]},
    )
    assert data(rest)["tokens"]["nodes"] == [each["node"] for each in edges[1:]]


def test_risk_and_forecast_are_those_of_rest(person, model_server) -> None:
    model_server.answers["BTC"] = (200, forecast())
    query = """
        { token(symbol: "BTC") {
            risk { symbol volatility asOf riskScore { overallScore riskLevel components { volumeScore } analysis { warnings } } }
            prediction { predictedPrice confidence prediction { direction interval80 quantiles { p10 } } model { rung runId } expiresAt }
        } }
    """
    token = data(ask(person, query))["token"]
    risk, prediction = exact(person.get("/risk/BTC")), exact(person.get("/predictions/BTC"))
    assert token["risk"]["riskScore"]["overallScore"] == Decimal("27.400000000000000001")
    assert (
        token["risk"]["riskScore"]["analysis"]["warnings"]
        == risk["riskScore"]["analysis"]["warnings"]
    )
    assert token["prediction"]["predictedPrice"] == prediction["predictedPrice"]
    assert token["prediction"]["prediction"]["interval80"] == prediction["prediction"]["interval80"]
    assert token["prediction"]["prediction"]["quantiles"]["p10"] == Decimal(95)
    assert token["prediction"]["expiresAt"] == prediction["expiresAt"]


def test_an_error_of_one_field_leaves_the_others(person) -> None:
    query = """
        { token(symbol: "ETH") { symbol risk { symbol } }
          nothing: token(symbol: "NOPE") { symbol }
          portfolio(id: "00000000-0000-0000-0000-000000000007") { name }
          me { user { email } } }
    """
    answer = ask(person, query)
    assert answer.json["data"] == {
        "token": {"symbol": "ETH", "risk": None},
        "nothing": None,
        "portfolio": None,
        "me": {"user": {"email": person.email}},
    }
    by_path = {tuple(each["path"]): each for each in answer.json["errors"]}
    assert set(by_path) == {("token", "risk"), ("nothing",), ("portfolio",)}
    there = person.get("/risk/ETH").json
    risk = by_path["token", "risk"]
    assert risk["message"] == there["error"]
    assert risk["extensions"]["type"] == there["type"] == "urn:coinsphere:problem:no-risk-score"
    assert risk["extensions"]["status"] == 503
    assert risk["extensions"]["instance"] == answer.headers["X-Request-ID"]
    assert by_path["nothing",]["extensions"]["status"] == 404
    assert by_path["portfolio",]["extensions"]["status"] == 404


def test_what_breaks_is_masked_and_leaves_the_others(person, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("select secret from somewhere")

    monkeypatch.setattr("webapi.auth.current_user.current_user", broken)
    answer = ask(person, '{ me { sessions } token(symbol: "BTC") { symbol } }')
    assert answer.json["data"] == {"me": None, "token": {"symbol": "BTC"}}
    assert failed(answer)["me"]["status"] == 500
    assert "secret" not in answer.text


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one-transaction"}])
def test_a_statement_that_fails_leaves_the_others(person, monkeypatch, headers) -> None:
    """With a key all fields share a transaction; PostgreSQL would refuse the rest of it after an error."""

    def failing() -> None:
        with services().database.connection() as conn:
            conn.execute("select 1 / 0")

    monkeypatch.setattr("webapi.auth.current_user.current_user", failing)
    query = '{ me { sessions } token(symbol: "BTC") { symbol risk { asOf } } alerts { id } }'
    answer = ask(person, query, headers=headers)
    assert answer.json["data"] == {
        "me": None,
        "token": {"symbol": "BTC", "risk": {"asOf": "2026-03-09"}},
        "alerts": [],
    }
    assert failed(answer)["me"]["status"] == 500


def test_candles_come_in_pages_and_are_those_of_rest(person, prices) -> None:
    query = """
        query ($after: String) { history(symbol: "BTC", timeframe: "30d", first: 20, after: $after) {
            nodes { openedAt price open high low close volume source filled } pageInfo { endCursor }
        } }
    """
    first = data(ask(person, query))["history"]
    last = data(ask(person, query, {"after": first["pageInfo"]["endCursor"]}))["history"]
    there = exact(person.get("/tokens/BTC/history?timeframe=30d"))["priceHistory"]
    assert [each["price"] for each in first["nodes"] + last["nodes"]] == [
        each["price"] for each in there
    ]
    assert last["pageInfo"]["endCursor"] is None
    assert (
        failed(ask(person, '{ history(symbol: "BTC", timeframe: "2d") { nodes { price } } }'))[
            "history"
        ]["status"]
        == 400
    )
    assert (
        failed(ask(person, '{ history(symbol: "BTC", after: "x") { nodes { price } } }'))[
            "history"
        ]["status"]
        == 400
    )


PORTFOLIO = """
    id name currency displayCurrency totalValue netWorth change24h assetCount unpriced valuedAt
    stats { totalValue totalCost profitLoss profitLossPercentage holdingsCount }
    holdings { id amount averageBuyPrice currentValue costBasis profitLoss unrealizedPnL token { id symbol currentPrice } }
    defi { totalValue positionsCount }
"""


def picked(shown, of):
    """The part of REST's answer that a query asked for, by the shape of what it got."""
    if isinstance(shown, dict):
        return {name: picked(value, of[name]) for name, value in shown.items()}
    if isinstance(shown, list):
        return [picked(*pair) for pair in zip(shown, of, strict=True)]
    return of


def test_a_portfolio_with_its_ledger_is_what_rest_says(person, prices) -> None:
    made = books.make(person)
    for number in range(1, 4):
        books.trade(person, made, "buy", "BTC", "0.10000001", "50000", books.day(number))
    books.trade(person, made, "buy", "ETH", "2", "2000", books.day(4))
    query = f"""
        query Page($id: UUID!, $currency: String, $after: String) {{
            portfolio(id: $id, currency: $currency) {{ {PORTFOLIO} }}
            portfolios {{ count totalValue leftOut {{ name }} portfolios {{ {PORTFOLIO} }} }}
            transactions(portfolioId: $id, first: 3, after: $after) {{
                nodes {{ id type amount price total timestamp tokenSymbol }} pageInfo {{ endCursor }}
            }}
        }}
    """
    found = data(ask(person, query, {"id": made["id"]}))
    one = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]
    assert found["portfolio"] == picked(found["portfolio"], one)
    assert found["portfolio"]["stats"]["holdingsCount"] == 2
    assert found["portfolios"] == picked(found["portfolios"], exact(person.get("/portfolios")))
    ledger = exact(person.get(f"/transactions?portfolioId={made['id']}"))["transactions"]
    after = found["transactions"]["pageInfo"]["endCursor"]
    rest = data(ask(person, query, {"id": made["id"], "after": after}))["transactions"]
    shown = found["transactions"]["nodes"] + rest["nodes"]
    assert shown == picked(shown, ledger)
    euros = data(ask(person, query, {"id": made["id"], "currency": "eur"}))["portfolio"]
    assert euros == picked(
        euros, exact(person.get(f"/portfolios/{made['id']}?currency=EUR"))["portfolio"]
    )


def test_values_over_time_are_those_of_rest(person, prices, work) -> None:
    made = books.make(person)
    books.trade(person, made, "buy", "BTC", "1", "50000", books.day(2))
    work(person)
    query = """
        query ($id: UUID!) { performance(portfolioId: $id, from: "2026-02-10", to: "2026-02-20", benchmark: "ETH", explain: true) {
            currency dataPoints performance { date value cost growth benchmark isLive }
            returns { firstDay gain timeWeighted { percentage } moneyWeighted { reason } }
            benchmark { mix percentage } explain { subPeriods { date result } }
        } }
    """
    shown = data(ask(person, query, {"id": made["id"]}))["performance"]
    asked = "from=2026-02-10&to=2026-02-20&benchmark=ETH&explain=true"
    there = exact(person.get(f"/portfolios/{made['id']}/performance?{asked}"))
    assert shown == picked(shown, there)
    assert shown["dataPoints"] == 11
    turned = query.replace("2026-02-20", "2026-02-01")
    assert failed(ask(person, turned, {"id": made["id"]}))["performance"]["status"] == 400


def test_what_is_somebody_elses_does_not_exist(person, other) -> None:
    made = books.make(person)
    query = "query ($id: UUID!) { portfolio(id: $id) { name } transactions(portfolioId: $id) { nodes { id } } }"
    books.trade(person, made, "buy", "BTC", "1", "50000")
    answer = ask(other, query, {"id": made["id"]})
    assert answer.json["data"] == {"portfolio": None, "transactions": {"nodes": []}}
    assert failed(answer)["portfolio"]["status"] == 404


SET = """
    mutation Set($alert: AlertInput!) { createAlert(alert: $alert) { id threshold condition hysteresis warnings isActive } }
"""
WANTED = {
    "alertType": "price",
    "tokenSymbol": "btc",
    "condition": ">",
    "threshold": "100000.000000000000000001",
}


def test_an_alert_is_set_and_deleted_by_the_acts_of_rest(person) -> None:
    made = data(ask(person, SET, {"alert": WANTED}))["createAlert"]
    assert made["threshold"] == Decimal("100000.000000000000000001")
    (listed,) = exact(person.get("/alerts"))["alerts"]
    assert made == picked(made, listed)
    assert data(ask(person, "{ alerts { id threshold } }"))["alerts"] == [
        picked({"id": 0, "threshold": 0}, listed)
    ]
    deleted = "mutation ($id: UUID!) { deleteAlert(id: $id) }"
    assert data(ask(person, deleted, {"id": made["id"]})) == {"deleteAlert": made["id"]}
    assert person.get("/alerts").json["alerts"] == []
    assert failed(ask(person, deleted, {"id": made["id"]}))["deleteAlert"]["status"] == 404


def test_a_number_of_a_document_keeps_its_digits(person) -> None:
    query = """mutation { createAlert(alert: {
        alertType: "price", tokenSymbol: "BTC", condition: "above", threshold: 0.000000012345678901 }) { threshold } }"""
    assert data(ask(person, query)) == {
        "createAlert": {"threshold": Decimal("0.000000012345678901")}
    }


def test_what_rest_refuses_of_an_alert_is_refused_in_the_same_words(person) -> None:
    wrong = {**WANTED, "threshold": "-1"}
    there = assert_problem(person.post("/alerts", wrong), 400)
    (error,) = ask(person, SET, {"alert": wrong}).json["errors"]
    assert error["message"] == there["error"]
    assert error["extensions"]["details"] == there["details"]


def test_a_mutation_that_is_sent_again_is_done_once(person) -> None:
    headers = {"Idempotency-Key": "alert-1"}
    first = ask(person, SET, {"alert": WANTED}, headers=headers)
    again = ask(person, SET, {"alert": WANTED}, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.data == again.data
    assert len(person.get("/alerts").json["alerts"]) == 1


def key_with(person, *scopes: str) -> dict[str, str]:
    made = person.post("/api-keys", {"name": "k", "scopes": list(scopes)})
    assert made.status_code == 201, made.text
    return {"X-API-Key": made.json["key"]}


ALL = '{ token(symbol: "BTC") { symbol } portfolios { count } transactions { nodes { id } } alerts { id } me { sessions } }'


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("market:read", {"token"}),
        ("portfolios:read", {"portfolios", "transactions"}),
        ("alerts:read", {"alerts"}),
    ],
)
def test_a_key_opens_the_fields_of_its_scopes(client, person, owner_db, scope, opens) -> None:
    headers = key_with(person, scope)
    answer = client.post(f"{V1}/graphql", json={"query": ALL}, headers=headers)
    shut = failed(answer)
    assert {name for name, value in answer.json["data"].items() if value is not None} == opens
    assert set(shut) == {"token", "portfolios", "transactions", "alerts", "me"} - opens
    assert {each["status"] for each in shut.values()} == {403}
    assert shut["me"]["type"].endswith(":session-needed")
    told = owner_db.execute(
        "select count(*) from app.audit_logs where action = 'access.denied' and details ->> 'route' = 'GET /api/v1/auth/me'"
        " and actor_id = %s",
        [person.id],
    ).fetchone()
    assert told == (1,)


def test_a_key_that_may_only_read_sets_no_alert(client, person) -> None:
    headers = key_with(person, "alerts:read")
    body = {"query": SET, "variables": {"alert": WANTED}}
    answer = client.post(f"{V1}/graphql", json=body, headers=headers)
    assert failed(answer)["createAlert"]["status"] == 403
    assert person.get("/alerts").json["alerts"] == []


def test_without_a_token_nothing_is_asked(client) -> None:
    assert_problem(client.post(f"{V1}/graphql", json={"query": ALL}), 401, says="unauthorized")


@pytest.fixture
def off(app, owner_db):
    """Switches features off until the test ends."""
    switches = app.extensions[features.EXTENSION]

    def switch(feature: Feature) -> None:
        statement = (
            "insert into app.feature_switches (feature, is_on, changed_at) values (%s, false, %s)"
        )
        owner_db.execute(statement, [feature, NOW])
        switches.forget()

    yield switch
    owner_db.execute("delete from app.feature_switches")
    switches.forget()


def test_graphql_itself_can_be_switched_off(person, off) -> None:
    off(Feature.GRAPHQL)
    problem = assert_problem(ask(person, "{ __typename }"), 503, says="graphql is switched off")
    assert problem["type"].endswith(":switched-off")
    assert person.get("/portfolios").status_code == 200


def test_a_feature_that_is_off_is_off_here_too(person, off) -> None:
    off(Feature.PORTFOLIOS)
    answer = ask(person, '{ portfolios { count } token(symbol: "BTC") { symbol } }')
    assert answer.json["data"] == {"portfolios": None, "token": {"symbol": "BTC"}}
    assert failed(answer)["portfolios"]["type"].endswith(":switched-off")


class Statements:
    """Counts what a request sends to PostgreSQL, sessions and switches being known."""

    def __init__(self, app, monkeypatch) -> None:
        app.extensions[features.EXTENSION].forget()
        monkeypatch.setattr(features, "CACHE_SECONDS", 3600.0)
        monkeypatch.setattr(session_cache, "CACHE_SECONDS", 3600.0)
        self.sent: list[str] = []
        execute = psycopg.Cursor.execute

        def counting(cursor, query, *arguments, **options):
            self.sent.append(str(query))
            return execute(cursor, query, *arguments, **options)

        monkeypatch.setattr(psycopg.Cursor, "execute", counting)

    def of(self, ask) -> int:
        self.sent.clear()
        ask()
        return len(self.sent)


def test_twenty_tokens_take_the_statements_of_one(app, person, model_server, monkeypatch) -> None:
    """Each with its extremes, indicators, risk and forecast: an N+1 would send eighty more."""
    for each in person.get("/tokens").json["tokens"]:
        model_server.answers[each["symbol"]] = (200, forecast(each["symbol"]))
    query = """
        query ($first: Int!) { tokens(first: $first) { nodes {
            symbol currentPrice ath atl indicators { rsi } risk { volatility } prediction { predictedPrice }
        } } }
    """
    counted = Statements(app, monkeypatch)
    seen = []

    def asked(first: int) -> int:
        return counted.of(lambda: seen.append(ask(person, query, {"first": first}).json))

    asked(1)
    one, twenty = asked(1), asked(20)
    assert len(seen[-1]["data"]["tokens"]["nodes"]) == 20
    assert one == twenty > 4


def test_a_holding_more_takes_no_statement_more(app, person, owner_db, prices, monkeypatch) -> None:
    query = """
        query ($id: UUID!) { portfolio(id: $id) { holdings { token { details { ath risk { asOf } } } } } }
    """
    more = ("ETH", "SOL", "ADA", "DOGE")
    for symbol in more:
        quote(owner_db, symbol, "10")
    counted, seen = Statements(app, monkeypatch), []

    def asked(*symbols: str) -> int:
        made = books.make(person, name="-".join(symbols))
        for symbol in symbols:
            books.trade(person, made, "buy", symbol, "1", "10")
        ask(person, query, {"id": made["id"]})
        return counted.of(lambda: seen.append(ask(person, query, {"id": made["id"]}).json))

    assert asked("BTC") == asked(*more, "BTC")
    assert [len(each["data"]["portfolio"]["holdings"]) for each in seen] == [1, 5]


def test_a_document_is_sent_once_and_known_by_its_digest_from_then_on(person, other, cache) -> None:
    query = '{ token(symbol: "PEPE") { currentPrice } }'
    digest = hashlib.sha256(query.encode()).hexdigest()

    def by_digest(whose, **more):
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}, "clientLibrary": {}}
        return whose.post("/graphql", {"extensions": extensions, **more})

    unknown = by_digest(person)
    assert unknown.status_code == 200
    (error,) = unknown.json["errors"]
    assert (error["message"], error["extensions"]) == (
        "PersistedQueryNotFound", {"code": "PERSISTED_QUERY_NOT_FOUND"},
    )  # fmt: skip
    told = data(by_digest(person, query=query))
    assert data(by_digest(person)) == data(by_digest(other)) == told
    # Redis is a cache: without it the client sends the document again.
    cache.flushall()
    assert by_digest(person).json == unknown.json
    assert_problem(by_digest(person, query=query + " "), 400, says="digest")
    assert_problem(person.post("/graphql", {"variables": {}}), 400, says="give a query")


def test_a_document_that_is_none_is_not_remembered(person) -> None:
    query = "{ nothing }"
    digest = hashlib.sha256(query.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    assert_problem(person.post("/graphql", {"query": query, "extensions": extensions}), 400)
    answer = person.post("/graphql", {"extensions": extensions})
    assert answer.json["errors"][0]["message"] == "PersistedQueryNotFound"


FRAGMENTS = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(80))
BOMB = f"{{ ...F0 }} {FRAGMENTS} fragment F80 on Query {{ a: me {{ sessions }} }}"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("{", "Syntax Error"),
        ("{ nothing }", "Cannot query field"),
        ("{ tokens { nodes } }", "must have a selection of subfields"),
        ("query A { me { sessions } } query B { me { sessions } }", "operationName"),
        ("subscription { alerts { id } }", "WebSocket"),
        ("query ($id: UUID!) { portfolio(id: $id) { name } }", "$id"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(16)) + " }", "aliases may be 15"),
        (BOMB, "aliases may be 15"),
        (
            "{ tokens(first: 200) { nodes { symbol prediction { confidence } } } }",
            "cost may be 2000",
        ),
        ("{ " + "me { sessions } " * 101 + "}", "100 times"),
        ("{ " + "me { sessions } " * 300 + "}", "more than 1000 tokens"),
        ("{ me " * 240 + "x" + " }" * 240, ""),
        ("{ __schema { types { name } } }", "introspection"),
    ],
)
def test_what_asks_for_too_much_or_makes_no_sense_is_not_run(
    app, person, monkeypatch, query, says
) -> None:
    counted = Statements(app, monkeypatch)
    ask(person, "{ __typename }")
    answer = None

    def asked() -> None:
        nonlocal answer
        answer = ask(person, query)

    assert counted.of(asked) == 0
    assert_problem(answer, 400, says=says)


def test_variables_count_for_the_cost(person) -> None:
    query = "query ($n: Int = 1) { tokens(first: $n) { nodes { prediction { confidence } } } }"
    assert_problem(ask(person, query, {"n": 100}), 400, says="cost")
    assert (
        failed(ask(person, "{ tokens(first: -1) { nodes { symbol } } }"))["tokens"]["status"] == 400
    )


def test_introspection_is_told_where_a_setting_says_so(api_settings, clock) -> None:
    made = create_app(
        api_settings.model_copy(update={"graphql_introspection": True}), clock=lambda: clock[0]
    )
    try:
        answer = ask(new_person(made.test_client()), "{ __schema { queryType { name } } }")
        assert answer.json == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    finally:
        made.extensions[EXTENSION].close()


def test_a_costly_query_counts_as_several_requests(api_settings, clock) -> None:
    limit = 20
    made = create_app(
        api_settings.model_copy(update={"rate_limit_api": limit}), clock=lambda: clock[0]
    )
    try:
        someone = new_person(made.test_client())
        cheap = ask(someone, "{ me { sessions } }")
        left = int(cheap.headers["X-RateLimit-Remaining"])
        query = "{ tokens(first: 15) { nodes { prediction { confidence } } } }"
        parts = (11 + 15 * 92) // complexity.COST_OF_REQUEST
        assert parts >= 2
        costly = ask(someone, query)
        assert int(costly.headers["X-RateLimit-Remaining"]) == left - 1 - parts
        answers = [ask(someone, query).status_code for _ in range(6)]
        assert 429 in answers
    finally:
        made.extensions[EXTENSION].close()


def test_a_query_gets_no_more_forecasts_than_a_batch(person, monkeypatch) -> None:
    monkeypatch.setattr(loaders, "MAX_SYMBOLS", 2)
    answer = ask(person, "{ tokens(first: 3) { nodes { symbol prediction { confidence } } } }")
    assert len(answer.json["data"]["tokens"]["nodes"]) == 3
    assert {each["extensions"]["type"] for each in answer.json["errors"]} == {
        "urn:coinsphere:problem:query-too-large"
    }


def test_an_entry_more_is_a_request_more(person) -> None:
    """As in REST: aliases are no way round the limits."""
    one = ask(person, "{ alerts { id } }")
    three = ask(person, "{ alerts { id } b: alerts { id } c: alerts { id } }")
    left = [int(each.headers["X-RateLimit-Remaining"]) for each in (one, three)]
    assert left[0] - left[1] == 3


def test_a_database_that_is_away_is_told_by_field(api_settings, clock, monkeypatch) -> None:
    """Who is in the session cache gets an answer; what the database would say is missing from it."""
    monkeypatch.setattr(session_cache, "CACHE_SECONDS", 3600.0)
    made = create_app(api_settings, clock=lambda: clock[0])
    try:
        someone = new_person(made.test_client())
        assert data(ask(someone, "{ me { sessions } }"))
        work = made.extensions[EXTENSION]
        nowhere = api_settings.model_copy(
            update={"database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none")}
        )
        away = create_app(nowhere, clock=lambda: clock[0])
        work._database = away.extensions[EXTENSION]._database
        work._is_open = False
        answer = ask(someone, "{ me { sessions } __typename }")
        assert answer.json["data"] == {"me": None, "__typename": "Query"}
        assert failed(answer)["me"]["type"] == "urn:coinsphere:problem:unavailable"
    finally:
        made.extensions[EXTENSION].close()


def test_the_answer_says_nothing_of_errors_where_there_are_none(person) -> None:
    assert json.loads(ask(person, "{ __typename }").data) == {"data": {"__typename": "Query"}}


GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "graphql.md").read_text()
EXAMPLES = re.findall(r"```graphql\n(.*?)```", GUIDE, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_guides_examples_run(person, prices, model_server, example: str) -> None:
    model_server.answers["BTC?7"] = (200, forecast(days=7))
    made = books.make(person)
    books.trade(person, made, "buy", "BTC", "0.5", "50000")
    variables = {"portfolio": made["id"]} if "$portfolio" in example else {}
    assert data(ask(person, example, variables))


def test_the_guide_names_the_limits() -> None:
    for limit in (complexity.MAX_COST, execution.MAX_TOKENS):
        assert f"{limit:,}" in GUIDE
    assert f"{complexity.MAX_DEPTH} levels, {complexity.MAX_ALIASES} aliases" in GUIDE
    assert f"one word {execution.MAX_REPEATS} times" in GUIDE
    assert f"each {complexity.COST_OF_REQUEST} of its cost" in GUIDE

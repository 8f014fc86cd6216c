"""A corrected candle and a corrected rate through all that takes `asOf`: history, price, portfolio, prediction."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import psycopg
import pytest

from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.reference import tokens as token_store
from coinsphere.portfolio.valuation import reference_rates
from coinsphere.portfolio.valuation.reference_rates import Rate
from tests.integration.webapi.books import make, trade
from tests.integration.webapi.conftest import NOW, OPTIONS, assert_problem, exact

D = Decimal
DAY = timedelta(days=1)
TODAY = NOW.replace(hour=0, minute=0)
LAST = TODAY - DAY
"""Opening of the last closed day."""
BOUGHT = (TODAY - 3 * DAY + timedelta(hours=10)).isoformat()
DIGEST = "c" * 64


@pytest.fixture(scope="module")
def pipeline(module_database):
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        conn.execute("insert into market.origin (source) values ('live')")
        yield conn


def candle(conn, opened_at: datetime, close: str) -> None:
    token_id = token_store.by_symbol(conn, "ADA").id
    numbers = map(D, ("1", "9", "0.5", close))
    made = Candle(
        token_id, Interval.DAY, opened_at, *numbers, volume=D(5), source="kraken", is_final=True,
        observed_at=NOW,
    )  # fmt: skip
    candle_store.load(conn, [made], lambda: NOW)


def forecast(conn, model: str = "m") -> None:
    """A forecast of the close after the last one: 2 % up, and 10 % to both sides."""
    token_id = token_store.by_symbol(conn, "ADA").id
    conn.execute(
        "insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)"
        " values (%s, %s, '2025-01-01', '2026-03-01', 400, 'kraken', 'x')",
        [DIGEST, token_id],
    )
    conn.execute(
        """
        insert into model.predictions
            (token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median,
             lower80, upper80, lower95, upper95, model_name, model_version, algorithm, run_id, data_digest,
             code_version, price_source)
        values (%s, 1, %s, %s, %s, 2, '{"0.025": 1.6, "0.1": 1.8, "0.5": 2.04, "0.9": 2.2, "0.975": 2.4}', 2.04, 1.8, 2.2,
                1.6, 2.4, %s, 3, 'lstm', 'r', %s, 'c', 'kraken')
        """,
        [token_id, TODAY, TODAY + DAY, TODAY + timedelta(minutes=5), model, DIGEST],
    )


def judged(conn) -> None:
    """What its model had reached on held-out days, and what it reached when it was judged anew, after the moments."""
    for at, coverage in ((TODAY - DAY, 0.79), (TODAY + 400 * DAY, 0.5)):
        conn.execute(
            """
            insert into model.evaluations
                (token_id, model_name, model_version, algorithm, run_id, horizon_days, first_origin, last_origin, forecasts,
                 pinball_loss, mean_absolute_error, skill_vs_naive, coverage80, coverage95, data_digest, is_champion,
                 evaluated_at)
            values (%s, 'm', 3, 'lstm', 'r', 1, '2026-02-01', '2026-02-20', 20, 1, 1, 0.01, %s, 0.95, %s, true, %s)
            """,
            [token_store.by_symbol(conn, "ADA").id, coverage, DIGEST, at],
        )


def exact_day(text: str) -> str:
    return datetime.fromisoformat(text).date().isoformat()


def instant(conn) -> datetime:
    return conn.execute("select clock_timestamp()").fetchone()[0].astimezone(UTC)


@pytest.fixture(scope="module")
def moments(pipeline) -> list[datetime]:
    """After the candles, the forecast and the rate; after the candle's correction; after the rate's."""
    candle(pipeline, LAST - 2 * DAY, "1")
    candle(pipeline, LAST - DAY, "1")
    candle(pipeline, LAST, "2")
    forecast(pipeline)
    judged(pipeline)
    reference_rates.store(pipeline, [Rate("USD", LAST.date() - 3 * DAY, D("1.25"))])
    seen = [instant(pipeline)]
    candle(pipeline, LAST, "4")
    seen.append(instant(pipeline))
    reference_rates.store(pipeline, [Rate("USD", LAST.date() - 3 * DAY, D("1.6"))])
    return [*seen, instant(pipeline)]


def known(person, path: str, moment: datetime | None):
    joint = "&" if "?" in path else "?"
    asked = "" if moment is None else f"{joint}asOf={quote(moment.isoformat())}"
    answer = person.get(path + asked)
    assert answer.status_code == 200, answer.text
    return exact(answer)


def test_history_and_price_are_what_was_believed(person, moments) -> None:
    seen = [known(person, "/tokens/ADA/history?timeframe=30d", each) for each in moments]
    assert [each["priceHistory"][-1]["price"] for each in seen] == [2, 4, 4]
    assert [known(person, "/tokens/ADA/price", each)["price"] for each in moments] == [2, 4, 4]


def test_a_prediction_stands_on_the_price_that_was_believed(person, moments) -> None:
    before, after, _ = (known(person, "/predictions/ADA", each) for each in moments)
    assert (before["currentPrice"], after["currentPrice"]) == (2, 4)
    assert before["predictedPrice"] == pytest.approx(D("2.04"))
    assert after["predictedPrice"] == pytest.approx(D("4.08"))
    assert after["prediction"]["interval80"] == pytest.approx([D("3.6"), D("4.4")])
    assert before["model"] | {"name": "m", "rung": "token_champion"} == before["model"]
    assert before["quality"]["validated"] is False
    assert before["quality"]["coverage80"] == D("0.79")
    assert before["quality"]["evaluatedOn"] == "2026-02-01/2026-02-20"
    assert exact_day(before["model"]["dataCutoff"]) == "2026-03-02"
    absent = {each["field"]: each["reason"] for each in before["notKept"]}
    assert set(absent) == {
        "prediction.technicalIndicators", "model.trainedAt", "quality.inDistribution", "quality.reason",
    }  # fmt: skip
    assert before["predictionId"] == after["predictionId"]
    issued = TODAY + timedelta(minutes=5)
    early = person.get(f"/predictions/ADA?asOf={quote((issued - DAY / 24).isoformat())}")
    assert assert_problem(early, 404)["type"].endswith("no-prediction")


def test_what_was_issued_stands_while_the_model_server_is_away(
    api_settings, person, moments, clock, monkeypatch
) -> None:
    from webapi.app import create_app
    from webapi.predictions import past_answer
    from webapi.services import EXTENSION

    looked: list[int] = []
    look = past_answer.standing_all
    monkeypatch.setattr(
        past_answer, "standing_all", lambda *args: looked.append(len(args[1])) or look(*args)
    )

    settings = api_settings.model_copy(update={"ml_url": "http://127.0.0.1:1"})
    app = create_app(settings, clock=lambda: clock[0])
    with app.test_client() as client:
        one = client.get("/api/v1/predictions/ADA", headers=person.headers)
        many = client.post(
            "/api/v1/predictions/batch", json={"symbols": ["ADA", "BTC"]}, headers=person.headers
        )
    app.extensions[EXTENSION].close()
    assert one.status_code == 200, one.text
    assert [one.json] == many.json["predictions"]
    assert [(each["symbol"], each["status"]) for each in many.json["errors"]] == [("BTC", 503)]
    assert looked == [1, 2], "all of a batch together"
    believed = known(person, "/predictions/ADA", moments[-1])
    assert one.json["predictionId"] == believed["predictionId"]
    assert one.json["stale"] is False
    assert {"model.trainedAt"} < {each["field"] for each in one.json["notKept"]}


@pytest.fixture
def euros(person):
    """A portfolio in euros with 100 ADA, bought three days ago for a dollar each."""
    made = make(person, currency="EUR")
    trade(person, made, "buy", "ADA", 100, 1, BOUGHT, currency="USD")
    return made


def test_a_portfolio_is_worth_what_was_believed(person, pipeline, moments, euros, work) -> None:
    path = f"/portfolios/{euros['id']}/performance?days=5"
    seen = [known(person, path, each) for each in moments]
    assert [each["performance"][-2]["value"] for each in seen] == [160, 320, 250]
    # The moment itself: the close is the last price that was known.
    assert [each["performance"][-1]["value"] for each in seen] == [160, 320, 250]
    assert [each["performance"][0]["cost"] for each in seen] == [80, 80, D("62.5")]
    in_dollars = [known(person, f"{path}&currency=USD", each) for each in moments]
    assert [each["performance"][-2]["value"] for each in in_dollars] == [200, 400, 400]
    assert in_dollars[0]["returns"]["gain"] == 100
    work(person)
    now, again = known(person, path, None), known(person, path, instant(pipeline))
    assert again["performance"][:-1] == now["performance"][:-1]
    assert again["returns"] == now["returns"]


def test_a_portfolio_holds_what_was_believed(person, pipeline, moments, euros, work) -> None:
    path = f"/portfolios/{euros['id']}"
    seen = [known(person, path, each)["portfolio"] for each in moments]
    assert [each["totalValue"] for each in seen] == [160, 320, 250]
    assert [each["stats"]["totalCost"] for each in seen] == [80, 80, D("62.5")]
    (ada,) = seen[0]["holdings"]
    assert (ada["amount"], ada["averageBuyPrice"], ada["id"]) == (100, D("0.8"), None)
    token = ada["token"]
    # A day before the close was 1: it doubled.
    assert (token["symbol"], token["currentPrice"], token["priceChange24h"]) == ("ADA", 2, 100)
    assert [each["currency"] for each in seen[0]["transactions"]] == ["USD"]
    assert (seen[0]["transactionCount"], seen[0]["defi"], seen[0]["netWorth"]) == (1, None, None)
    assert {"defi", "netWorth", "holdings.id"} <= {each["field"] for each in seen[0]["notKept"]}
    in_dollars = known(person, f"{path}?currency=USD", moments[0])["portfolio"]
    assert (in_dollars["totalValue"], in_dollars["rateDate"]) == (200, str(LAST.date() - 3 * DAY))
    work(person)
    now, again = (known(person, path, each)["portfolio"] for each in (None, instant(pipeline)))
    same = (
        "totalValue",
        "stats",
        "unpriced",
        "stale",
        "uncosted",
        "transactions",
        "transactionCount",
    )
    assert {name: again[name] for name in same} == {name: now[name] for name in same}
    assert now["notKept"] == []


def test_the_list_and_the_holdings_are_what_was_believed(
    person, pipeline, moments, euros, work
) -> None:
    other = make(person, currency="USD", name="Dollars")
    trade(person, other, "buy", "ADA", 10, 1, BOUGHT)
    seen = [known(person, "/portfolios", each) for each in moments]
    # A sum over different currencies is in dollars: 110 ADA at the price of then.
    assert [(each["totalValue"], each["currency"]) for each in seen] == [
        (220, "USD"), (440, "USD"), (440, "USD"),
    ]  # fmt: skip
    assert [each["totalValue"] for each in seen[0]["portfolios"]] == [160, 20]
    one = known(person, f"/portfolios/{euros['id']}", moments[0])["portfolio"]
    assert seen[0]["portfolios"][0] | {"transactions": one["transactions"]} == one
    assert [each["field"] for each in seen[0]["notKept"]] == ["netWorth"]
    in_euros = known(person, "/portfolios?currency=EUR", moments[2])
    assert [each["totalValue"] for each in in_euros["portfolios"]] == [250, 25]
    assert in_euros["totalValue"] == 275
    path = f"/portfolios/{euros['id']}/holdings"
    held = [known(person, path, each) for each in moments]
    assert [each["holdings"][0]["currentValue"] for each in held] == [160, 320, 250]
    assert held[0]["holdings"] == one["holdings"]
    assert held[0]["notKept"][0]["field"] == "holdings.id"
    work(person)
    now, again = (known(person, "/portfolios", each) for each in (None, instant(pipeline)))
    same = ("totalValue", "totalProfitLoss", "currency", "count", "leftOut")
    assert {name: again[name] for name in same} == {name: now[name] for name in same}
    assert now["notKept"] == known(person, path, None)["notKept"] == []


def test_graphql_answers_of_a_moment_as_rest_does(person, moments, euros) -> None:
    query = (
        "query ($id: UUID!, $at: DateTime!) { portfolio(id: $id, asOf: $at) { totalValue }"
        " portfolios(asOf: $at) { totalValue }"
        " performance(portfolioId: $id, asOf: $at, days: 5) { performance { value } }"
        ' token(symbol: "ADA") { prediction(asOf: $at) { predictedPrice } } }'
    )
    seen = []
    for moment in moments:
        asked = {"query": query, "variables": {"id": euros["id"], "at": moment.isoformat()}}
        seen.append(exact(person.post("/graphql", asked))["data"])
    assert [each["portfolio"]["totalValue"] for each in seen] == [160, 320, 250]
    assert [each["portfolios"]["totalValue"] for each in seen] == [160, 320, 250]
    last = [each["performance"]["performance"][-1] for each in seen]
    assert [each["value"] for each in last] == [160, 320, 250]
    predicted = [each["token"]["prediction"]["predictedPrice"] for each in seen]
    assert predicted == pytest.approx([D("2.04"), D("4.08"), D("4.08")])


def test_what_was_delisted_since_was_traded_then(person, owner_db, moments, euros) -> None:
    ada = owner_db.execute("select id from market.tokens where symbol = 'ADA'").fetchone()[0]
    event = {"kind": "delisting", "token_id": ada, "happened_at": NOW - DAY / 24}
    owner_db.execute(
        "insert into market.asset_events (kind, token_id, old_units, new_units, happened_at, reason, recorded_by)"
        " values (%(kind)s, %(token_id)s, 1, 1, %(happened_at)s, 'gone', 'test')",
        event,
    )
    owner_db.execute("update market.tokens set is_active = false where id = %s", [ada])
    try:
        path = f"/portfolios/{euros['id']}"
        then, after = (
            known(person, path, each)["portfolio"]
            for each in (moments[-1] - timedelta(microseconds=1), instant(owner_db))
        )
        assert (then["totalValue"], then["stale"]) == (250, [])
        assert (after["totalValue"], after["stale"]) == (None, ["ADA"])
        assert after["holdings"][0]["currentValue"] == 250
    finally:
        owner_db.execute("update market.tokens set is_active = true where id = %s", [ada])
        owner_db.execute("alter table market.asset_events disable trigger user")
        owner_db.execute("delete from market.asset_events where token_id = %s", [ada])
        owner_db.execute("alter table market.asset_events enable trigger user")


@pytest.fixture
def later(clock):
    """Sets the API's clock to so many minutes after NOW, within a session; back to it after the test."""

    def move(minutes: int) -> datetime:
        clock[0] = NOW + timedelta(minutes=minutes)
        return clock[0]

    yield move
    clock[0] = NOW


def test_a_transaction_counts_from_when_it_was_entered_until_it_was_corrected(
    person, prices, later
) -> None:
    """Bought, sold in part, the sale corrected and then deleted, a minute apart each."""
    held = make(person)
    trade(person, held, "buy", "ETH", 10, 1_000, BOUGHT)
    later(1)
    sold = trade(person, held, "sell", "ETH", 4, 3_000, BOUGHT.replace("T10", "T12"))
    later(2)
    assert person.ask("PUT", f"/transactions/{sold['id']}", json={"amount": 9}).status_code == 200
    later(4)
    path = f"/portfolios/{held['id']}/performance?days=5"
    between = [NOW + timedelta(minutes=minutes, seconds=30) for minutes in (-1, 0, 1, 2)]
    seen = [known(person, path, each) for each in between]
    costs = [each["performance"][-1]["cost"] for each in seen]
    assert costs == [0, 10_000, 6_000, 1_000]
    assert [each["realisedGain"] for each in seen] == [0, 0, 8_000, 18_000]
    assert seen[0]["dataPoints"] == 1
    assert person.ask("DELETE", f"/transactions/{sold['id']}").status_code == 200
    assert known(person, path, None)["realisedGain"] == 0


@pytest.mark.parametrize("moment", ["yesterday", "2026-03-10T00:00:00", "1"])
def test_a_moment_that_is_none_is_refused(person, euros, moment: str) -> None:
    own = f"/portfolios/{euros['id']}"
    for path in ("/portfolios", own, f"{own}/holdings", f"{own}/performance", "/predictions/ADA"):
        assert_problem(person.get(f"{path}?asOf={moment}"), 400)


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_time_are_moments(person, moments, euros, end: str) -> None:
    own = f"/portfolios/{euros['id']}"
    for path in ("/portfolios", own, f"{own}/holdings", f"{own}/performance"):
        answer = person.get(f"{path}?asOf={end}")
        assert answer.status_code == 200, answer.text
    assert person.get(f"/predictions/ADA?asOf={end}").status_code in {200, 404}

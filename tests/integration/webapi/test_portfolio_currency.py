"""`?currency=`: a portfolio shown in another currency, each day at its day's rate, and no rate ever guessed."""

from decimal import Decimal

import pytest

from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import assert_problem, exact

D = Decimal


@pytest.fixture(scope="module", autouse=True)
def rates(prices, module_database):
    """Dollars for a euro from Friday, 6 February on, none at the weekend, and pounds, of which the newest are old."""
    import psycopg

    rows = [("USD", "2026-02-06", "1.25"), ("USD", "2026-02-09", "1.6"), ("USD", "2026-03-09", "2")]
    rows += [("GBP", "2026-02-09", "0.8")]
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        conn.execute("delete from market.exchange_rates")
        conn.cursor().executemany(
            "insert into market.exchange_rates (currency, day, per_euro, source) values (%s, %s, %s, 'ecb')",
            rows,
        )


@pytest.fixture
def held(person, work):
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(5), fee=100)
    trade(person, made, "sell", "BTC", "0.5", 51_000, day(9))
    trade(person, made, "transfer_out", "BTC", "0.1", None, day(12))
    work(person)
    return made


def test_what_is_held_is_shown_at_the_newest_rate(person, held) -> None:
    own = exact(person.get(f"/portfolios/{held['id']}"))["portfolio"]
    shown = exact(person.get(f"/portfolios/{held['id']}?currency=eur"))["portfolio"]
    assert (own["displayCurrency"], own["rateDate"]) == ("USD", None)
    assert (shown["currency"], shown["displayCurrency"], shown["rateDate"]) == (
        "USD",
        "EUR",
        "2026-03-09",
    )
    # 0.4 BTC at 60,000 dollars, two of which are a euro; they cost 0.4 x 50,100.
    assert shown["totalValue"] == own["totalValue"] / 2 == 12_000
    (one,) = shown["holdings"]
    assert (one["costBasis"], one["profitLoss"], one["averageBuyPrice"]) == (10_020, 1_980, 25_050)
    assert shown["stats"]["profitLossPercentage"] == own["stats"]["profitLossPercentage"]
    for path in (f"/portfolios/{held['id']}/holdings", "/holdings"):
        assert exact(person.get(f"{path}?currency=EUR"))["holdings"] == shown["holdings"]
    parts = exact(person.get(f"/portfolios/{held['id']}/allocation?currency=EUR"))
    assert (parts["totalValue"], parts["currency"]) == (12_000, "EUR")


def test_a_token_is_a_currency(person, held) -> None:
    shown = exact(person.get(f"/portfolios/{held['id']}?currency=BTC"))["portfolio"]
    assert abs(shown["totalValue"] - D("0.4")) < D("1e-15")


def test_portfolios_of_two_currencies_can_be_added_up_in_one(person, held) -> None:
    other = make(person, name="Euros", currency="EUR")
    trade(person, other, "buy", "ETH", 2, 1_000, day(9))
    in_dollars = exact(person.get("/portfolios"))
    assert (in_dollars["currency"], in_dollars["totalValue"]) == ("USD", 29_000)
    shown = exact(person.get("/portfolios?currency=EUR"))
    # 12,000 euros of bitcoin, and 2 ETH at 2,500 dollars.
    assert shown["totalValue"] == 14_500
    assert [each["displayCurrency"] for each in shown["portfolios"]] == ["EUR", "EUR"]


def test_the_series_is_that_of_a_portfolio_that_is_kept_in_the_currency(person, held, work) -> None:
    path = f"/portfolios/{held['id']}/performance?from=2026-02-07&explain=true"
    shown = exact(person.get(f"{path}&currency=EUR"))
    kept = make(person, name="In euros", currency="EUR")
    trade(person, kept, "buy", "BTC", 1, 50_000, day(5), fee=100, currency="USD")
    trade(person, kept, "sell", "BTC", "0.5", 51_000, day(9), currency="USD")
    trade(person, kept, "transfer_out", "BTC", "0.1", None, day(12))
    work(person)
    other = exact(person.get(path.replace(held["id"], kept["id"])))
    assert shown["currency"] == other["currency"] == "EUR"
    assert shown["dataPoints"] == other["dataPoints"]
    for ours, theirs in zip(shown["performance"], other["performance"], strict=True):
        assert abs(ours["value"] - theirs["value"]) < D("1e-9"), ours["date"]
        if not ours["isLive"]:
            assert abs(ours["growth"] - theirs["growth"]) < D("1e-12"), ours["date"]
    for name in ("startValue", "endValue", "inflow", "outflow", "gain"):
        assert abs(shown["returns"][name] - other["returns"][name]) < D("1e-9"), name
    for name in ("timeWeighted", "moneyWeighted", "simple"):
        ours, theirs = shown["returns"][name], other["returns"][name]
        assert ours["reason"] == theirs["reason"]
        if ours["reason"] is None:
            assert abs(ours["percentage"] - theirs["percentage"]) < D("1e-6"), name
    assert shown["returns"]["timeWeighted"]["percentage"] is not None


def test_a_day_without_a_rate_is_marked_and_one_before_all_rates_is_unknown(person, held) -> None:
    shown = exact(
        person.get(
            f"/portfolios/{held['id']}/performance?from=2026-02-05&to=2026-02-10&currency=EUR"
        )
    )
    points = {point["date"]: point for point in shown["performance"]}
    assert points["2026-02-05"]["value"] is points["2026-02-05"]["growth"] is None
    assert points["2026-02-05"]["rateDate"] is None
    # BTC closed at 50,500 on Friday and 50,600 on Saturday; the rate is Friday's.
    assert points["2026-02-06"]["value"] == D(50_500) / D("1.25")
    assert points["2026-02-07"]["value"] == D(50_600) / D("1.25")
    assert [points[f"2026-02-{n:02}"]["rateDate"] for n in (6, 7, 8, 9)] == [
        "2026-02-06", "2026-02-06", "2026-02-06", "2026-02-09",
    ]  # fmt: skip
    assert (shown["returns"], "no exchange rate" in shown["unavailable"]) == (None, True)
    # Pounds have no newer rate than that of 9 February, and the answer says so.
    pounds = exact(person.get(f"/portfolios/{held['id']}?currency=GBP"))["portfolio"]
    assert pounds["rateDate"] == "2026-02-09"
    swiss = exact(person.get(f"/portfolios/{held['id']}?currency=CHF"))["portfolio"]
    assert (swiss["totalValue"], swiss["rateDate"]) == (None, None)
    assert (swiss["unpriced"], swiss["missingRates"]) == ([], ["CHF"])


def test_a_gain_is_shown_at_the_rate_of_its_day(person, held) -> None:
    path = f"/portfolios/{held['id']}/gains?from=2026-02-01"
    own, shown = exact(person.get(path)), exact(person.get(f"{path}&currency=EUR"))
    # 25,500 less 25,050 dollars on 9 February, at 1.6.
    assert own["totalGain"] == 450
    assert (shown["totalGain"], shown["currency"]) == (D("281.25"), "EUR")
    assert shown["gains"][0]["gain"] == D("281.25")
    report = exact(person.get(f"/portfolios/{held['id']}/performance?from=2026-02-06&currency=EUR"))
    assert report["realisedGain"] == D("281.25")


@pytest.mark.parametrize("path", ["", "/performance", "/allocation", "/gains", "/holdings"])
def test_a_currency_that_nobody_knows_is_refused(person, held, path) -> None:
    problem = assert_problem(person.get(f"/portfolios/{held['id']}{path}?currency=XXY"), 400)
    assert problem["details"][0]["path"] == "currency"


def test_a_missing_rate_is_named_and_takes_no_other_portfolios_figures_away(person, held) -> None:
    """Of francs nobody knows a rate here; Bitcoin has a price, so it is not what is missing."""
    francs = make(person, name="Francs", currency="CHF")
    trade(person, francs, "buy", "BTC", 1, 40_000, day(5))
    shown = exact(person.get(f"/portfolios/{francs['id']}"))["portfolio"]
    assert (shown["totalValue"], shown["unpriced"], shown["missingRates"]) == (None, [], ["CHF"])
    assert (shown["stats"]["totalCost"], shown["uncosted"]) == (40_000, [])
    assert shown["holdings"][0]["missingRate"] == "CHF"
    for path in (
        "",
        "/allocation",
        "/holdings",
        "/performance",
        "/risk",
        "/contributions",
        "/gains",
    ):
        assert person.get(f"/portfolios/{francs['id']}{path}").status_code == 200
    found = exact(person.get("/portfolios"))
    assert (found["currency"], found["totalValue"], found["netWorth"]) == ("USD", 24_000, 24_000)
    assert found["totalProfitLoss"] == 24_000 - D("0.4") * 50_100
    assert found["leftOut"] == [
        {
            "portfolioId": francs["id"],
            "name": "Francs",
            "unpriced": [],
            "stale": [],
            "missingRates": ["CHF"],
        }
    ]
    in_euros = exact(person.get("/portfolios?currency=EUR"))
    assert (in_euros["totalValue"], len(in_euros["leftOut"])) == (12_000, 1)


def test_no_rate_is_never_a_cost_of_nothing(person, held) -> None:
    shown = exact(person.get(f"/portfolios/{held['id']}?currency=CHF"))["portfolio"]
    assert (shown["stats"]["totalCost"], shown["totalValue"]) == (None, None)
    assert (shown["missingRates"], shown["unpriced"], shown["uncosted"]) == (["CHF"], [], [])
    found = exact(person.get(f"/portfolios/{held['id']}/performance?currency=CHF"))
    assert found["returns"] is None
    assert "exchange rate" in found["unavailable"]
    assert {point["cost"] for point in found["performance"]} == {None}

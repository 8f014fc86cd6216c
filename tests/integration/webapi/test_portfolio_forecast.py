"""What a portfolio may be worth at each horizon, by the models' stored forecasts."""

import json
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import NOW, assert_problem
from tests.integration.webapi.test_portfolio_risk import MIDNIGHT
from tests.integration.webapi.test_portfolio_risk import forecast as forecast  # noqa: PLC0414 - a fixture
from webapi.portfolios.forecast import schemas

HORIZONS = (1, 7, 14, 30)


def ask(person, portfolio) -> dict:
    answer = person.get(f"/portfolios/{portfolio['id']}/forecast")
    assert answer.status_code == 200, answer.text
    found = json.loads(answer.data)
    schemas.PortfolioForecastOut.model_validate(found)
    return found


def test_a_single_assets_value_has_its_models_distribution_narrowed_by_what_has_passed(
    person, prices, work, forecast
) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 2, 50_000, day(1))
    work(person)
    for days in HORIZONS:
        forecast("BTC", 0.02 * days**0.5, days=days)
    found = ask(person, made)
    assert (found["value"], found["totalValue"], found["leftOut"]) == (120_000, 120_000, [])
    assert [each["daysAhead"] for each in found["horizons"]] == list(HORIZONS)
    for each in found["horizons"]:
        days = each["daysAhead"]
        left = 1 - (NOW - MIDNIGHT) / timedelta(days=days)
        scale = 0.02 * (days * left) ** 0.5
        for level in ("0.01", "0.05", "0.5", "0.975"):
            expected = 120_000 * np.exp(scale * stats.t.ppf(float(level), 5))
            assert each["quantiles"][level] == pytest.approx(expected, rel=0.02), (days, level)
        for share, name in ((0.05, "95"), (0.01, "99")):
            lost = -100 * np.expm1(scale * stats.t.ppf(share, 5))
            assert each[f"valueAtRisk{name}"] == pytest.approx(lost, rel=0.04)
            tail = np.linspace(share / 2000, share * (1 - 1 / 2000), 1000)
            mean = -100 * np.expm1(scale * stats.t.ppf(tail, 5)).mean()
            assert each[f"expectedShortfall{name}"] == pytest.approx(mean, rel=0.06)
        assert each["targetAt"] == f"{MIDNIGHT + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        assert each["coveredPercentage"] == 100
    assert ask(person, made) == found


def test_what_no_model_knows_has_its_past_and_what_nobody_knows_is_named(
    person, prices, work, forecast, owner_db
) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    trade(person, made, "buy", "ETH", 8, 2_000, day(1))
    trade(person, made, "buy", "SOL", 1, 100, day(1))
    trade(person, made, "buy", "DOGE", 1, 1, day(1))
    owner_db.execute(
        """
        insert into market.quotes (token_id, price, source, observed_at)
        select id, 150, 'binance', %s from market.tokens where symbol = 'SOL'
        on conflict (token_id) do update set price = 150, observed_at = excluded.observed_at
        """,
        [NOW],
    )
    work(person)
    forecast("BTC", 0.02, days=7)
    found = ask(person, made)
    reasons = {each["symbol"]: each["reason"] for each in found["leftOut"]}
    assert reasons.keys() == {"SOL", "DOGE"}
    assert "under 30 days" in reasons["SOL"]
    assert reasons["DOGE"] == "it has no price"
    assert (found["value"], found["totalValue"]) == (80_000, 80_150)
    day1, week, *_ = found["horizons"]
    assert {each["symbol"]: each["source"] for each in week["inputs"]} == {
        "BTC": "model",
        "ETH": "history",
    }
    assert (day1["coveredPercentage"], week["coveredPercentage"]) == (0, 75)
    # ETH has never moved: three quarters of what BTC loses is lost.
    left = 1 - (NOW - MIDNIGHT) / timedelta(days=7)
    alone = -100 * np.expm1(0.02 * left**0.5 * stats.t.ppf(0.05, 5))
    assert week["valueAtRisk95"] == pytest.approx(0.75 * alone, rel=0.04)


def test_an_expired_forecast_stands_for_nothing(person, prices, work, forecast) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    work(person)
    forecast("BTC", 0.02, days=30, days_ago=5)
    forecast("BTC", 0.02, days=14, days_ago=2)
    found = {each["daysAhead"]: each["coveredPercentage"] for each in ask(person, made)["horizons"]}
    assert found == {1: 0, 7: 0, 14: 100, 30: 0}


def test_without_anything_known_there_is_a_reason(person, work) -> None:
    made = make(person)
    found = ask(person, made)
    assert (found["horizons"], found["value"]) == ([], 0)
    assert found["unavailable"] == "nothing is held of which enough is known"
    assert_problem(person.get("/portfolios/nothing/forecast"), 404)

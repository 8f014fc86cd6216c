"""What a portfolio may lose by the models' forecasts, as they are stored."""

import json
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from scipy import stats

from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import NOW, OPTIONS
from webapi.portfolios.risk import schemas

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
MIDNIGHT = NOW.replace(hour=0, minute=0)
DIGEST = "b" * 64


@pytest.fixture
def forecast(module_database):
    """Stores a forecast of a Student t with 5 degrees; each test's are gone with it."""
    with psycopg.connect(module_database.owner, autocommit=True, options=OPTIONS) as conn:

        def store(symbol: str, scale: float, days_ago: int = 0, **changes) -> None:
            returns = scale * stats.t.ppf(LEVELS, 5)
            prices = {
                str(level): 100 * float(np.exp(r)) for level, r in zip(LEVELS, returns, strict=True)
            }
            row = {
                "symbol": symbol, "origin": MIDNIGHT - timedelta(days_ago), "quantiles": psycopg.types.json.Jsonb(prices),
                "prices": list(prices.values()), "degrees": 5, "shadow": False, "version": 1, "days": 1, **changes,
            }  # fmt: skip
            conn.execute(
                """
                insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
                select %s, id, '2025-01-01', '2026-03-01', 400, 'binance', 'x' from market.tokens where symbol = 'BTC'
                on conflict do nothing
                """,
                [DIGEST],
            )
            conn.execute(
                """
                insert into model.predictions
                    (token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, lower95, lower80,
                     median, upper80, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version,
                     price_source, degrees, is_shadow)
                select id, %(days)s, %(origin)s, %(origin)s::timestamptz + make_interval(days => %(days)s), %(origin)s, 100, %(quantiles)s,
                    p[1], p[2], p[3], p[4], p[5], 'global', %(version)s, 'lstm', 'r', repeat('b', 64), 'c', 'binance',
                    %(degrees)s, %(shadow)s
                from market.tokens, (select %(prices)s::numeric[] as p) as prices
                where symbol = %(symbol)s
                """,
                row,
            )

        yield store
        conn.execute("delete from model.predictions")


def risk(person, portfolio) -> dict:
    answer = person.get(f"/portfolios/{portfolio['id']}/risk")
    assert answer.status_code == 200, answer.text
    found = json.loads(answer.data)
    schemas.PortfolioRiskOut.model_validate(found)
    return found


def test_a_single_asset_has_its_models_own_quantile(person, prices, work, forecast) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    work(person)
    forecast("BTC", 0.02)
    found = risk(person, made)["byModels"]
    assert found["valueAtRisk95"] == pytest.approx(
        -100 * np.expm1(0.02 * stats.t.ppf(0.05, 5)), rel=0.02
    )
    assert found["expectedShortfall95"] > found["valueAtRisk95"]
    assert (found["unavailable"], found["coveredPercentage"]) == (None, 100)
    (used,) = found["inputs"]
    assert (used["symbol"], used["source"], used["model"]) == ("BTC", "model", "global")
    assert used["originAt"] == "2026-03-10T00:00:00Z"
    assert risk(person, made)["byModels"] == found


def test_an_asset_without_a_model_has_its_history_and_the_answer_says_so(
    person, prices, work, forecast
) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    trade(person, made, "buy", "ETH", 8, 2_000, day(1))
    work(person)
    forecast("BTC", 0.02)
    found = risk(person, made)["byModels"]
    # BTC is worth 60,000, ETH 20,000 and has never moved.
    assert {used["symbol"]: used["source"] for used in found["inputs"]} == {
        "BTC": "model",
        "ETH": "history",
    }
    assert found["coveredPercentage"] == pytest.approx(75)
    alone = -100 * np.expm1(0.02 * stats.t.ppf(0.05, 5))
    assert found["valueAtRisk95"] == pytest.approx(0.75 * alone, rel=0.03)


def test_without_a_forecast_that_is_in_force_there_is_a_reason_and_no_number(
    person, prices, work, forecast
) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    work(person)
    forecast("BTC", 0.02, days_ago=1)
    forecast("BTC", 0.02, shadow=True, version=2)
    found = risk(person, made)["byModels"]
    assert found["valueAtRisk95"] is found["expectedShortfall95"] is None
    assert found["unavailable"].startswith("no forecast of the next day is in force")
    # The historical figures do not depend on it.
    assert risk(person, made)["valueAtRisk95"] == 0


def test_an_asset_that_nobody_knows_enough_of_is_named(
    person, prices, work, forecast, owner_db
) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    trade(person, made, "buy", "SOL", 1, 100, day(1))
    owner_db.execute(
        """
        insert into market.quotes (token_id, price, source, observed_at)
        select id, 150, 'binance', %s from market.tokens where symbol = 'SOL' on conflict do nothing
        """,
        [NOW],
    )
    work(person)
    forecast("BTC", 0.02)
    found = risk(person, made)
    # The historical figures do not depend on it.
    assert found["volatility"] is not None
    found = found["byModels"]
    # BTC is worth 60,000, SOL 150.
    assert (found["unavailable"], [each["symbol"] for each in found["inputs"]]) == (None, ["BTC"])
    (left,) = found["leftOut"]
    assert left["symbol"] == "SOL"
    assert left["reason"] == "it has no forecast, and under 30 days of prices"
    assert left["percentage"] == pytest.approx(100 * 150 / 60_150)
    alone = -100 * np.expm1(0.02 * stats.t.ppf(0.05, 5))
    assert found["valueAtRisk95"] == pytest.approx(alone, rel=0.02)
    # Where half of the value is unknown there is a reason, and no figure.
    trade(person, made, "buy", "SOL", 400, 100, day(1))
    work(person)
    found = risk(person, made)["byModels"]
    assert found["valueAtRisk95"] is None
    assert found["unavailable"].startswith(
        "enough is known of 50 % of the value only, under 50 %: of SOL"
    )

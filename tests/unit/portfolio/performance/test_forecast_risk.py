"""The tail of a portfolio by the models' distributions, against formulas where there are some."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest
from scipy import stats

from coinsphere.portfolio.performance import forecast_risk
from coinsphere.portfolio.performance.forecast_risk import (
    Asset,
    ObservedDistribution,
    StatedDistribution,
)
from coinsphere.portfolio.performance.stored_forecasts import Forecast

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
FIRST = date(2026, 1, 1)


def stated(scale: float, degrees: float = 5.0, location: float = 0.0) -> StatedDistribution:
    returns = location + scale * stats.t.ppf(LEVELS, degrees)
    return StatedDistribution(LEVELS, tuple(returns), degrees)


def moves(seed: int, days: int = 200, of: np.ndarray | None = None) -> dict[date, float]:
    values = np.random.default_rng(seed).standard_normal(days) if of is None else of
    return {FIRST + timedelta(day): float(value) for day, value in enumerate(values)}


def test_a_student_t_comes_out_exactly_also_beyond_what_is_published() -> None:
    levels = np.array([0.0001, 0.01, 0.05, 0.3, 0.5, 0.999])
    wanted = 0.01 + 0.02 * stats.t.ppf(levels, 4.0)
    assert stated(0.02, 4.0, 0.01).quantile(levels) == pytest.approx(wanted, rel=1e-9)


def test_an_interval_that_was_widened_keeps_its_width() -> None:
    wider = StatedDistribution(LEVELS, (-0.09, -0.03, 0.0, 0.03, 0.09), 5.0)
    assert wider.quantile(np.array(LEVELS)) == pytest.approx([-0.09, -0.03, 0.0, 0.03, 0.09])
    assert wider.quantile(np.array([0.01]))[0] < -0.11


def test_of_one_asset_it_is_the_quantile_of_its_own_distribution() -> None:
    found = forecast_risk.tail([Asset("BTC", 1.0, stated(0.02), {})])
    assert found.value_at_risk == pytest.approx(-np.expm1(0.02 * stats.t.ppf(0.05, 5.0)), rel=0.02)
    worst = np.expm1(0.02 * stats.t.ppf(np.linspace(5e-6, 0.05, 10_001), 5.0))
    assert found.expected_shortfall == pytest.approx(-worst.mean(), rel=0.03)


def test_assets_that_move_as_one_are_one_and_those_that_do_not_are_less() -> None:
    alone = forecast_risk.tail([Asset("A", 1.0, stated(0.02), {})]).value_at_risk
    twins = [Asset(name, 1.0, stated(0.02), moves(1)) for name in "AB"]
    strangers = [Asset(name, 1.0, stated(0.02), moves(seed)) for seed, name in enumerate("AB")]
    opposites = [
        Asset("A", 1.0, stated(0.02), moves(1)),
        Asset("B", 1.0, stated(0.02), {day: -move for day, move in moves(1).items()}),
    ]
    assert forecast_risk.tail(twins).value_at_risk == pytest.approx(alone, rel=0.02)
    # Of two independent normals the half sum spreads by the root of a half; a t is not far from that.
    assert forecast_risk.tail(strangers).value_at_risk == pytest.approx(alone / 2**0.5, rel=0.08)
    assert forecast_risk.tail(opposites).value_at_risk < alone / 20


def test_draws_are_returned_as_numpy_interpolates_between_the_points_of_the_grid() -> None:
    scores = np.array([[-60.0, -45.0, -1.2345, 0.0, 0.3, 7.7, 45.0, 60.0]])
    scores[0, 0] = -1e300
    grid, levels = forecast_risk._GRID, forecast_risk._GRID_LEVELS
    marginal = stated(0.02)
    simple = np.interp(scores[0], grid, np.expm1(marginal.quantile(levels)))
    found = forecast_risk.JointDraws.of(scores).returns(0, marginal)
    np.testing.assert_allclose(found, simple, rtol=1e-9, atol=1e-15)
    exact = np.expm1(marginal.quantile(stats.t.cdf(scores[0, 2:6], forecast_risk.COPULA_DEGREES)))
    np.testing.assert_allclose(found[2:6], exact, rtol=2e-4, atol=1e-6)


def test_what_happened_has_numpys_quantiles() -> None:
    happened = np.random.default_rng(5).standard_normal(365)
    levels = np.linspace(0, 1, 1_001)
    found = ObservedDistribution(tuple(happened)).quantile(levels)
    np.testing.assert_allclose(found, np.quantile(happened, levels), atol=1e-12)


def test_weights_are_parts_of_the_whole() -> None:
    assets = [
        Asset("A", 3_000.0, stated(0.02), moves(1)),
        Asset("USDC", 1_000.0, ObservedDistribution((0.0,) * 60), moves(0, of=np.zeros(60))),
    ]
    alone = forecast_risk.tail([Asset("A", 1.0, stated(0.02), {})]).value_at_risk
    assert forecast_risk.tail(assets).value_at_risk == pytest.approx(0.75 * alone, rel=0.02)


def test_the_same_inputs_give_the_same_answer() -> None:
    assets = [Asset(name, 1.0, stated(0.02), moves(seed)) for seed, name in enumerate("ABC")]
    assert forecast_risk.tail(assets) == forecast_risk.tail(assets)


def test_what_is_not_known_is_said_and_not_guessed() -> None:
    young = [Asset("A", 1.0, stated(0.02), moves(1)), Asset("NEW", 1.0, stated(0.02), moves(2, 9))]
    found = forecast_risk.tail(young)
    assert found.value_at_risk is found.expected_shortfall is None
    assert found.unavailable == "A and NEW have under 30 days of prices in common"
    assert forecast_risk.tail([]).unavailable == "nothing is held that has a price"


def test_correlations_of_different_days_that_contradict_each_other_are_repaired() -> None:
    """Each pair has days of its own: A goes with B and with C, but B against C."""
    one = np.random.default_rng(3).standard_normal(40)
    first, second, third = (moves(0, of=part) for part in (one, one, -one))
    later = timedelta(100)
    a = {**first, **{day + later: move for day, move in first.items()}}
    b = {**second, **{day + 2 * later: move for day, move in second.items()}}
    c = {
        **{day + later: move for day, move in first.items()},
        **{day + 2 * later: move for day, move in third.items()},
    }
    assets = [
        Asset(name, 1.0, stated(0.02), moved) for name, moved in zip("ABC", (a, b, c), strict=True)
    ]
    assert 0 < forecast_risk.tail(assets).value_at_risk < 0.05


def test_a_stored_forecast_is_taken_around_the_price_as_wide_as_the_root_of_what_is_left() -> None:
    prices = {"0.025": 90.0, "0.1": 95.0, "0.5": 102.0, "0.9": 108.0, "0.975": 115.0}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = Forecast(uuid4(), Decimal(100), prices, 4.0, "m", 1, "a", at, at, at + timedelta(days=7))
    whole, quarter = made.marginal(), made.marginal(0.25)
    assert whole.log_returns == pytest.approx(np.log(np.array(list(prices.values())) / 102))
    assert quarter.log_returns == pytest.approx(np.array(whole.log_returns) / 2)
    assert whole.log_returns[2] == 0.0, "a lean of the centre says nothing of the tail"

"""Our figures of risk against those of empyrical, by which funds are compared; it is not needed to run the product."""

from datetime import date, timedelta

import empyrical
import numpy as np
import pytest

from coinsphere.portfolio.performance import risk

MOVES = np.random.default_rng(3).normal(0.001, 0.03, 401)
"""So many that a twentieth of them is whole: where it is not, the libraries differ in which day they take."""
RATE = 0.04


def test_a_history_is_judged_as_empyrical_judges_it() -> None:
    growth = np.concatenate(([1.0], np.cumprod(1 + MOVES)))
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(len(growth))]
    ours = risk.assess(days, growth.tolist(), RATE)
    daily, yearly = RATE / risk.DAYS_OF_YEAR, {"annualization": risk.DAYS_OF_YEAR}
    theirs = {
        "volatility": empyrical.annual_volatility(MOVES, **yearly),
        "sharpe": empyrical.sharpe_ratio(MOVES, risk_free=daily, **yearly),
        "sortino": empyrical.sortino_ratio(MOVES, required_return=daily, **yearly),
        "value_at_risk": -empyrical.value_at_risk(MOVES, 0.05),
        "expected_shortfall": -empyrical.conditional_value_at_risk(MOVES, 0.05),
    }
    assert {name: getattr(ours, name) for name in theirs} == pytest.approx(theirs, rel=1e-9)
    assert ours.drawdown is not None
    assert ours.drawdown.depth == pytest.approx(-empyrical.max_drawdown(MOVES), rel=1e-9)

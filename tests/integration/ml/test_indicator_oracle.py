"""The indicators that dbt computes in the database against TA-Lib's, from the same closes."""

import numpy as np
import pytest
import talib

WARM = 300
"""TA-Lib starts its averages from a mean of the first days, dbt from the first day: so many days later nothing is left of it."""


@pytest.fixture(scope="module")
def computed(warehouse):
    with warehouse.pipeline() as conn:
        rows = conn.execute(
            """
            select p.close::float8, i.rsi_14, i.macd, i.macd_signal, i.bollinger_upper, i.bollinger_middle, i.bollinger_lower
            from intermediate.int_indicators_daily i
            join intermediate.int_prices_daily_filled p using (token_id, price_date)
            where i.token_id = %s order by i.price_date
            """,
            [warehouse.token("ETH").id],
        ).fetchall()
    return np.array(rows, dtype=np.float64).T


def test_bands_are_those_of_ta_lib_from_the_first_day_on(computed):
    closes, *_, upper, middle, lower = computed
    theirs = talib.BBANDS(closes, timeperiod=20, nbdevup=2, nbdevdn=2)
    for ours, wanted in zip((upper, middle, lower), theirs, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(wanted))
        np.testing.assert_allclose(ours, wanted, rtol=1e-6, equal_nan=True)


def test_strength_and_convergence_are_those_of_ta_lib(computed):
    closes, strength, line, signal, *_ = computed
    np.testing.assert_allclose(strength[WARM:], talib.RSI(closes, timeperiod=14)[WARM:], rtol=1e-6)
    theirs, their_signal, _ = talib.MACD(closes, 12, 26, 9)
    unit = 1e-7 * closes[WARM:]
    assert (np.abs(line - theirs)[WARM:] < unit).all()
    assert (np.abs(signal - their_signal)[WARM:] < unit).all()
    assert len(closes) > WARM + 100

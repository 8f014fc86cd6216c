from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest

from ml.data import features, panel
from ml.data.features import NAMES, WARM_UP
from ml.errors import BadHistory
from tests.unit.ml import panels


def test_no_feature_depends_on_the_future():
    known = panels.rows()
    cut = panels.FIRST + timedelta(days=500)
    changed = {
        symbol: {
            day: candle if day <= cut else [3 * value for value in candle]
            for day, candle in days.items()
        }
        for symbol, days in known.items()
    }
    before = features.build(panel.from_rows(known, price_source="a", location="a"))
    after = features.build(panel.from_rows(changed, price_source="a", location="a"))
    end = before.panel.index(cut) + 1
    for name in ("inputs", "volatility", "usable", "pegged"):
        past, same = getattr(before, name)[:, :end], getattr(after, name)[:, :end]
        assert past.tobytes() == same.tobytes(), name
    assert before.inputs[:, end + 5].tobytes() != after.inputs[:, end + 5].tobytes()


def test_features_are_the_same_at_a_thousandth_of_the_price():
    known = panels.rows()
    small = {
        symbol: {
            day: [*(value / 1000 for value in candle[:4]), candle[4]]
            for day, candle in days.items()
        }
        for symbol, days in known.items()
    }
    ours = features.build(panel.from_rows(known, price_source="a", location="a"))
    theirs = features.build(panel.from_rows(small, price_source="a", location="a"))
    np.testing.assert_allclose(ours.inputs, theirs.inputs, atol=1e-9)


def test_a_token_is_forecast_from_its_61st_day():
    made = panels.make_features(tokens=2, days=200)
    assert not made.usable[:, :WARM_UP].any()
    assert made.usable[:, WARM_UP:].all()


def test_a_wick_moves_inputs_by_no_more_than_its_cap_and_the_outcome_not_at_all():
    known = panels.rows(tokens=2, days=200)
    day = panels.FIRST + timedelta(days=150)
    calm = features.build(panel.from_rows(known, price_source="a", location="a"))
    known["T0"][day][2] /= 1000
    wick = features.build(panel.from_rows(known, price_source="a", location="a"))
    at = NAMES.index("range_volatility_1d")
    volatility = np.exp(wick.inputs[0, 150, at]) * wick.volatility[0, 150]
    assert volatility == pytest.approx(0.25)
    np.testing.assert_array_equal(calm.outcomes(), wick.outcomes())


def test_a_day_that_is_not_known_is_no_origin_and_no_outcome():
    known = panels.rows(tokens=1, days=200)
    del known["T0"][panels.FIRST + timedelta(days=150)]
    made = features.build(panel.from_rows(known, price_source="a", location="a"))
    assert not made.usable[0, 150]
    # The return of the day after cannot be told apart from that of two days.
    assert not made.usable[0, 151]
    assert np.isnan(made.outcomes()[0, 149, 0])
    assert np.isnan(made.outcomes()[0, 143, 1])


def test_known_outcomes_are_purged_by_the_horizon():
    made = panels.make_features(tokens=1, days=200)
    known = made.known_at(150)
    last = [int(np.flatnonzero(known[0, :, place]).max()) for place in range(4)]
    assert last == [148, 142, 135, 119]


def test_a_peg_is_told_from_a_price():
    rng = np.random.default_rng(0)
    days = {
        panels.FIRST + timedelta(days=day): [
            1.0,
            1.002,
            0.998,
            1 + 0.002 * rng.standard_normal(),
            5.0,
        ]
        for day in range(200)
    }
    for candle in days.values():
        candle[1], candle[2] = max(candle[:4]), min(candle[:4])
    made = features.build(
        panel.from_rows({"PEG": days, **panels.rows(1, 200)}, price_source="a", location="a")
    )
    assert made.pegged[0].all()
    assert not made.pegged[1, 5:].any()


def test_a_snapshot_reads_back_with_its_digest():
    made = panels.make(tokens=2, days=100)
    again = panel.from_npz(made.npz())
    assert again.digest == made.digest
    np.testing.assert_array_equal(again.candles, made.candles)
    assert again.until(date(2019, 2, 1)).digest != made.digest
    with pytest.raises(BadHistory, match="cannot be read"):
        panel.from_npz(b"nothing")


def test_one_changed_digit_changes_the_digest():
    known = panels.rows(tokens=1, days=100)
    before = panel.from_rows(known, price_source="a", location="a")
    known["T0"][panels.FIRST][4] *= 1 + 1e-15
    after = panel.from_rows(known, price_source="a", location="a")
    assert before.digest != after.digest


def test_only_some_tokens_keep_their_ids():
    ids = {f"T{at}": UUID(int=at) for at in range(5)}
    made = panel.from_rows(panels.rows(days=70), price_source="a", location="a", token_ids=ids)
    assert made.only(["T3", "T1"]).token_ids == (UUID(int=1), UUID(int=3))

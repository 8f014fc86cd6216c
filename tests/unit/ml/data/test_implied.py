"""Files of implied volatility are read as they were written or refused by line; its input knows nothing later."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.errors import CoinsphereError
from ml.data import implied
from ml.models import implied_linear, pooled_linear
from tests.unit.ml import panels

_CLOSES = st.dictionaries(
    st.sampled_from(("BTC", "ETH", "SOL")),
    st.dictionaries(st.dates(date(2000, 1, 1)), st.integers(1, 99_999).map(lambda n: n / 100), min_size=1),
)  # fmt: skip


@settings(deadline=None)
@given(closes=_CLOSES)
def test_what_is_written_is_read(tmp_path_factory, closes):
    path = tmp_path_factory.mktemp("implied") / "dvol.csv"
    assert implied.write(path, closes) == sum(map(len, closes.values()))
    read = implied.read(path)
    assert {name: dict(sorted(days.items())) for name, days in read.items()} == {
        name: {day: float(f"{close:g}") for day, close in sorted(days.items())}
        for name, days in closes.items()
    }


@pytest.mark.parametrize(
    "line",
    ["2024-13-01,BTC,50", "2024-01-02,BTC,0", "2024-01-02,BTC,nan", "2024-01-02,BTC", "2024-01-02, ,50",
     "2024-01-02,BTC,many", "2024-01-01,BTC,51", ""],
)  # fmt: skip
def test_a_line_that_is_none_is_named(tmp_path, line):
    path = tmp_path / "dvol.csv"
    path.write_text(f"day,currency,percent\n2024-01-01,BTC,50\n{line}\n")
    with pytest.raises(CoinsphereError, match="line 3"):
        implied.read(path)
    path.write_text("date,close\n")
    with pytest.raises(CoinsphereError, match="first line"):
        implied.read(path)


@pytest.fixture(scope="module")
def market():
    """Five tokens, of which one is BTC, and an implied volatility that knows the day after next to nothing else."""
    rows = panels.rows(tokens=5, days=700)
    rows["BTC"] = rows.pop("T0")
    held = panels.features.build(panels.panel.from_rows(rows, price_source="test", location="test"))
    place = held.panel.symbols.index("BTC")
    days = [panels.FIRST + timedelta(days=day) for day in range(700)]
    wild = np.abs(held.outcomes()[place, :, 0]) / held.volatility[place]
    closes = {
        day: float(100 * np.sqrt(365) * held.volatility[place, at] * np.exp(0.5 * wild[at]))
        for at, day in enumerate(days)
        if at > 300 and np.isfinite(wild[at])
    }
    return held, {"BTC": closes}


def test_tokens_without_their_own_have_the_markets_and_gaps_are_unknown(market):
    held, closes = market
    ratio = implied.against_volatility(held, closes)
    btc = held.panel.symbols.index("BTC")
    np.testing.assert_array_equal(ratio, np.broadcast_to(ratio[btc], ratio.shape))
    assert not np.isfinite(ratio[:, :301]).any()
    day = 400
    expected = closes["BTC"][panels.FIRST + timedelta(days=day)] / 100 / np.sqrt(365)
    np.testing.assert_allclose(np.exp(ratio[btc, day]) * held.volatility[btc, day], expected)
    both = implied.against_volatility(
        held, {**closes, "T1": {panels.FIRST + timedelta(days=day): 40.0}}
    )
    own = held.panel.symbols.index("T1")
    assert np.isfinite(both[own]).sum() == 1
    np.testing.assert_array_equal(np.delete(both, own, 0), np.delete(ratio, own, 0))


def test_what_it_knows_widens_the_forecast_and_nothing_later_does(market):
    held, closes = market
    made = implied_linear.fit(closes, held, 650)
    assert made.weights[0, -1] > 0.1
    later = {"BTC": {day: close * 3 if day >= panels.FIRST + timedelta(days=600) else close
                     for day, close in closes["BTC"].items()}}  # fmt: skip
    other = implied_linear.fit(later, held, 600)
    same = implied_linear.fit(closes, held, 600)
    before, after = same.predict(held, 500), other.predict(held, 500)
    assert before.scale[:, :100].tobytes() == after.scale[:, :100].tobytes()
    assert (after.scale[:, 110, 0] > before.scale[:, 110, 0]).all()


def test_without_any_it_is_the_pooled_linear_model(market):
    held, _ = market
    ours, plain = implied_linear.fit({}, held, 650), pooled_linear.fit(held, 650)
    np.testing.assert_allclose(ours.weights[:, -1], 0.0, atol=1e-12)
    np.testing.assert_allclose(
        ours.predict(held, 600).scale, plain.predict(held, 600).scale, rtol=1e-6
    )

"""Closes beside their neighbours: what comes from nowhere is a stray, what was traded all the way is not."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.market.quality.outliers import Series, longest_stretch, strays

_FLAT = [100.0] * 20


def _series(closes, opens=None):
    opens = opens or [closes[0], *closes[:-1]]
    return Series(range(len(closes)), opens, closes)


def _strays(series):
    return strays(series, longest_stretch(series))


def _scaled(first, end, factor):
    """Candles that open where they close, so that nothing but their level tells."""
    return [price * factor if first <= day < end else price for day, price in enumerate(_FLAT)]


@pytest.mark.parametrize("factor", [1000, 1 / 100, 0.04])
@pytest.mark.parametrize(("first", "end"), [(5, 6), (5, 12), (0, 3), (17, 20)])
def test_what_comes_from_nowhere_is_a_stray_wherever_it_stands(first, end, factor):
    closes = _scaled(first, end, factor)

    assert _strays(_series(closes, closes)) == list(range(first, end))


def test_a_close_that_trading_did_not_go_on_from_is_a_stray():
    opens, closes = list(_FLAT), list(_FLAT)
    closes[7] = 4.0

    assert _strays(_series(closes, opens)) == [7]


def test_a_crash_that_was_traded_all_the_way_is_none():
    closes = [100.0] * 8 + [4.0, 0.04] + [0.05] * 5
    crash = _series(closes)

    assert longest_stretch(crash) == range(len(closes))
    # As well where only what came before it, or after it, was believed until now.
    for believed in (range(8), range(10, 15)):
        assert strays(crash, believed) == []


def test_the_real_crash_is_none(shared_data):
    path = Path(shared_data).parent / "faults" / "candles" / "INJ_real_crash.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    series = Series(
        [date.fromisoformat(row["date"]).toordinal() for row in rows],
        [float(row["open"]) for row in rows],
        [float(row["close"]) for row in rows],
    )

    assert _strays(series) == []
    assert any(series.jumps(row - 1, row) for row in range(1, len(rows)))


def test_the_more_is_missing_the_further_a_price_may_have_gone():
    near = Series([0, 1], [1.0, 50.0], [1.0, 50.0])
    far = Series([0, 10], [1.0, 50.0], [1.0, 50.0])

    assert strays(near, [0]) == [1]
    assert strays(far, [0]) == []


def test_what_a_person_believes_is_a_level_of_its_own_beside_the_usual_one():
    closes = _scaled(10, 15, 1000)
    series = _series(closes, closes)

    assert strays(series, [*longest_stretch(series), 10]) == []
    assert strays(series, longest_stretch(series)) == [10, 11, 12, 13, 14]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.floats(-0.5, 0.5), min_size=12, max_size=40),
    st.integers(0, 5),
    st.integers(1, 5),
    st.sampled_from([1e-4, 1e-3, 1e-2, 1e3, 1e4]),
)
def test_a_short_stretch_of_another_unit_is_found_in_any_clean_series(moves, first, length, factor):
    """Clean ones move by less than 65 % a day; a few candles of another unit never hide, and hide nothing else."""
    closes = [100.0]
    for move in moves:
        closes.append(min(max(closes[-1] * (1 + move), 60.0), 160.0))
    series = _series(closes)
    assert _strays(series) == []

    wrong = range(first, first + length)
    opens = [o * factor if day in wrong else o for day, o in enumerate(series.opens)]
    broken = [c * factor if day in wrong else c for day, c in enumerate(closes)]
    if length < len(closes) - length - first:
        assert _strays(Series(series.steps, opens, broken)) == list(wrong)

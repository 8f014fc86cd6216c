"""The parts of a history, and what rests on a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.data import windows
from ml.data.horizons import CONTEXT, HORIZONS
from ml.data.windows import MAX_BRIDGED
from ml.errors import TooLittleHistory

PARTS = ("train", "validation", "calibration", "test")


def _series(days: int, gaps=()) -> windows.Series:
    known = np.ones(days, dtype=bool)
    known[list(gaps)] = False
    return windows.series(np.exp(np.arange(days) / 100), known)


@given(st.integers(windows.minimum_days(), 3000), st.sampled_from(HORIZONS))
def test_no_outcome_of_one_part_lies_in_the_next(days, horizon):
    series = _series(days)
    edges = [series.parts.bounds(part) for part in PARTS]
    assert edges[0][0] == CONTEXT - 1
    assert [end for _, end in edges[:-1]] == [first for first, _ in edges[1:]]
    assert edges[-1][1] == days
    for part, (first, end) in zip(PARTS, edges, strict=True):
        origins = series.origins(part, horizon)
        if len(origins):
            assert origins[0] >= first
            assert origins[-1] + horizon < end


def test_one_day_fewer_than_the_least_is_too_few():
    _series(windows.minimum_days())
    with pytest.raises(TooLittleHistory, match=str(windows.minimum_days())):
        _series(windows.minimum_days() - 1)


def test_windows_and_returns_are_what_they_say():
    series = _series(420)
    window = series.windows(np.array([100]))[0]
    assert window == pytest.approx(np.arange(40, 101) / 100)
    assert series.returns(np.array([100]), 7) == pytest.approx([0.07])


def test_a_gap_is_no_origin_and_no_outcome():
    series = _series(420, gaps=[150])
    origins = series.origins("train", 7)
    assert 150 not in origins
    assert 143 not in origins
    assert {149, 151, 144} <= set(origins.tolist())


def test_a_window_bridges_few_gaps_only():
    few = _series(420, gaps=range(100, 100 + MAX_BRIDGED))
    many = _series(420, gaps=range(100, 101 + MAX_BRIDGED))
    assert 120 in few.origins("train", 1)
    assert 120 not in many.origins("train", 1)
    assert 104 + CONTEXT in many.origins("train", 1)


def test_candidates_are_the_origins_of_all_horizons():
    series = _series(420, gaps=[400])
    assert set(series.candidates("test").tolist()) == {
        int(origin) for horizon in HORIZONS for origin in series.origins("test", horizon)
    }


def test_a_gap_over_a_whole_part_is_too_little_history():
    parts = _series(420).parts
    with pytest.raises(TooLittleHistory, match="calibration"):
        _series(420, gaps=range(parts.calibration, parts.test))

"""A walk-forward reads what was believed at each origin: what was corrected later is undone at those before."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from ml.data import features, panel, vintages
from ml.data.horizons import HORIZONS
from ml.data.panel import Belief
from ml.evaluation import backtest, walk_forward
from ml.models.catalog import REFERENCE
from ml.training.fitting import Recipe
from tests.unit.ml import panels
from tests.unit.ml.conftest import training_set_of

CLOSED = 560
"""The day whose candle was corrected, by its position."""
LEARNED = 640
"""The first day at whose close the correction was known."""
NAMES = (REFERENCE, "ewma_t", "pooled_linear")


def day(position: int) -> date:
    return panels.FIRST + timedelta(days=position)


def belief(old, *, since: date = date.min, until: int = LEARNED) -> Belief:
    return Belief("T0", day(CLOSED), old, since, day(until))


@pytest.fixture(scope="module")
def as_it_was():
    return panels.make(3, 760)


@pytest.fixture(scope="module")
def as_it_is(as_it_was):
    """The close of one day halved, and the low with it."""
    candles = as_it_was.candles.copy()
    candles[0, CLOSED, 2:4] /= 2
    return panel.resealed(as_it_was, candles)


@pytest.fixture(scope="module")
def corrected(as_it_was, as_it_is):
    return replace(as_it_is, beliefs=(belief(tuple(as_it_was.candles[0, CLOSED])),))


def walked(candles: panel.Panel, first: int, end: int) -> dict[str, np.ndarray]:
    block = walk_forward.Block(first, end)
    made = walk_forward.run(features.build(candles), [block], NAMES, Recipe())
    return {name: np.stack((each.location, each.scale), 3) for name, each in made.items()}


def test_origins_before_a_correction_read_what_was_believed_and_those_after_what_is(
    as_it_was, as_it_is, corrected
):
    first, end, cut = CLOSED - 10, LEARNED + 20, 90
    then, now, ours = (walked(each, first, end) for each in (as_it_was, as_it_is, corrected))
    for name in NAMES:
        np.testing.assert_array_equal(ours[name][:, :cut], then[name][:, :cut])
        # Both were fitted before the day in question.
        np.testing.assert_array_equal(ours[name][:, cut:], now[name][:, cut:])
        assert (now[name][0, 10:cut] != then[name][0, 10:cut]).any()
        assert (now[name][0, cut:] != then[name][0, cut:]).any()


def test_a_model_is_fitted_on_what_was_believed_when_its_first_day_began(
    as_it_was, as_it_is, corrected
):
    before, after = (LEARNED - 5, LEARNED), (LEARNED + 1, LEARNED + 5)
    for span, same, other in ((before, as_it_was, as_it_is), (after, as_it_is, as_it_was)):
        ours, theirs = walked(corrected, *span), walked(same, *span)
        np.testing.assert_array_equal(ours["pooled_linear"], theirs["pooled_linear"])
        assert (walked(other, *span)["pooled_linear"] != theirs["pooled_linear"]).any()


def test_what_is_learned_on_the_way_is_the_outcome_that_came(as_it_was, as_it_is, corrected):
    then, now, ours = (
        vintages.outcomes_when_due(features.build(each))
        for each in (as_it_was, as_it_is, corrected)
    )
    np.testing.assert_array_equal(now, features.build(as_it_is).outcomes())
    for place, horizon in enumerate(HORIZONS):
        np.testing.assert_array_equal(
            ours[:, : LEARNED - horizon, place], then[:, : LEARNED - horizon, place]
        )
        np.testing.assert_array_equal(
            ours[:, LEARNED - horizon :, place], now[:, LEARNED - horizon :, place]
        )


def test_a_backtest_is_judged_on_what_is_believed_now(as_it_is, corrected):
    one, other = (
        backtest.run(features.build(each), day(CLOSED - 3), day(CLOSED + 40), names=["ewma_t"])
        for each in (corrected, as_it_is)
    )
    np.testing.assert_array_equal(one.scored, other.scored)
    assert one.to_json()["correctedDays"] == 1
    touched = one.scores["ewma_t"].crps[0] != other.scores["ewma_t"].crps[0]
    assert not touched[:3].any()
    assert touched[4].all()


def test_a_day_that_was_taken_out_or_came_in_counts_from_when_it_was_known(as_it_is):
    """A row is scored where a forecast was possible then, and is now; the day after has no return to start from."""
    unknown = belief((np.nan,) * 5, since=day(CLOSED), until=CLOSED + 2)
    made = walked(replace(as_it_is, beliefs=(unknown,)), CLOSED - 1, CLOSED + 4)
    is_forecast = np.isfinite(made["ewma_t"][0, :, 0, 1])
    assert is_forecast.tolist() == [True, False, False, True, True]


def test_spans_begin_where_something_was_learned(corrected):
    assert vintages.spans(corrected, 500, 700) == [(500, LEARNED), (LEARNED, 700)]
    assert vintages.spans(corrected.only(["T1"]), 500, 700) == [(500, 700)]
    assert corrected.only(["T1"]).corrected == 0
    assert corrected.believed_on(day(CLOSED - 1)) is corrected


def test_a_close_that_was_believed_to_be_none_repeats_the_last_one():
    """On the first day there is none to repeat; days that saw no other closes have no vintage."""
    closes = training_set_of(np.arange(1.0, 7.0))
    first = closes.first_day
    days = [first + timedelta(days=place) for place in range(6)]
    unknown = (float("nan"),) * 5
    made = vintages.of_closes(
        closes,
        [Belief("ABC", days[0], unknown, days[1], days[3]), Belief("ABC", days[2], unknown, days[2], days[4])],
    )  # fmt: skip
    assert [(each.first, each.end, np.exp(each.log_closes).round(9).tolist()) for each in made] == [
        (1, 2, [1, 2, 3, 4, 5, 6]),
        (2, 3, [1, 2, 2, 4, 5, 6]),
        (3, 4, [1, 2, 2, 4, 5, 6]),
    ]
    assert vintages.of_closes(closes, []) == ()

"""Every model of the catalogue passes the same checks; their formulas against independent computations."""

import numpy as np
import pytest
from scipy import optimize

from ml.data import volatility
from ml.data.horizons import CONTEXT, HORIZONS, LEVELS
from ml.models import catalog, linear, residual
from ml.models.ewma import Ewma
from ml.models.interface import CentredModel
from ml.models.naive import Naive
from ml.training import token_fits
from tests.unit.ml.checks import check_forecaster


@pytest.mark.parametrize("algorithm", catalog.ALGORITHMS)
def test_a_model_keeps_the_promises_of_a_forecaster(algorithm, series):
    check_forecaster(
        lambda given: residual.calibrate(
            token_fits.fit(algorithm, given, epochs=2, seed=7).model, given
        ),
        series,
    )


def test_naive_expects_todays_price(series):
    model = residual.calibrate(Naive(), series)
    quantiles = model.quantiles(series.windows(series.candidates("test")))
    assert (quantiles[:, :, LEVELS.index(0.5)] == 0).all()
    assert (quantiles == quantiles[0]).all()


def test_ewma_volatility_is_the_recursion(series):
    window = series.windows(np.array([200]))
    returns = np.diff(window[0])
    total = weight = 0.0
    for value in returns:
        total, weight = 0.94 * total + value**2, 0.94 * weight + 1
    assert volatility.ewma(window)[0] == pytest.approx(np.sqrt(total / weight))


def test_ewma_is_wider_in_a_storm_and_by_the_root_of_the_horizon(series):
    window = series.windows(np.array([200]))
    wild = window[:, :1] + 3 * (window - window[:, :1])
    model = Ewma()
    assert model.scale(wild) == pytest.approx(3 * model.scale(window))
    assert model.scale(window)[0] / model.scale(window)[0, 0] == pytest.approx(np.sqrt(HORIZONS))


def test_ridge_minimises_its_loss():
    """Against a numerical optimiser on the penalised loss, written out."""
    rng = np.random.default_rng(5)
    inputs = rng.normal(0.5, [1, 2, 0.1], (80, 3))
    targets = inputs @ [0.3, -0.2, 1] + 0.7 + rng.normal(0, 0.1, 80)
    weights, intercept = linear.ridge(inputs, targets, 10.0)
    deviation = inputs.std(axis=0)

    def loss(parameters):
        errors = targets - inputs @ parameters[:3] - parameters[3]
        return (errors**2).sum() + 10.0 * ((parameters[:3] * deviation) ** 2).sum()

    found = optimize.minimize(loss, np.zeros(4), tol=1e-12).x
    assert [*weights, intercept] == pytest.approx(found, abs=1e-4)


def test_linear_finds_a_momentum_that_is_there():
    """In a market where tomorrow repeats a part of today, the weight of the last return stands out."""
    from ml.data import windows

    rng = np.random.default_rng(8)
    returns = np.zeros(900)
    for day in range(1, 900):
        returns[day] = 0.6 * returns[day - 1] + 0.01 * rng.standard_normal()
    series = windows.series(np.exp(np.cumsum(returns)), np.ones(900, dtype=bool))
    model = linear.fit(series)
    assert int(np.argmax(np.abs(model.weights[0]))) == CONTEXT - 2
    assert model.weights[0, -1] == pytest.approx(0.6, abs=0.15)


def test_intervals_hold_their_share_of_the_errors():
    """Exactly: the next error is in each place among 20 with one chance in 21, so 80 % need the 17th smallest."""
    errors = np.random.default_rng(2).permutation(np.arange(1.0, 21.0)) * np.tile([1, -1], 10)
    low95, low80, median, high80, high95 = residual.symmetric_quantiles(errors)
    assert (low80, high80, median) == (-17.0, 17.0, 0.0)
    assert (low95, high95) == (-20.0, 20.0)


def test_with_few_errors_the_widest_is_taken():
    assert residual.symmetric_quantiles(np.array([0.1, -0.5, 0.2]))[-1] == 0.5


def test_intervals_rest_on_the_calibration_part_alone(series):
    """Larger errors there widen the intervals; larger ones in the training part do not."""
    model = residual.calibrate(Naive(), series)
    wilder = series.log_closes.copy()
    first, end = series.parts.bounds("train")
    wilder[first:end] = wilder[first] + 2 * (wilder[first:end] - wilder[first])
    from ml.data.windows import Series

    assert (
        residual.calibrate(Naive(), Series(wilder, series.known, series.parts)).spread
        == model.spread
    ).all()
    first, end = series.parts.bounds("calibration")
    wilder = series.log_closes.copy()
    wilder[first:end] = wilder[first] + 2 * (wilder[first:end] - wilder[first])
    changed = residual.calibrate(Naive(), Series(wilder, series.known, series.parts))
    assert changed.spread == pytest.approx(2 * model.spread)


def test_a_volatility_that_was_never_seen_is_unfamiliar(series):
    model = residual.calibrate(Naive(), series)
    window = series.windows(series.origins("train", 1)[:1])
    assert model.is_familiar(window)[0]
    assert not model.is_familiar(100 * window)[0]


def test_a_model_of_other_horizons_is_not_loaded(series):
    files = residual.calibrate(Naive(), series).files()
    altered = files["parameters.json"].replace(b" 14,\n", b" 15,\n")
    with pytest.raises(ValueError, match="another context, horizons"):
        catalog.load("naive", {"parameters.json": altered})


def test_each_model_is_a_centred_model(series):
    for algorithm in ("naive", "ewma", "linear"):
        model: CentredModel = token_fits.fit(algorithm, series, epochs=2, seed=7).model
        windows = series.windows(series.candidates("test"))
        assert (model.scale(windows) > 0).all()

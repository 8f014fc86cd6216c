"""What every model must pass, whatever it is made of."""

from collections.abc import Callable

import numpy as np

from ml.data.horizons import CONTEXT, HORIZONS, LEVELS
from ml.data.windows import Series
from ml.models import catalog
from ml.models.interface import Forecaster


def check_forecaster(make: Callable[[Series], Forecaster], series: Series) -> None:
    """Make a model of `series` and hold it to the promises of `Forecaster`."""
    model = make(series)
    windows = series.windows(series.candidates("test"))
    quantiles = model.quantiles(windows)
    assert quantiles.shape == (len(windows), len(HORIZONS), len(LEVELS))
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()
    assert model.is_familiar(windows).shape == (len(windows),)
    _check_batches(model, windows, quantiles)
    _check_seed(make, series, model)
    _check_files(model, windows, quantiles)
    _check_no_look_ahead(make, series, model)
    _check_extremes(model)


def _check_batches(model: Forecaster, windows, quantiles) -> None:
    """A forecast does not depend on what else is asked for."""
    alone = model.quantiles(windows[:1])
    assert np.allclose(alone, quantiles[:1], rtol=0, atol=1e-6)
    assert model.quantiles(windows[:0]).shape == (0, len(HORIZONS), len(LEVELS))


def _check_seed(make, series: Series, model: Forecaster) -> None:
    """The same data and seed give the same bytes."""
    assert make(series).files() == model.files()


def _check_files(model: Forecaster, windows, quantiles) -> None:
    """What is loaded forecasts the same bits, and is stored as the same bytes."""
    files = model.files()
    assert set(files) == catalog.FILES[model.algorithm]
    loaded = catalog.load(model.algorithm, files)
    assert (loaded.quantiles(windows) == quantiles).all()
    assert (loaded.is_familiar(windows) == model.is_familiar(windows)).all()
    assert loaded.files() == files


def _check_no_look_ahead(make, series: Series, model: Forecaster) -> None:
    """Another future changes neither the model, which ends with calibration, nor a forecast of an earlier day."""
    first = series.parts.test
    changed = series.log_closes.copy()
    changed[first:] += np.random.default_rng(1).normal(0, 1, len(changed) - first)
    other = Series(changed, series.known, series.parts)
    assert make(other).files() == model.files()
    origin = np.array([first - 1])
    before = model.quantiles(series.windows(origin))
    assert (model.quantiles(other.windows(origin)) == before).all()


def _check_extremes(model: Forecaster) -> None:
    """A price that stands still and one that falls by nine tenths a day get finite, ordered quantiles."""
    still = np.full((1, CONTEXT), np.log(1e-9))
    crash = np.log(1e5) - 2.3 * np.arange(CONTEXT, dtype=float)[None]
    for windows in (still, crash):
        quantiles = model.quantiles(windows)
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles, axis=2) >= 0).all()

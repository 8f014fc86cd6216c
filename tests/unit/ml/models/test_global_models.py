"""What every global model must do, and what makes each of them the model that it claims to be."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import onnx
import pytest
import torch
from scipy import stats
from scipy.optimize import approx_fprime

from ml.data import features, panel
from ml.data.panel import as_date
from ml.errors import TooLittleHistory
from ml.evaluation import backtest, walk_forward
from ml.models import catalog, garch, gk_har_t, global_lstm, pooled_linear, random_walk, reversal
from ml.models.combination import Combination, mean
from ml.models.hyperparameters import Hyperparameters
from ml.models.networks import global_lstm_export
from ml.models.networks.global_lstm_network import GlobalLstmNetwork
from ml.models.residual import PARAMETERS
from ml.training import fitting, global_lstm_loop
from ml.training.fitting import Recipe
from tests.unit.ml import panels

END = 700
QUICK = Recipe(seeds=(0, 1), parameters=Hyperparameters(steps=12, window=96, warm_up=32), epochs=1)


@pytest.fixture(scope="module")
def market():
    return panels.make_features()


@pytest.fixture(scope="module")
def fitted(market):
    return fitting.fit(market, END, catalog.GLOBAL_DEFAULT, QUICK)


@pytest.fixture(scope="module")
def changed_future(market):
    """The market up to `END`, and another one from then on."""
    candles = market.panel.candles.copy()
    candles[:, END:] *= np.linspace(2, 9, candles.shape[1] - END)[None, :, None]
    other = replace(market.panel, candles=candles)
    return features.build(other)


@pytest.mark.parametrize("name", catalog.GLOBAL_DEFAULT)
def test_model(fitted, market, changed_future, name):
    model = fitted[name]
    made = model.predict(market, END - 60)
    assert made.scale.shape == (5, market.inputs.shape[1] - END + 60, 4)
    assert (made.scale > 0).all()
    assert (made.degrees > 2).all()
    beyond = made.location[:, :, 1:] if name == catalog.CHAMPION else made.location
    assert not beyond.any(), "nobody knows where the price will go"
    later = model.predict(changed_future, END - 60)
    again = catalog.load_global(catalog.files_of_global(model)).predict(market, END - 60)
    for part in ("location", "scale"):
        ours, theirs = getattr(made, part), getattr(later, part)
        assert ours[:, :60].tobytes() == theirs[:, :60].tobytes(), "it looked ahead"
        assert ours.tobytes() == getattr(again, part).tobytes()
    assert np.array_equal(made.degrees, again.degrees)


@pytest.mark.parametrize("name", catalog.GLOBAL_DEFAULT)
def test_a_fit_knows_nothing_of_what_follows(fitted, market, changed_future, name):
    if name == catalog.CHAMPION:
        pytest.skip("its parts are fitted alike, and tested here")
    again = fitting.fit(changed_future, END, [name], QUICK)[name]
    ours, theirs = (catalog.files_of_global(model) for model in (fitted[name], again))
    assert ours == theirs


def test_an_unknown_model_is_named(market):
    with pytest.raises(ValueError, match="oracle"):
        fitting.fit(market, END, ["oracle"], QUICK)


def test_an_untrained_net_is_the_baseline():
    network = GlobalLstmNetwork(Hyperparameters()).eval()
    with torch.no_grad():
        shifts = network(torch.randn(3, 20, len(features.NAMES)))
    assert (shifts == shifts[0, 0, 0]).all()


def test_the_graph_gives_the_mean_of_the_nets(market):
    fits = global_lstm_loop.fit(market, END, seeds=(3, 4, 5), parameters=QUICK.parameters)
    graph = global_lstm.GlobalLstm(
        global_lstm_export.to_onnx([made.network for made in fits]),
        fits[0].mean,
        fits[0].deviation,
        np.full(4, 4.0),
        3,
    )
    inputs = np.random.default_rng(0).standard_normal((5, 70, len(features.NAMES))).astype("f4")
    with torch.no_grad():
        expected = np.mean([made.network(torch.tensor(inputs)).numpy() for made in fits], axis=0)
    np.testing.assert_allclose(graph.forward(inputs), expected, atol=1e-5)
    np.testing.assert_allclose(graph.forward(inputs, 69), expected[:, 69:], atol=1e-5)


def test_what_lies_beyond_the_memory_of_the_net_is_forgotten(fitted, market):
    net = fitted["global_lstm"]
    longer = replace(net, memory=4 * net.memory)
    np.testing.assert_allclose(net.shifts(market, END), longer.shifts(market, END), atol=1e-5)
    described = net.parameters()
    old = {name: value for name, value in described.items() if name != "memory"}
    assert global_lstm.load(described, net.binaries()).memory == net.memory
    assert global_lstm.load(old, net.binaries()).memory > net.memory, "an old version's bits change"


def test_a_graph_older_than_its_input_first_answers_for_the_same_days(fitted, market):
    net = fitted["global_lstm"]
    graph = onnx.load_from_string(net.network)
    del graph.graph.input[1]
    old = replace(net, network=graph.SerializeToString())
    np.testing.assert_allclose(old.shifts(market, END), net.shifts(market, END), atol=1e-6)


def test_training_makes_the_loss_less(market):
    (made,) = global_lstm_loop.fit(
        market, END, seeds=(0,), parameters=Hyperparameters(steps=60, window=96, warm_up=32)
    )
    assert np.mean(made.losses[-10:]) < np.mean(made.losses[:10])


def test_the_linear_model_finds_the_weights_that_made_the_data():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((20_000, 2))
    outcomes = rng.standard_t(4, 20_000) * np.exp(0.3 * inputs[:, 0] - 0.5)
    weights, intercept, degrees = pooled_linear.fit_student(inputs, outcomes, 0.0)
    np.testing.assert_allclose(weights, [0.3, 0.0], atol=0.03)
    assert intercept == pytest.approx(-0.5, abs=0.03)
    assert degrees == pytest.approx(4, abs=0.5)


def test_the_fit_ends_where_the_likelihood_is_flat_though_inputs_are_alike():
    """Also where one is another's copy and one never moves; the gradient is taken of SciPy's own density."""
    rng = np.random.default_rng(1)
    shared = rng.standard_normal((4000, 1))
    inputs = shared + 0.05 * rng.standard_normal((4000, 3))
    inputs = np.column_stack((inputs, inputs[:, 0], np.full(4000, 3.0)))
    outcomes = rng.standard_t(5, 4000) * np.exp(0.4 * inputs[:, 1] - 0.2)
    weights, intercept, degrees = pooled_linear.fit_student(inputs, outcomes, 0.0)

    def loss(point):
        scale = np.exp(inputs @ point[:-2] + point[-2])
        return -stats.t.logpdf(outcomes / scale, point[-1]).mean() + np.log(scale).mean()

    slopes = approx_fprime(np.array([*weights, intercept, degrees]), loss, 1e-6)
    np.testing.assert_allclose(slopes, 0.0, atol=1e-3)


def test_garch_forecasts_what_arch_itself_would(market):
    from arch import arch_model

    returns = np.diff(market.log_closes[0], prepend=np.nan)[1:END]
    one = garch._fit_one(returns)
    found = arch_model(
        100 * returns, mean="Zero", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False
    )
    found = found.fit(disp="off", show_warning=False)
    ahead = found.forecast(horizon=7, reindex=False).variance.to_numpy()[-1] / 100**2
    ours = garch._horizons(one, np.concatenate(([np.nan], returns)))[-1]
    assert ours[0] == pytest.approx(ahead[0], rel=0.01)
    assert ours[1] == pytest.approx(ahead.sum(), rel=0.02)


def test_the_combination_is_the_mean_of_log_scales(fitted, market):
    parts = [fitted[name].predict(market, END) for name in catalog.PARTS]
    made = fitted[catalog.CHAMPION].predict(market, END)
    np.testing.assert_allclose(made.scale, np.sqrt(parts[0].scale * parts[1].scale))
    np.testing.assert_array_equal(made.degrees, mean(parts).degrees)


def test_a_market_that_comes_back_is_found_and_one_that_does_not_is_not():
    """Half of each day's shared return is taken back on the next one, or nothing of it."""
    weights = {}
    for part in (0.0, 0.5):
        rng = np.random.default_rng(4)
        shared, own = rng.standard_normal(900), rng.standard_normal((6, 900))
        returns = 0.02 * (shared - part * np.roll(shared, 1) + 0.3 * own)
        closes = 100 * np.exp(np.cumsum(returns, axis=1))
        rows = {
            f"T{token}": {
                panels.FIRST + timedelta(days=day): [price, price * 1.02, price * 0.98, price, 1.0]
                for day, price in enumerate(closes[token])
            }
            for token in range(6)
        }
        built = features.build(panel.from_rows(rows, price_source="test", location="test"))
        weights[part] = reversal.fit(built, 800).weight
        made = reversal.fit(built, 800).location(built, 799)[:, 0, 0] / built.volatility[:, 799]
        np.testing.assert_allclose(made, weights[part] * reversal.market(built)[799])
    assert weights[0.0] == 0, "without evidence nothing remains"
    assert -0.4 < weights[0.5] < -0.15


@pytest.mark.parametrize(("error", "left"), [(0.01, 0.96), (0.05, 0.0), (0.06, 0.0), (0.0, 1.0)])
def test_a_lean_below_a_t_of_two_is_none(error, left):
    assert reversal.shrinkage(-0.1, error) == pytest.approx(left)
    assert reversal.shrinkage(0.0, error) == 0


def test_the_regression_of_five_numbers_sees_the_ranges_of_a_day_a_week_and_a_month(market):
    opened, high, low, close, _ = np.moveaxis(market.panel.candles[1, 470:500], 1, 0)
    variance = 0.5 * np.log(high / low) ** 2 - (2 * np.log(2) - 1) * np.log(close / opened) ** 2
    expected = [0.5 * np.log(variance[-span:].mean() / 0.04**2) for span in gk_har_t.SPANS]
    np.testing.assert_allclose(gk_har_t.volatilities(market)[1, 499], expected)


def test_a_combination_stored_without_a_reversal_has_none(fitted, market):
    files = catalog.files_of_global(fitted[catalog.CHAMPION])
    described = json.loads(files[PARAMETERS])
    del described["parameters"]["reversal"]
    old = catalog.load_global({**files, PARAMETERS: json.dumps(described).encode()})
    assert isinstance(old, Combination)
    assert not old.predict(market, END).location.any()


def test_the_reference_is_ewma_by_definition(market):
    returns = np.diff(market.log_closes[2])[:300]
    weights = 0.94 ** np.arange(299, -1, -1)
    expected = np.sqrt(weights @ returns**2 / weights.sum())
    made = random_walk.normal(random_walk.REFERENCE).predict(market, 300)
    np.testing.assert_allclose(made.scale[2, 0], expected * np.sqrt([1, 7, 14, 30]))


def test_the_assessments_lstm_takes_part(market):
    small = features.build(market.panel.only(["T0", "T1"]))
    model = fitting.fit(small, END, [catalog.ASSESSMENT], QUICK)[catalog.ASSESSMENT]
    made = model.predict(small, END)
    assert set(model.nets) == {"T0", "T1"}
    assert made.location.any()
    assert (made.scale > 0).all()


def test_two_processes_forecast_what_one_does(market):
    days = walk_forward.blocks(
        market, as_date(market.panel.days[500]), as_date(market.panel.days[-1])
    )
    one = walk_forward.run(market, days, [catalog.CHAMPION], QUICK)
    two = walk_forward.run(market, days, [catalog.CHAMPION], QUICK, processes=2)
    assert one["combination"].scale.tobytes() == two["combination"].scale.tobytes()


def test_a_backtest_scores_all_models_on_the_same_rows(market):
    start, end = as_date(market.panel.days[500]), as_date(market.panel.days[-1])
    made = backtest.run(market, start, end, names=["ewma_t", "pooled_linear"], recipe=QUICK)
    rows = made.table()
    assert {row.model for row in rows} == {"random_walk", "ewma_t", "pooled_linear"}
    assert len({row.forecasts for row in rows if row.horizon == 7}) == 1
    assert all(row.skill == 0 for row in rows if row.model == "random_walk")
    by_token = [each for each in made.by_token("ewma_t") if each.horizon == 1]
    assert sum(each.forecasts for each in by_token) == made.figures("ewma_t", 1).forecasts
    assert made.to_json()["calendar"]["configurationsTried"] > 100
    np.testing.assert_allclose(
        made.difference("ewma_t", "random_walk", 1).mean, made.figures("ewma_t", 1).skill, rtol=1e-6
    )


def test_a_backtest_needs_a_past(market):
    with pytest.raises(TooLittleHistory, match="365 are needed"):
        backtest.run(market, as_date(market.panel.days[300]), as_date(market.panel.days[-1]))
    with pytest.raises(TooLittleHistory, match="which there are from 2020"):
        backtest.run(market, as_date(market.panel.days[300]), as_date(market.panel.days[-1]))
    with pytest.raises(TooLittleHistory, match="is not before the end"):
        backtest.run(market, as_date(market.panel.days[500]), as_date(market.panel.days[400]))
    with pytest.raises(TooLittleHistory, match="reach from 2019-01-01 to"):
        backtest.run(market, date(2030, 1, 1), date(2031, 1, 1))


def test_a_backtest_of_a_day_is_json_and_names_who_is_not_scored(market):
    """JSON knows no NaN, and of few forecasts some figures are unknown."""
    young = market.panel.candles.copy()
    young[4, :680] = np.nan
    start = as_date(market.panel.days[700])
    made = backtest.run(
        features.build(panel.resealed(market.panel, young)),
        start,
        start + timedelta(days=1),
        names=["ewma_t"],
        recipe=QUICK,
    )
    assert made.not_scored() == ["T4"]
    described = json.loads(json.dumps(made.to_json(), allow_nan=False))
    assert described["notScored"] == ["T4"]
    assert {row["token_error80"] for row in described["table"]} == {None}

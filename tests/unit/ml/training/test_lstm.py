"""The assessment's LSTM: its shape, its export, its training."""

import numpy as np
import pytest
import torch

from ml.data import windows
from ml.data.horizons import HORIZONS
from ml.models.lstm import Lstm, Scaler
from ml.models.networks.lstm_network import LstmNetwork, to_onnx
from ml.training import lstm_loop


@pytest.fixture(scope="module")
def network() -> LstmNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return LstmNetwork().eval()


def test_it_is_the_assessments_network(network):
    layers = [(layer.input_size, layer.hidden_size) for layer in network.layers]
    assert layers == [(1, 128), (128, 64), (64, 32)]
    assert network.dropout.p == 0.2
    assert (network.output.in_features, network.output.out_features) == (32, 1)


def test_dropout_follows_every_layer(network):
    calls = []
    handle = network.dropout.register_forward_hook(lambda *_: calls.append(1))
    network(torch.zeros(1, 60, 1))
    handle.remove()
    assert len(calls) == 3


def test_onnx_says_what_torch_says(network):
    windows = np.random.default_rng(0).random((7, 60))
    served = Lstm(to_onnx(network), Scaler(0.0, 1.0)).next_step(windows)
    with torch.inference_mode():
        trained = network(torch.tensor(windows, dtype=torch.float32)[:, :, None])[:, 0]
    assert served == pytest.approx(trained.numpy(), abs=1e-6)


def test_days_ahead_are_the_net_asked_again(network):
    """The path against a loop over single steps, in prices and not in scaled windows."""
    model = Lstm(to_onnx(network), Scaler(2.0, 5.0))
    window = np.linspace(2.5, 4.5, 61)[None]
    path = list(window[0])
    for _ in range(max(HORIZONS)):
        scaled = (np.array(path[-60:]) - 2.0) / 3.0
        path.append(2.0 + 3.0 * float(model.next_step(scaled[None])[0]))
    expected = [path[60 + horizon] - path[60] for horizon in HORIZONS]
    assert model.location(window)[0] == pytest.approx(expected, abs=1e-5)


def test_the_scaler_sees_the_training_part_only(series):
    rising = windows.Series(np.arange(420.0) / 100, series.known, series.parts)
    made = lstm_loop.fit(rising, epochs=1, seed=1)
    assert made.model.scaler == Scaler(0.0, (series.parts.validation - 1) / 100)
    assert not made.model.is_familiar(rising.windows(np.array([419])))[0]


def test_training_learns_and_keeps_the_best_epoch():
    """A slow wave is easy: the loss falls, and the validation loss of the kept net is the least."""
    wave = np.exp(np.sin(np.arange(420) / 15))
    made = lstm_loop.fit(windows.series(wave, np.ones(420, dtype=bool)), epochs=6, seed=3)
    losses = [epoch.training_loss for epoch in made.epochs]
    assert losses[-1] < losses[0] / 2
    validation = [epoch.validation_loss for epoch in made.epochs]
    assert validation[made.best_epoch - 1] == min(validation)


def test_training_stops_when_validation_no_longer_falls(series, monkeypatch):
    monkeypatch.setattr(lstm_loop, "PATIENCE", 1)
    made = lstm_loop.fit(series, epochs=60, seed=7)
    assert made.best_epoch == made.epochs[-1].number - 1


def test_another_seed_is_another_net(series):
    one, other = (lstm_loop.fit(series, epochs=1, seed=seed) for seed in (1, 2))
    assert one.model.network != other.model.network


def test_training_leaves_torch_as_it_was(series):
    before = torch.get_num_threads(), torch.get_rng_state()
    lstm_loop.fit(series, epochs=1, seed=1)
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert not torch.are_deterministic_algorithms_enabled()

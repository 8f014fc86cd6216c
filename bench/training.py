"""Training the assessment's LSTM: our loop beside a plain PyTorch loop of the same net, in turns in one process."""

import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bench.measure import Measure
from ml.data.horizons import CONTEXT
from ml.data.windows import Parts, Series
from ml.models.lstm import STEPS, Scaler
from ml.models.networks.lstm_network import LstmNetwork
from ml.training import lstm_loop

_DAYS = 365
_EPOCHS = 50
_ROUNDS = 3
_SEED = 7


def run() -> list[Measure]:
    """365 days, 50 epochs, early stopping off, one thread each; the first round warms up and does not count."""
    lstm_loop.PATIENCE = _EPOCHS
    series = _series()
    rounds = [(_ours(series), _plain(series)) for _ in range(1 + _ROUNDS)][1:]
    # CPU time of one thread, and the least of the rounds: what else the machine does only adds to it.
    ours, plain = (min(times) for times in zip(*rounds, strict=True))
    return [
        Measure("training one LSTM, 365 days, 50 epochs", ours, "CPU s"),
        Measure("the same in a plain PyTorch loop", plain, "CPU s"),
        Measure("training against the plain loop", ours / plain, "times its time", target=1.0),
    ]


def _series() -> Series:
    """A random walk of which every day belongs to the training part."""
    steps = np.random.default_rng(_SEED).normal(0, 0.03, _DAYS)
    parts = Parts(CONTEXT - 1, _DAYS, _DAYS, _DAYS, _DAYS)
    return Series(np.cumsum(steps) + 10, np.ones(_DAYS, dtype=bool), parts)


def _ours(series: Series) -> float:
    began = time.process_time()
    fitted = lstm_loop.fit(series, epochs=_EPOCHS, seed=_SEED)
    assert len(fitted.epochs) == _EPOCHS
    return time.process_time() - began


def _plain(series: Series) -> float:
    torch.set_num_threads(1)
    torch.manual_seed(_SEED)
    scaler = Scaler.of(series.log_closes)
    scaled = torch.tensor(scaler.scale(series.log_closes), dtype=torch.float32)
    starts = series.origins("train", 1) - STEPS + 1
    windows = torch.stack([scaled[start : start + STEPS] for start in starts])[:, :, None]
    targets = torch.stack([scaled[start + STEPS] for start in starts])[:, None]
    began = time.process_time()
    network = LstmNetwork()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(windows, targets), batch_size=32, shuffle=True)
    for _ in range(_EPOCHS):
        for batch, target in loader:
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(network(batch), target)
            loss.backward()
            optimiser.step()
    return time.process_time() - began

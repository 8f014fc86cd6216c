"""The training loop of the global LSTM: random stretches of random tokens, a loss at every day, same bits for same seed.

Each outcome is seen once in each stretch and not once for each window that it could end: that alone is what makes one
training of all tokens and horizons faster than one epoch of a net that is shown one window after the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ml.data.features import FeatureSet, Floats
from ml.models.hyperparameters import Hyperparameters
from ml.models.networks.global_lstm_network import GlobalLstmNetwork, negative_log_likelihood
from ml.training.adamw import AdamW, one_cycle
from ml.training.determinism import reproducible


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """A trained net, the course of its loss, and what its inputs are standardised with."""

    network: GlobalLstmNetwork
    losses: tuple[float, ...]
    mean: Floats
    deviation: Floats


def fit(
    features: FeatureSet,
    end: int,
    *,
    seeds: Sequence[int],
    parameters: Hyperparameters = Hyperparameters(),  # noqa: B008 - frozen
) -> list[FittedNetwork]:
    """Train a net with each seed on what was known when day `end` began; none knows of the others."""
    known = features.known_at(end)
    rows = features.inputs[known.any(axis=2)]
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    data = _tensors(features, known, end, mean, deviation)
    return [FittedNetwork(*_fit_one(data, seed, parameters), mean, deviation) for seed in seeds]


def _fit_one(
    data: tuple[Tensor, Tensor, Tensor], seed: int, parameters: Hyperparameters
) -> tuple[GlobalLstmNetwork, tuple[float, ...]]:
    with reproducible(seed):
        network = GlobalLstmNetwork(parameters)
        return network, tuple(_train(network, data, seed, parameters))


def _tensors(
    features: FeatureSet, known: np.ndarray, end: int, mean: Floats, deviation: Floats
) -> tuple[Tensor, Tensor, Tensor]:
    inputs = (features.inputs[:, :end] - mean) / deviation
    inputs[~features.usable[:, :end]] = 0.0
    known = known[:, :end]
    outcomes = np.where(known, features.outcomes()[:, :end], 0.0)
    outcomes = np.where(known, outcomes / features.unit[:, :end], 0.0)
    return (
        torch.tensor(inputs, dtype=torch.float32),
        torch.tensor(outcomes, dtype=torch.float32),
        torch.tensor(known, dtype=torch.float32),
    )


def _train(
    network: GlobalLstmNetwork,
    data: tuple[Tensor, Tensor, Tensor],
    seed: int,
    parameters: Hyperparameters,
) -> list[float]:
    optimiser = AdamW(network.parameters(), parameters.weight_decay)
    cycle = one_cycle(parameters.steps, parameters.learning_rate)
    losses = []
    network.train()
    batches = _batches(data, seed, parameters)
    for (inputs, outcomes, counted), (rate, momentum) in zip(batches, cycle, strict=True):
        shifts = network(inputs, parameters.warm_up)
        loss = negative_log_likelihood(shifts, network.degrees(), outcomes, counted)
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step(rate, momentum)
        losses.append(float(loss.detach()))
    network.eval()
    return losses


def _batches(
    data: tuple[Tensor, Tensor, Tensor], seed: int, parameters: Hyperparameters
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each step random stretches of random tokens: inputs; of the days past the warm-up outcomes, and which are known."""
    inputs, outcomes, known = data
    places = _places(known, parameters)
    shuffle = torch.Generator().manual_seed(seed)
    offsets = torch.arange(min(parameters.window, inputs.shape[1]))
    for _ in range(parameters.steps):
        chosen = places[torch.randint(len(places), (parameters.batch,), generator=shuffle)]
        token, days = chosen[:, :1], chosen[:, 1:] + offsets
        judged = days[:, parameters.warm_up :]
        yield inputs[token, days], outcomes[token, judged], known[token, judged]


def _places(known: Tensor, parameters: Hyperparameters) -> Tensor:
    """Token and first day of every stretch that holds an outcome past its warm-up, shape [stretches, 2]."""
    days = known.shape[1]
    window = min(parameters.window, days)
    seen = torch.cumsum(known.any(dim=2).long(), dim=1)
    seen = torch.cat((torch.zeros_like(seen[:, :1]), seen), dim=1)
    starts = days - window + 1
    counted = seen[:, window:] - seen[:, parameters.warm_up : parameters.warm_up + starts]
    return torch.nonzero(counted > 0)

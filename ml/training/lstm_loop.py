"""The training loop of the LSTM: Adam, mean squared error, early stopping, the same bits for the same seed.

The tensors are made once and stay in memory, a batch is one gather, and one thread does the work: the net's matrices
are too small to share, and two threads that wait for each other are slower than one when another process runs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml.data.windows import Series
from ml.models.lstm import STEPS, Lstm, Scaler
from ml.models.networks.lstm_network import DROPOUT, LAYERS, LstmNetwork, to_onnx
from ml.training.adamw import AdamW
from ml.training.determinism import reproducible

LEARNING_RATE = 1e-3
BATCH = 32
PATIENCE = 10
"""Epochs without a better validation error after which the training ends."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Mean squared errors of scaled log prices; `validation_loss` is None where that part has no origin."""

    number: int
    training_loss: float
    validation_loss: float | None


@dataclass(frozen=True, slots=True)
class FittedLstm:
    """The net of the best epoch, and the course of the training."""

    model: Lstm
    epochs: tuple[Epoch, ...]
    best_epoch: int


def settings_of(epochs: int, seed: int) -> dict[str, str | int | float]:
    """What the training was done with, for the record."""
    return {
        "layers": "/".join(map(str, LAYERS)),
        "dropout": DROPOUT,
        "steps": STEPS,
        "optimiser": "adam",
        "learning_rate": LEARNING_RATE,
        "loss": "mse",
        "batch": BATCH,
        "epochs": epochs,
        "patience": PATIENCE,
        "seed": seed,
        "threads": 1,
        "torch": torch.__version__,
    }


def fit(series: Series, *, epochs: int, seed: int) -> FittedLstm:
    """Train on the training part, stop on the validation part; the net of the best epoch is kept."""
    first, end = 0, series.parts.validation
    scaler = Scaler.of(series.log_closes[first:end][series.known[first:end]])
    with reproducible(seed):
        network = LstmNetwork()
        training = _tensors(series, scaler, "train")
        validation = _tensors(series, scaler, "validation")
        course, best = _train(network, training, validation, epochs, seed)
        return FittedLstm(Lstm(to_onnx(network), scaler), tuple(course), best)


def _train(
    network: LstmNetwork,
    training: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    epochs: int,
    seed: int,
) -> tuple[list[Epoch], int]:
    optimiser = AdamW(network.parameters())
    shuffle = torch.Generator().manual_seed(seed)
    course: list[Epoch] = []
    best, best_loss, best_weights = 0, float("inf"), _weights(network)
    for number in range(1, epochs + 1):
        training_loss = _epoch(network, optimiser, *training, shuffle)
        validation_loss = _loss(network, *validation)
        course.append(Epoch(number, training_loss, validation_loss))
        watched = training_loss if validation_loss is None else validation_loss
        if watched < best_loss:
            best, best_loss, best_weights = number, watched, _weights(network)
        elif number - best >= PATIENCE:
            break
    network.load_state_dict(best_weights)
    network.eval()
    return course, best


def _epoch(
    network: LstmNetwork,
    optimiser: AdamW,
    windows: Tensor,
    targets: Tensor,
    shuffle: torch.Generator,
) -> float:
    """One pass over all windows in random order; the mean loss, dropout included."""
    network.train()
    total = torch.zeros(())
    for batch in torch.split(torch.randperm(len(windows), generator=shuffle), BATCH):
        loss = nn.functional.mse_loss(network(windows[batch]), targets[batch])
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
        optimiser.step(LEARNING_RATE)
        total += loss.detach() * len(batch)
    return float(total / len(windows))


def _loss(network: LstmNetwork, windows: Tensor, targets: Tensor) -> float | None:
    if not len(windows):
        return None
    network.eval()
    with torch.inference_mode():
        return float(nn.functional.mse_loss(network(windows), targets))


def _tensors(series: Series, scaler: Scaler, part: str) -> tuple[Tensor, Tensor]:
    """Windows [origins, 60, 1] and the next scaled log price [origins, 1] of a part."""
    origins = series.origins(part, 1)
    windows = scaler.scale(series.windows(origins)[:, -STEPS:])
    targets = scaler.scale(series.log_closes[origins + 1])
    return (
        torch.tensor(windows, dtype=torch.float32)[:, :, None],
        torch.tensor(targets, dtype=torch.float32)[:, None],
    )


def _weights(network: LstmNetwork) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}

"""The hyperparameters of the global LSTM. They stand apart from the network, as choosing them needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How large the network is and how it is trained."""

    hidden: int = 8
    dropout: float = 0.5
    window: int = 168
    warm_up: int = 40
    batch: int = 16
    steps: int = 150
    learning_rate: float = 1e-3
    weight_decay: float = 0.1

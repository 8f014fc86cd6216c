"""How large the global LSTM is and how it is trained; apart from the net, as whoever asks for one needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the net is and how it is trained."""

    hidden: int = 8
    dropout: float = 0.5
    window: int = 192
    warm_up: int = 64
    batch: int = 32
    steps: int = 150
    learning_rate: float = 1e-3
    weight_decay: float = 0.1

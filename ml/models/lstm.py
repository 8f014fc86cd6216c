"""The assessment's LSTM as it is served: ONNX Runtime, no torch. `ml.models.networks.lstm_network` is the net that is trained.

Its one output is one step: the scaled log price of the next day. A forecast of several days appends that output to
the window and asks again, once for each day.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from onnxruntime import InferenceSession

from ml.data.horizons import CONTEXT, HORIZONS
from ml.data.windows import Floats, Mask
from ml.models import onnx_session

STEPS = CONTEXT - 1
NETWORK = "network.onnx"


@dataclass(frozen=True, slots=True)
class Scaler:
    """Maps log prices to [0, 1] by the range of the training part, and nothing else."""

    low: float
    high: float

    @classmethod
    def of(cls, log_closes: Floats) -> "Scaler":
        """The scaler of a training part."""
        return cls(float(log_closes.min()), float(log_closes.max()))

    @property
    def span(self) -> float:
        """The range; one where the price stood still, which maps it to zero."""
        return self.high - self.low or 1.0

    def scale(self, log_closes: Floats) -> Floats:
        """Log prices as the net sees them."""
        return (log_closes - self.low) / self.span

    def covers(self, log_closes: Floats) -> Mask:
        """Whether each was within the range."""
        return (log_closes >= self.low) & (log_closes <= self.high)


@dataclass(frozen=True, eq=False)
class Lstm:
    """The net as ONNX bytes, and the scaler that it was trained with."""

    network: bytes
    scaler: Scaler
    algorithm: ClassVar[str] = "lstm"

    @cached_property
    def _session(self) -> InferenceSession:
        return onnx_session.on_one_thread(self.network)

    def next_step(self, scaled: Floats) -> Floats:
        """The net's output for windows of 60 scaled log prices, shape [windows]."""
        inputs = {"window": scaled[:, :, None].astype(np.float32)}
        (output,) = self._session.run(["next"], inputs)
        return np.asarray(output, dtype=np.float64)[:, 0]

    def location(self, windows: Floats) -> Floats:
        """The net's price of each horizon against the window's last, as a log return."""
        if not len(windows):
            return np.zeros((0, len(HORIZONS)))
        scaled = self.scaler.scale(windows)
        path = scaled[:, -STEPS:]
        for _ in range(max(HORIZONS)):
            ahead = self.next_step(path[:, -STEPS:])
            path = np.concatenate((path, ahead[:, None]), axis=1)
        reached = path[:, STEPS - 1 + np.array(HORIZONS)]
        return (reached - scaled[:, -1:]) * self.scaler.span

    def scale(self, windows: Floats) -> Floats:
        """One."""
        return np.ones((len(windows), len(HORIZONS)))

    def is_familiar(self, windows: Floats) -> Mask:
        """Whether the last price lies within the range that the net was trained on: beyond it, it saturates."""
        return self.scaler.covers(windows[:, -1])

    def parameters(self) -> Mapping[str, Any]:
        """The scaler."""
        return {"low": self.scaler.low, "high": self.scaler.high}

    def binaries(self) -> dict[str, bytes]:
        """The net."""
        return {NETWORK: self.network}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> Lstm:
    """The model; the net is parsed at the first forecast.

    Raises:
        ValueError: the net is missing.
    """
    if NETWORK not in binaries:
        raise ValueError(f"{NETWORK} is missing: {json.dumps(sorted(binaries))}")
    return Lstm(binaries[NETWORK], Scaler(float(parameters["low"]), float(parameters["high"])))

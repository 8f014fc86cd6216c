"""The global LSTM as it is served: one ONNX graph for all seeds, no torch.

`ml.models.networks.global_lstm_network` is the net that is trained; `ml.models.networks.global_lstm_export` writes the graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from onnxruntime import InferenceSession

from ml.data.features import NAMES, FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.models import onnx_session
from ml.models.student import Student

NETWORK = "network.onnx"
FIRST = "first"
"""Input of the graph that may be left out: the first day that it answers for, zero if nothing is said."""
MEMORY = 16
"""Days before the first forecast that the net is run over: what lies further back moves the log scale by 6e-4 at most and usually
by 2e-5, where the seeds of one training differ by 2e-2."""
_MEMORY_UNSTATED = 64
"""Of versions older than the parameter `memory`: they give the same bits as when they were made."""


@dataclass(frozen=True, eq=False)
class GlobalLstm:
    """The graph, what its inputs are standardised with, and degrees of freedom by horizon."""

    network: bytes
    mean: Floats
    deviation: Floats
    degrees: Floats
    seeds: int
    memory: int = MEMORY
    name: ClassVar[str] = "global_lstm"

    @cached_property
    def _session(self) -> InferenceSession:
        return onnx_session.on_one_thread(self.network)

    @cached_property
    def _answers_for_all(self) -> bool:
        """Of versions whose graph is older than `FIRST`."""
        return not self._session.get_overridable_initializers()

    def shifts(self, features: FeatureSet, first: int) -> Floats:
        """Log scale against EWMA volatility's, shape [tokens, days, HORIZONS]."""
        start = max(first - self.memory, 0)
        inputs = (features.inputs[:, start:] - self.mean) / self.deviation
        inputs[~features.usable[:, start:]] = 0.0
        return self.forward(inputs.astype(np.float32), first - start)

    def forward(
        self, inputs: np.ndarray[tuple[int, ...], np.dtype[np.float32]], first: int = 0
    ) -> Floats:
        """The graph on standardised inputs [tokens, days, NAMES]: shifts [tokens, days - first, HORIZONS]."""
        if self._answers_for_all:
            (output,) = self._session.run(["shifts"], {"inputs": inputs})
            return np.asarray(output[:, first:], dtype=np.float64)
        (output,) = self._session.run(["shifts"], {"inputs": inputs, FIRST: np.array([first])})
        return np.asarray(output, dtype=np.float64)

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        return Student.shifted(features.unit[:, first:], self.shifts(features, first), self.degrees)

    def parameters(self) -> Mapping[str, Any]:
        """All but the graph."""
        return {
            "inputs": list(NAMES),
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "degrees": self.degrees.tolist(),
            "seeds": self.seeds,
            "memory": self.memory,
        }

    def binaries(self) -> dict[str, bytes]:
        """The graph."""
        return {NETWORK: self.network}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> GlobalLstm:
    """The model; the graph is parsed at the first forecast.

    Raises:
        ValueError: the graph is missing, or it was made for other inputs than this code's.
    """
    if NETWORK not in binaries:
        raise ValueError(f"{NETWORK} is missing")
    mean, deviation, degrees = (
        np.array(parameters[key], dtype=np.float64) for key in ("mean", "deviation", "degrees")
    )
    if tuple(parameters["inputs"]) != NAMES or len(degrees) != len(HORIZONS):
        raise ValueError("it was made for other inputs or horizons")
    seeds, memory = int(parameters["seeds"]), int(parameters.get("memory", _MEMORY_UNSTATED))
    return GlobalLstm(binaries[NETWORK], mean, deviation, degrees, seeds, memory)

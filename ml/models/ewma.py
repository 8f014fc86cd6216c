"""A random walk that is as wide as the last weeks were: EWMA(0.94) volatility times the root of the horizon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ml.data import volatility
from ml.data.horizons import HORIZONS
from ml.data.windows import Floats, Mask

_ROOTS = np.sqrt(np.array(HORIZONS, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Ewma:
    """The price stays where it is; errors are as wide as the market is restless."""

    algorithm: ClassVar[str] = "ewma"

    def location(self, windows: Floats) -> Floats:
        """Zero."""
        return np.zeros((len(windows), len(HORIZONS)))

    def scale(self, windows: Floats) -> Floats:
        """Volatility of the horizon: daily volatility times its root."""
        return volatility.ewma(windows)[:, None] * _ROOTS

    def is_familiar(self, windows: Floats) -> Mask:
        """Always: it has no parameters that were learned."""
        return np.ones(len(windows), dtype=bool)

    def parameters(self) -> Mapping[str, Any]:
        """The decay, for the record; it is a constant."""
        return {"decay": volatility.DECAY}

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> Ewma:  # noqa: ARG001 - one signature
    """The model.

    Raises:
        ValueError: it was made with another decay, whose residuals are of another unit.
    """
    if parameters["decay"] != volatility.DECAY:
        raise ValueError(f"decay {parameters['decay']} is not {volatility.DECAY}")
    return Ewma()

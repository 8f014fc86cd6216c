"""Tomorrow equals today: the forecast that every other one is measured against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ml.data.horizons import HORIZONS
from ml.data.windows import Floats, Mask


@dataclass(frozen=True, slots=True)
class Naive:
    """The price stays where it is; errors are as wide at all times."""

    algorithm: ClassVar[str] = "naive"

    def location(self, windows: Floats) -> Floats:
        """Zero."""
        return np.zeros((len(windows), len(HORIZONS)))

    def scale(self, windows: Floats) -> Floats:
        """One."""
        return np.ones((len(windows), len(HORIZONS)))

    def is_familiar(self, windows: Floats) -> Mask:
        """Always: it learned nothing that could be foreign."""
        return np.ones(len(windows), dtype=bool)

    def parameters(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> Naive:  # noqa: ARG001 - one signature
    """The model."""
    return Naive()

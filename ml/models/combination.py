"""The mean of other models, of their log scales and degrees of freedom, around what the market's last day says.

Models that err for different reasons err less together; see docs/guides/forecasting.md for what each adds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ml.data.features import FeatureSet
from ml.models.interface import GlobalModel
from ml.models.reversal import Reversal
from ml.models.student import Student


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """Its parts, in a fixed order: sums of floats depend on it. Versions older than `reversal` have none."""

    parts: tuple[GlobalModel, ...]
    reversal: Reversal = field(default_factory=Reversal)
    name: ClassVar[str] = "combination"

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        combined = mean([part.predict(features, first) for part in self.parts])
        return replace(combined, location=self.reversal.location(features, first))

    def parameters(self) -> Mapping[str, Any]:
        """Those of its parts by name, and its own."""
        parts = {part.name: dict(part.parameters()) for part in self.parts}
        return {"parts": parts, "reversal": asdict(self.reversal)}

    def binaries(self) -> dict[str, bytes]:
        """Those of its parts, whose names differ."""
        return {name: content for part in self.parts for name, content in part.binaries().items()}


def mean(forecasts: Sequence[Student]) -> Student:
    """The combined distributions."""
    scale = np.exp(np.mean([np.log(each.scale) for each in forecasts], axis=0))
    return Student.centred(scale, np.mean([each.degrees for each in forecasts], axis=0))


def as_text(model: GlobalModel) -> bytes:
    """A model's parameters as JSON. A float is written so that it reads back bit for bit."""
    described = {"model": model.name, "parameters": dict(model.parameters())}
    return json.dumps(described, indent=1, allow_nan=False).encode()

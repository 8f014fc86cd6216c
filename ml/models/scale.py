"""What a global model is to everyone who uses one: distributions of all tokens and horizons at once.

Every one of them has the last price as its centre. Nobody has shown more than a trace of a daily drift that could be
known beforehand, a learned one costs skill at longer horizons, and what can be known is how far the price may move.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ml.features import FeatureSet
from ml.student import Student


class ScaleModel(Protocol):
    """A fitted model of all tokens."""

    @property
    def name(self) -> str:
        """Its name in `ml.models.scale_catalog`."""
        ...

    def predict(self, features: FeatureSet, first: int) -> Student:
        """Log returns after each day from index `first` on, shape [tokens, days - first, HORIZONS].

        A day's distribution depends on that day and earlier ones only; where the day is not usable it means nothing.
        """
        ...

    def parameters(self) -> Mapping[str, Any]:
        """What it was fitted to, as JSON holds it."""
        ...

    def binaries(self) -> dict[str, bytes]:
        """Files beside its parameters; nothing that runs code when it is read."""
        ...

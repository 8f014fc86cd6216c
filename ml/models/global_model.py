"""What a global model is to everyone who uses one: distributions of all tokens and horizons at once.

All but the combination at one day have the last price as their centre: there is a trace of direction in the market's
last day (`ml.models.reversal`), a learned drift costs skill beyond, and what can be known is how far the price may move.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ml.data.features import FeatureSet
from ml.models.student import Student


class GlobalModel(Protocol):
    """A fitted model of all tokens."""

    @property
    def name(self) -> str:
        """Its name in `ml.models.global_catalog`."""
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

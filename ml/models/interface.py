"""What a model is to everyone who uses one: a distribution for each horizon.

A `Forecaster` knows the closes of one token, a `GlobalModel` the candles of all.

`CentredModel` is the narrower shape of the
models whose distribution is made from their own errors; `ml.models.residual` turns one into a forecaster.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ml.data.features import FeatureSet
from ml.data.windows import Floats, Mask
from ml.models.student import Student


class Forecaster(Protocol):
    """A model that is ready to serve."""

    @property
    def algorithm(self) -> str:
        """Its name in `ml.models.catalog`."""
        ...

    def quantiles(self, windows: Floats) -> Floats:
        """Quantiles of the log return after each window, shape [windows, HORIZONS, LEVELS], ascending by level.

        Args:
            windows: log closes up to the origin, shape [windows, CONTEXT].
        """
        ...

    def is_familiar(self, windows: Floats) -> Mask:
        """Whether each window is of the kind that the model was trained on, shape [windows]."""
        ...

    def files(self) -> dict[str, bytes]:
        """All that is needed to load it again, by file name. Nothing that runs code when it is read."""
        ...


class CentredModel(Protocol):
    """A model that says where the price will be, and in which unit its errors are measured."""

    @property
    def algorithm(self) -> str:
        """Its name in `ml.models.catalog`."""
        ...

    def location(self, windows: Floats) -> Floats:
        """The log return that it expects, shape [windows, HORIZONS]."""
        ...

    def scale(self, windows: Floats) -> Floats:
        """The unit of its errors, positive, shape [windows, HORIZONS]; ones where errors are alike at all times."""
        ...

    def is_familiar(self, windows: Floats) -> Mask:
        """Whether it was trained on windows of this kind, shape [windows]."""
        ...

    def parameters(self) -> Mapping[str, Any]:
        """What it was fitted to, as JSON holds it."""
        ...

    def binaries(self) -> dict[str, bytes]:
        """Files beside its parameters."""
        ...


class GlobalModel(Protocol):
    """A fitted model of all tokens: distributions of all tokens and horizons at once.

    All but the combination at one day have the last price as their centre: there is a trace of direction in the market's
    last day (`ml.models.reversal`), a learned drift costs skill beyond, and what can be known is how far the price may
    move.
    """

    @property
    def name(self) -> str:
        """Its name in `ml.models.catalog`."""
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

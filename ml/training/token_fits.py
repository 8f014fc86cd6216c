"""How each per-token algorithm is fitted on the training part of a history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ml.data.windows import Series
from ml.models import linear
from ml.models.ewma import Ewma
from ml.models.interface import CentredModel
from ml.models.naive import Naive

SEED = 7
"""Of every training: who trains on the same data gets the same model."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model after its fit, with its parameters and the metrics of each step for the record.

    `best_epoch` is the step whose weights were kept; None of a model that is fitted at once.
    """

    model: CentredModel
    parameters: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[Mapping[str, float], ...] = ()
    best_epoch: int | None = None


def fit(algorithm: str, series: Series, *, epochs: int, seed: int) -> Fitted:
    """Fit one algorithm on the training part.

    Args:
        algorithm: its name in `ml.models.catalog`.
        series: the history.
        epochs: at most, of a network.
        seed: of a network.
    """
    if algorithm == "lstm":
        return _fit_lstm(series, epochs, seed)
    return _AT_ONCE[algorithm](series)


def _fit_ewma(_: Series) -> Fitted:
    model = Ewma()
    return Fitted(model, model.parameters())


def _fit_linear(series: Series) -> Fitted:
    model = linear.fit(series)
    return Fitted(model, {"penalties": model.penalties})


def _fit_lstm(series: Series, epochs: int, seed: int) -> Fitted:
    from ml.training import lstm_loop  # noqa: PLC0415 - torch takes seconds to import

    fitted = lstm_loop.fit(series, epochs=epochs, seed=seed)
    steps = tuple(
        {"training_loss": epoch.training_loss}
        | ({} if epoch.validation_loss is None else {"validation_loss": epoch.validation_loss})
        for epoch in fitted.epochs
    )
    parameters = {**lstm_loop.settings_of(epochs, seed), "best_epoch": fitted.best_epoch}
    return Fitted(fitted.model, parameters, steps, fitted.best_epoch)


_AT_ONCE: Mapping[str, Callable[[Series], Fitted]] = {
    "naive": lambda _: Fitted(Naive()),
    "ewma": _fit_ewma,
    "linear": _fit_linear,
}

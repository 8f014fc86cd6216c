"""Fits the global models by name on what was known on a day, the networks among them with every seed of the recipe.

Importing this module is cheap: torch is imported by the fits that need it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from ml.data.features import FeatureSet
from ml.models import garch, gk_har_t, pooled_linear, random_walk, reversal
from ml.models.catalog import ASSESSMENT, CHAMPION, GLOBAL_MODELS, PARTS
from ml.models.combination import Combination
from ml.models.global_lstm import GlobalLstm
from ml.models.hyperparameters import Hyperparameters
from ml.models.interface import GlobalModel

if TYPE_CHECKING:
    from ml.training.global_lstm_loop import FittedNetwork

SEEDS = (0, 1, 2, 3, 4)

_CLOSED_FORM: Mapping[str, "Fitter"] = {
    random_walk.REFERENCE: lambda _, __: random_walk.normal(random_walk.REFERENCE),
    random_walk.SLOW: lambda _, __: random_walk.normal(random_walk.SLOW),
    random_walk.BASELINE: random_walk.fit_t,
    garch.Garch.name: garch.fit,
    gk_har_t.GkHarT.name: gk_har_t.fit,
    pooled_linear.PooledLinear.name: pooled_linear.fit,
}
"""Fits without a network."""


Fitter = Callable[[FeatureSet, int], GlobalModel]
"""Fits a model on what was known when a day began."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How models are fitted: which seeds, how large the net is, and what is none of the catalogue's."""

    seeds: tuple[int, ...] = SEEDS
    parameters: Hyperparameters = field(default_factory=Hyperparameters)
    epochs: int = 50
    """Of the assessment's LSTM."""
    own: Mapping[str, Fitter] = field(default_factory=dict)
    """Models of whoever asks, by name: judged on the same rows as those of the catalogue. Several processes need them in a
    module."""


def fit(
    features: FeatureSet, end: int, names: Iterable[str], recipe: Recipe
) -> dict[str, GlobalModel]:
    """The models of these names, fitted on what was known when day `end` began; a part is fitted once.

    Raises:
        ValueError: a name is unknown.
    """
    # Threads of one small product wait for each other longer than they compute, and their number would change the last bits.
    with threadpool_limits(1, user_api="blas"):
        return _fit(features, end, names, recipe)


def _fit(
    features: FeatureSet, end: int, names: Iterable[str], recipe: Recipe
) -> dict[str, GlobalModel]:
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in {*GLOBAL_MODELS, *recipe.own}]
    if unknown:
        known = ", ".join((*GLOBAL_MODELS, *recipe.own))
        raise ValueError(f"no model is called {', '.join(unknown)}; there are {known}")
    needed = {*wanted, *(PARTS if CHAMPION in wanted else ())}
    fitted = {
        name: fitter(features, end)
        for name, fitter in {**recipe.own, **_CLOSED_FORM}.items()
        if name in needed
    }
    if GlobalLstm.name in needed:
        fitted[GlobalLstm.name] = fit_global_lstm(features, end, recipe)
    if CHAMPION in wanted:
        parts = tuple(fitted[name] for name in PARTS)
        fitted[CHAMPION] = Combination(parts, reversal.fit(features, end))
    if ASSESSMENT in wanted:
        from ml.training import assessment  # noqa: PLC0415 - torch takes seconds to import

        fitted[ASSESSMENT] = assessment.fit(features, end, epochs=recipe.epochs)
    return {name: fitted[name] for name in wanted}


def fit_global_lstm(features: FeatureSet, end: int, recipe: Recipe) -> GlobalLstm:
    """All seeds of the global LSTM, as one graph."""
    from ml.training import global_lstm_loop  # noqa: PLC0415 - torch takes seconds to import

    return as_graph(
        global_lstm_loop.fit(features, end, seeds=recipe.seeds, parameters=recipe.parameters)
    )


def as_graph(fitted: Sequence["FittedNetwork"]) -> GlobalLstm:
    """Trained nets of the same training set as one graph."""
    from ml.models.networks import global_lstm_export  # noqa: PLC0415 - onnx is slow to import

    degrees = [one.network.degrees().detach().numpy().astype(np.float64) for one in fitted]
    return GlobalLstm(
        global_lstm_export.to_onnx([one.network for one in fitted]),
        fitted[0].mean,
        fitted[0].deviation,
        np.mean(degrees, axis=0),
        len(fitted),
    )

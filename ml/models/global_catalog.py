"""All global models by name: how each is fitted and loaded. A new one is one file and one line in each table."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.data.features import FeatureSet
from ml.models import combination, garch, global_lstm, pooled_linear, random_walk, reversal
from ml.models.combination import Combination
from ml.models.global_lstm import GlobalLstm
from ml.models.global_model import GlobalModel
from ml.models.reversal import Reversal
from ml.models.shape import Shape

if TYPE_CHECKING:
    from ml.training.global_lstm_loop import FittedNetwork

REFERENCE = random_walk.REFERENCE
BASELINE = random_walk.BASELINE
CHAMPION = Combination.name
PARAMETERS = "parameters.json"

PARTS = (pooled_linear.PooledLinear.name, GlobalLstm.name)
"""Of the combination. GJR-GARCH was tried as a third and cost skill at every horizon."""

ASSESSMENT = "assessment_lstm"
"""Fitted only where it is asked for: its nets, one for each token, take a hundred times as long as all others."""

SEEDS = (0, 1, 2, 3, 4)

_SIMPLE: Mapping[str, Callable[[FeatureSet, int], GlobalModel]] = {
    random_walk.REFERENCE: lambda _, __: random_walk.normal(random_walk.REFERENCE),
    random_walk.SLOW: lambda _, __: random_walk.normal(random_walk.SLOW),
    random_walk.BASELINE: random_walk.fit_t,
    garch.Garch.name: garch.fit,
    pooled_linear.PooledLinear.name: pooled_linear.fit,
}
_LOADERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, bytes]], GlobalModel]] = {
    **{
        name: random_walk.loader(name)
        for name in (random_walk.REFERENCE, random_walk.SLOW, random_walk.BASELINE)
    },
    garch.Garch.name: garch.load,
    pooled_linear.PooledLinear.name: pooled_linear.load,
    GlobalLstm.name: global_lstm.load,
}
DEFAULT = (*_SIMPLE, GlobalLstm.name, CHAMPION)
NAMES = (*DEFAULT, ASSESSMENT)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How models with a random start are fitted: which seeds, and how large the net is."""

    seeds: tuple[int, ...] = SEEDS
    shape: Shape = field(default_factory=Shape)
    epochs: int = 50
    """Of the assessment's LSTM."""


def fit(
    features: FeatureSet, end: int, names: Iterable[str], recipe: Recipe
) -> dict[str, GlobalModel]:
    """The models of these names, fitted on what was known when day `end` began; a part is fitted once.

    Raises:
        ValueError: a name is unknown.
    """
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        raise ValueError(f"no model is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    needed = {*wanted, *(PARTS if CHAMPION in wanted else ())}
    made = {name: fitter(features, end) for name, fitter in _SIMPLE.items() if name in needed}
    if GlobalLstm.name in needed:
        made[GlobalLstm.name] = fit_global_lstm(features, end, recipe)
    if CHAMPION in wanted:
        parts = tuple(made[name] for name in PARTS)
        made[CHAMPION] = Combination(parts, reversal.fit(features, end))
    if ASSESSMENT in wanted:
        from ml.models import assessment  # noqa: PLC0415 - torch takes seconds to import

        made[ASSESSMENT] = assessment.fit(features, end, epochs=recipe.epochs)
    return {name: made[name] for name in wanted}


def fit_global_lstm(features: FeatureSet, end: int, recipe: Recipe) -> GlobalLstm:
    """All seeds of the global LSTM, as one graph."""
    from ml.training import global_lstm_loop  # noqa: PLC0415 - torch takes seconds to import

    return as_graph(
        [
            global_lstm_loop.fit(features, end, seed=seed, shape=recipe.shape)
            for seed in recipe.seeds
        ]
    )


def as_graph(fitted: Sequence["FittedNetwork"]) -> GlobalLstm:
    """Trained nets of the same training set as one graph."""
    from ml.models.networks import global_lstm_export  # noqa: PLC0415 - onnx is slow to import

    degrees = [made.network.degrees().detach().numpy().astype(np.float64) for made in fitted]
    return GlobalLstm(
        global_lstm_export.to_onnx([made.network for made in fitted]),
        fitted[0].mean,
        fitted[0].deviation,
        np.mean(degrees, axis=0),
        len(fitted),
    )


def files(model: GlobalModel) -> dict[str, bytes]:
    """All that is needed to load it again, by file name."""
    return {PARAMETERS: combination.as_text(model), **model.binaries()}


def load(held: Mapping[str, bytes]) -> GlobalModel:
    """The model of these files, which the caller has verified.

    Raises:
        ValueError: they are not what this version of the code writes.
        KeyError: a parameter or file is missing.
    """
    described = json.loads(held[PARAMETERS])
    name, parameters = described["model"], described["parameters"]
    if name != CHAMPION:
        return _LOADERS[name](parameters, held)
    parts = [_LOADERS[part](each, held) for part, each in parameters["parts"].items()]
    return Combination(tuple(parts), Reversal(**parameters.get("reversal", {})))

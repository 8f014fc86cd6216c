"""All models by name, and how each is loaded from its files. A new model is one file, one line here and its fit."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ml.models import (
    combination,
    ewma,
    garch,
    gk_har_t,
    global_lstm,
    linear,
    lstm,
    naive,
    pooled_linear,
    random_walk,
)
from ml.models.combination import Combination
from ml.models.global_lstm import GlobalLstm
from ml.models.interface import CentredModel, Forecaster, GlobalModel
from ml.models.residual import PARAMETERS, restore
from ml.models.reversal import Reversal

NAIVE = "naive"
"""The per-token algorithm that every other one is measured against."""

_TOKEN_LOADERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, bytes]], CentredModel]] = {
    NAIVE: naive.load,
    "ewma": ewma.load,
    "linear": linear.load,
    "lstm": lstm.load,
}
ALGORITHMS = tuple(_TOKEN_LOADERS)
"""Of the per-token models, simplest first: of two that are equally good, the first becomes champion."""

FILES = {algorithm: frozenset({PARAMETERS}) for algorithm in ALGORITHMS} | {
    "lstm": frozenset({PARAMETERS, lstm.NETWORK})
}
"""The files of each; no other is ever read."""

REFERENCE = random_walk.REFERENCE
"""The global model that skill is measured against."""
BASELINE = random_walk.BASELINE
"""The global model that serves where no champion does."""
CHAMPION = Combination.name
"""The global model that is trained to serve."""

PARTS = (pooled_linear.PooledLinear.name, GlobalLstm.name)
"""Of the combination. GJR-GARCH was tried as a third and cost skill at every horizon."""

_NETS = frozenset({CHAMPION, GlobalLstm.name})

ASSESSMENT = "assessment_lstm"
"""Fitted only where it is asked for: its nets, one for each token, take a hundred times as long as all others."""

_GLOBAL_LOADERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, bytes]], GlobalModel]] = {
    **{
        name: random_walk.loader(name)
        for name in (random_walk.REFERENCE, random_walk.SLOW, random_walk.BASELINE)
    },
    garch.Garch.name: garch.load,
    gk_har_t.GkHarT.name: gk_har_t.load,
    pooled_linear.PooledLinear.name: pooled_linear.load,
    GlobalLstm.name: global_lstm.load,
}
GLOBAL_DEFAULT = (*_GLOBAL_LOADERS, CHAMPION)
"""The global models that a backtest compares."""
GLOBAL_MODELS = (*GLOBAL_DEFAULT, ASSESSMENT)


def has_net(name: str) -> bool:
    """Whether a global model is a net, or has one as a part."""
    return name in _NETS


def load(algorithm: str, files: Mapping[str, bytes]) -> Forecaster:
    """The per-token forecaster of these files, which the caller has verified.

    Raises:
        ValueError: they are not what this version of the code writes.
        KeyError: a parameter is missing.
    """
    parameters = json.loads(files[PARAMETERS])
    if parameters["algorithm"] != algorithm:
        raise ValueError(f"its parameters are those of {parameters['algorithm']!r}")
    return restore(_TOKEN_LOADERS[algorithm](parameters["model"], files), parameters)


def files_of_global(model: GlobalModel) -> dict[str, bytes]:
    """All that is needed to load a global model again, by file name."""
    return {PARAMETERS: combination.as_text(model), **model.binaries()}


def load_global(files: Mapping[str, bytes]) -> GlobalModel:
    """The global model of these files, which the caller has verified.

    Raises:
        ValueError: they are not what this version of the code writes.
        KeyError: a parameter or file is missing.
    """
    described = json.loads(files[PARAMETERS])
    name, parameters = described["model"], described["parameters"]
    if name != CHAMPION:
        return _GLOBAL_LOADERS[name](parameters, files)
    parts = [_GLOBAL_LOADERS[part](each, files) for part, each in parameters["parts"].items()]
    return Combination(tuple(parts), Reversal(**parameters.get("reversal", {})))

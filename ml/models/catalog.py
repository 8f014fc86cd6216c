"""All models by name, and how each is loaded from its files. A new model is one file and one line here."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ml.models import ewma, linear, lstm, naive
from ml.models.interface import CentredModel, Forecaster
from ml.models.residual import PARAMETERS, restore

NAIVE = "naive"
"""The algorithm that every other one is measured against."""

_LOADERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, bytes]], CentredModel]] = {
    NAIVE: naive.load,
    "ewma": ewma.load,
    "linear": linear.load,
    "lstm": lstm.load,
}
ALGORITHMS = tuple(_LOADERS)
"""Simplest first: of two that are equally good, the first becomes champion."""

FILES = {algorithm: frozenset({PARAMETERS}) for algorithm in ALGORITHMS} | {
    "lstm": frozenset({PARAMETERS, lstm.NETWORK})
}
"""The files of each; no other is ever read."""


def load(algorithm: str, files: Mapping[str, bytes]) -> Forecaster:
    """The forecaster of these files, which the caller has verified.

    Raises:
        ValueError: they are not what this version of the code writes.
        KeyError: a parameter is missing.
    """
    parameters = json.loads(files[PARAMETERS])
    if parameters["algorithm"] != algorithm:
        raise ValueError(f"its parameters are those of {parameters['algorithm']!r}")
    return restore(_LOADERS[algorithm](parameters["model"], files), parameters)

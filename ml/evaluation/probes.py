"""What is tried on a model itself before it may serve: no look-ahead, same bits again, same numbers as the nets."""

import time

import numpy as np
import torch

from ml.data import features as feature_module
from ml.data.features import NAMES, FeatureSet
from ml.data.panel import resealed
from ml.evaluation import walk_forward
from ml.evaluation.backtest import Backtest
from ml.evaluation.gates import Probes
from ml.models.catalog import REFERENCE
from ml.models.global_lstm import MEMORY, GlobalLstm
from ml.models.interface import GlobalModel
from ml.models.networks import global_lstm_export
from ml.training import fitting, global_lstm_loop
from ml.training.fitting import Recipe

_TRIED_DAYS = 60
_CALLS = 50


def probe(features: FeatureSet, model: GlobalModel, made: Backtest, recipe: Recipe) -> Probes:
    """Try a model that was fitted by `recipe` on all of `features`; `made` is its walk-forward."""
    first = max(made.end - walk_forward.REFIT_DAYS, made.first)
    nets = global_lstm_loop.fit(features, first, seeds=recipe.seeds, parameters=recipe.parameters)
    (again,) = global_lstm_loop.fit(
        features, first, seeds=recipe.seeds[:1], parameters=recipe.parameters
    )
    graph = global_lstm_export.to_onnx([net.network for net in nets])
    return Probes(
        is_causal=is_causal(features, model),
        seed_deviation=_seed_deviation(features, made, first, nets),
        parity=_parity(graph, nets),
        is_repeatable=_bits(nets[0]) == _bits(again),
        latency_ms=latency_ms(graph, len(features.panel.symbols)),
    )


def is_causal(features: FeatureSet, model: GlobalModel) -> bool:
    """Whether forecasts up to a day stay the same bits when every candle after it is changed."""
    days = features.inputs.shape[1]
    cut = days - min(_TRIED_DAYS, days // 4)
    candles = features.panel.candles.copy()
    candles[:, cut:] *= np.linspace(0.5, 3.0, days - cut)[None, :, None]
    other = feature_module.build(resealed(features.panel, candles))
    first = max(cut - _TRIED_DAYS, 0)
    ours, theirs = (
        model.predict(each, first).at(np.s_[:, : cut - first]) for each in (features, other)
    )
    return all(
        getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()
        for name in ("location", "scale", "degrees")
    )


def latency_ms(graph: bytes, tokens: int) -> float:
    """Median time of a forward pass: the newest day of all tokens, over the days that the net remembers."""
    model = GlobalLstm(graph, np.zeros(len(NAMES)), np.ones(len(NAMES)), np.ones(4), 1)
    inputs = np.zeros((tokens, MEMORY + 1, len(NAMES)), dtype=np.float32)
    times = []
    for _ in range(_CALLS):
        begun = time.perf_counter()
        model.forward(inputs, MEMORY)
        times.append(time.perf_counter() - begun)
    return 1000 * float(np.median(times))


def _seed_deviation(
    features: FeatureSet, made: Backtest, first: int, nets: list[global_lstm_loop.FittedNetwork]
) -> float:
    scored = made.scored[:, first - made.first :, 0]
    outcomes = features.outcomes()[:, first : made.end, 0]
    reference = made.scores[REFERENCE].crps[:, first - made.first :, 0][scored].mean()
    skills = []
    for net in nets:
        one = fitting.as_graph([net])
        crps = one.predict(features, first).at(np.s_[:, : made.end - first, 0]).crps(outcomes)
        skills.append(1 - crps[scored].mean() / reference)
    return float(np.std(skills))


def _parity(graph: bytes, nets: list[global_lstm_loop.FittedNetwork]) -> float:
    inputs = np.random.default_rng(0).standard_normal((5, MEMORY + 1, len(NAMES)))
    ours = GlobalLstm(graph, np.zeros(1), np.ones(1), np.ones(4), len(nets)).forward(
        inputs.astype(np.float32)
    )
    with torch.no_grad():
        tensor = torch.tensor(inputs, dtype=torch.float32)
        theirs = np.mean([net.network(tensor).numpy() for net in nets], axis=0)
    return float(np.abs(ours - theirs).max())


def _bits(net: global_lstm_loop.FittedNetwork) -> bytes:
    return b"".join(
        tensor.detach().numpy().tobytes() for tensor in net.network.state_dict().values()
    )

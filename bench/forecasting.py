"""What the forecasts are worth and what they cost: each row that docs/guides/forecasting.md names, beside its target.

Skill and coverage are those of `coinsphere ml backtest` on real candles, where there are any beside the checkout. All else
runs on made-up candles of 31 tokens over eight years, so that it measures the same everywhere.
"""

import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import torch

from bench import forecasting_server, made_up
from bench.measure import Measure
from coinsphere.clock import utc_now
from ml.data import candle_folder, features
from ml.data.features import FeatureSet
from ml.data.horizons import CONTEXT, HORIZONS
from ml.data.windows import Parts, Series
from ml.evaluation import backtest, gates, probes
from ml.evaluation.figures import Figures
from ml.evaluation.scoring import NOMINAL
from ml.models.catalog import CHAMPION
from ml.models.combination import Combination
from ml.models.global_lstm import GlobalLstm
from ml.training import fitting, lstm_loop
from ml.training.fitting import Recipe

YEAR = 365
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "daily"
"""Candle files of real tokens; without them skill and coverage are not measured."""
_PERIOD = date(2022, 1, 1), date(2024, 7, 1)
_SKILL = {1: 1.4, 7: 1.1, 14: 1.1, 30: 0.6}
_COVERAGE = {1: (0.5, 0.3), 7: (1.0, 0.5), 14: (1.0, 0.5), 30: (1.5, 1.0)}
_TOKEN_COVERAGE = (0.7, 0.4)
_GATE_DAYS = 1461
_PROCESSES = 2
_ASSESSMENT_TOKENS = 2
"""Of 31, one horizon each: all of its nets take a quarter of an hour."""


def run() -> list[Measure]:
    """Quick ones first; nothing of it waits without an end."""
    torch.set_num_threads(1)
    market = features.build(made_up.market())
    # CPU time of one thread, here and below: what else the machine does must not decide the ratio.
    began = time.process_time()
    fitted = fitting.fit(market, market.inputs.shape[1], [CHAMPION], Recipe())
    retraining = time.process_time() - began
    model = fitted[CHAMPION]
    assert isinstance(model, Combination)
    assessment = _assessment(market)
    ratio = assessment / retraining
    return [
        Measure("retraining: 31 tokens, 4 horizons, 5 seeds", retraining, "CPU s", target=5.0),
        Measure("the assessment's way: one LSTM for each token and horizon", assessment, "CPU s"),
        Measure("times faster than the assessment's way", ratio, "x", target=250, better="higher"),
        _forward(model),
        *forecasting_server.answers(model),
        *_walk_forward(market, assessment / (made_up.TOKENS * len(HORIZONS))),
        *_worth(),
    ]


def _worth() -> list[Measure]:
    """Skill and coverage of the combination on real candles."""
    if not REAL.is_dir():
        return []
    held = candle_folder.read(REAL, utc_now())
    made = backtest.run(features.build(held), *_PERIOD, names=[CHAMPION], processes=_PROCESSES)
    rows = [made.figures(CHAMPION, horizon) for horizon in HORIZONS]
    return [measure for row in rows for measure in _figures(row)]


def _figures(row: Figures) -> list[Measure]:
    at = f"{row.horizon} d"
    skill = Measure(
        f"CRPS skill, {at}", 100 * row.skill, "%", target=_SKILL[row.horizon], better="higher"
    )
    pooled = (row.coverage80 - 0.8, row.coverage95 - 0.95)
    measures = [skill, *_errors(f"coverage error, {at}", pooled, _COVERAGE[row.horizon])]
    if row.horizon == 1:
        by_token = (row.token_error80, row.token_error95)
        measures += _errors(f"mean coverage error of a token, {at}", by_token, _TOKEN_COVERAGE)
    return measures


def _errors(
    name: str, errors: tuple[float, float], targets: tuple[float, float]
) -> Iterator[Measure]:
    for nominal, error, target in zip(NOMINAL, errors, targets, strict=True):
        yield Measure(f"{name}, {nominal:.0%}", 100 * abs(error), "points", target=target)


def _walk_forward(market: FeatureSet, one_net: float) -> Iterator[Measure]:
    """The gate's: how long one waits, and its work in nets of the assessment's, the same on a slow or busy machine."""
    last = market.panel.last_day
    began, worked = time.perf_counter(), _cpu_seconds()
    backtest.run(
        market,
        last - timedelta(days=_GATE_DAYS - 1),
        last + timedelta(days=1),
        names=gates.BASELINES_OF_GATE,
        processes=_PROCESSES,
    )
    took, worked = time.perf_counter() - began, _cpu_seconds() - worked
    yield Measure("walk-forward of the gate, four years", took, "s", target=30.0)
    yield Measure(
        "work of that walk-forward, in the assessment's nets", worked / one_net, "x", target=4.0
    )


def _cpu_seconds() -> float:
    """Of this process and of those of its children that have ended."""
    return sum(os.times()[:4])


def _forward(model: Combination) -> Measure:
    net = next(part for part in model.parts if isinstance(part, GlobalLstm))
    took = probes.latency_ms(net.network, made_up.TOKENS)
    return Measure("forward pass, 31 tokens, 5 seeds", took, "ms", target=0.3)


def _assessment(market: FeatureSet) -> float:
    """Seconds that one LSTM for each token and horizon would take, on a year each; two of them are trained."""
    took = []
    for place in range(_ASSESSMENT_TOKENS):
        parts = Parts(CONTEXT - 1, YEAR, YEAR, YEAR, YEAR)
        closes = market.panel.closes[place, -YEAR:]
        series = Series(np.log(closes), np.ones(YEAR, dtype=bool), parts)
        began = time.process_time()
        # Early stopping is no part of the assessment's way: all of its 50 epochs are run.
        with _patience(1000):
            lstm_loop.fit(series, epochs=50, seed=1)
        took.append(time.process_time() - began)
    return made_up.TOKENS * len(HORIZONS) * statistics.mean(took)


@contextlib.contextmanager
def _patience(epochs: int) -> Iterator[None]:
    before = lstm_loop.PATIENCE
    lstm_loop.PATIENCE = epochs
    try:
        yield
    finally:
        lstm_loop.PATIENCE = before

"""Our forecasts beside those of known libraries on the same rows of the walk-forward: `make bench-peers`.

Runs in an environment of its own with the extra `peers`; the product needs none of it. All are judged by the quantiles of
`LEVELS` alone (CRPS as twice the integral of the pinball loss), so nobody gains by a closed form. Rows are a sub-sample, as an
AutoARIMA takes seconds for each: `TOKENS`, and an origin every `STEP` days. What is trained once for all tokens is trained
anew every half year, as ours is.
"""

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from fracast import FracastModel
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import DistributionLoss
from neuralforecast.models import NHITS
from scipy import stats
from statsforecast.models import GARCH, AutoARIMA

from coinsphere.clock import utc_now
from ml.data import candle_folder, features
from ml.data.features import FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.evaluation import backtest
from ml.models.catalog import CHAMPION, REFERENCE

LEVELS = np.array([0.025, *np.arange(0.05, 0.96, 0.05), 0.975])
TOKENS = ("ADA", "BNB", "BTC", "DOGE", "ETC", "ETH", "LINK", "LTC", "SOL", "XRP")
STEP = 60
SPAN = date(2022, 1, 1), date(2024, 7, 1)
CONTEXT = 400
OURS = (REFERENCE, "ewma_t", "gk_har_t", "pooled_linear", CHAMPION)
REFIT_DAYS = 180
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "daily"
RESULTS = Path(__file__).parent / "peers.json"

Quantiles = Callable[[Floats], Floats]
"""From the log closes up to an origin to quantiles of the log return, shape [HORIZONS, LEVELS]."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model over all rows: figures by horizon, and CPU seconds of all fits and forecasts."""

    model: str
    skill: tuple[float, ...]
    coverage80: tuple[float, ...]
    coverage95: tuple[float, ...]
    seconds: float


def main() -> None:
    """Print the table, and keep it in bench/peers.json."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    held = candle_folder.read(REAL, utc_now())
    market = features.build(held)
    places = [held.symbols.index(token) for token in TOKENS]
    origins = np.arange(held.index(SPAN[0]), held.index(SPAN[1]) - max(HORIZONS), STEP)
    outcomes = market.outcomes()[np.ix_(places, origins)]
    forecasts = {}
    for name, found in _all(market, places, origins):
        forecasts[name] = found
        reference = crps(forecasts[REFERENCE][0], outcomes)
        rows = [_row(name, *found, outcomes, reference) for name, found in forecasts.items()]
        # After each, as the whole takes a while.
        _keep(rows)
    _show(rows, outcomes.shape)


def _all(
    market: FeatureSet, places: list[int], origins: Floats
) -> Iterator[tuple[str, tuple[Floats, float]]]:
    """Of each model its quantiles and the CPU seconds of all its fits and forecasts."""
    yield from _ours(market, places, origins)
    for name, made in (
        ("AutoARIMA (statsforecast)", _arima),
        ("GARCH(1,1) (statsforecast)", _garch),
        ("Fracast-0, zero-shot", _fracast()),
    ):
        yield name, _each(market, places, origins, made)
    yield "NHITS, Student t (neuralforecast)", _nhits(market, places, origins)


def crps(quantiles: Floats, outcomes: Floats) -> Floats:
    """Of each forecast, from its quantiles at `LEVELS`, shape [tokens, origins, HORIZONS]."""
    error = outcomes[..., None] - quantiles
    losses = np.maximum(LEVELS * error, (LEVELS - 1) * error)
    return 2 * np.trapezoid(losses, LEVELS, axis=-1)


def _row(name: str, made: Floats, took: float, outcomes: Floats, reference: Floats) -> Row:
    def covered(low: float, high: float) -> tuple[float, ...]:
        ends = [np.abs(LEVELS - level).argmin() for level in (low, high)]
        inside = (outcomes >= made[..., ends[0]]) & (outcomes <= made[..., ends[1]])
        return tuple(inside.mean(axis=(0, 1)).tolist())

    skill = 1 - crps(made, outcomes).mean(axis=(0, 1)) / reference.mean(axis=(0, 1))
    return Row(name, tuple(skill.tolist()), covered(0.1, 0.9), covered(0.025, 0.975), took)


def _ours(
    market: FeatureSet, places: list[int], origins: Floats
) -> Iterator[tuple[str, tuple[Floats, float]]]:
    """Our models' distributions as they were published, fitted on all tokens."""
    for name in OURS:
        began = time.process_time()
        made = backtest.run(market, *SPAN, names=[name])
        took = time.process_time() - began
        student = made.published[name].student.at(np.ix_(places, origins - made.first))
        scale, degrees = student.scale[..., None], student.degrees[..., None]
        tails = np.where(np.isinf(degrees), stats.norm.ppf(LEVELS), stats.t.ppf(LEVELS, degrees))
        yield name, (student.location[..., None] + scale * tails, took)


def _each(
    market: FeatureSet, places: list[int], origins: Floats, made: Quantiles
) -> tuple[Floats, float]:
    """One forecast after the other, each from the last `CONTEXT` days."""
    began = time.process_time()
    rows = [
        [made(market.log_closes[place, day - CONTEXT + 1 : day + 1]) for day in origins]
        for place in places
    ]
    return np.array(rows), time.process_time() - began


def _arima(log_closes: Floats) -> Floats:
    found = AutoARIMA().forecast(y=log_closes, h=max(HORIZONS), level=[80])
    mean = np.asarray(found["mean"])
    spread = (np.asarray(found["hi-80"]) - mean) / stats.norm.ppf(0.9)
    return _normal(mean - log_closes[-1], spread)


def _garch(log_closes: Floats) -> Floats:
    """By the fitted parameters: its own forecast follows one random path, and its intervals are as wide as the variance."""
    returns = 100 * np.diff(log_closes)
    fitted = GARCH(1, 1).fit(y=returns).model_
    constant, shock, memory = fitted["coeff"]
    variance = constant + shock * fitted["y_vals"][-1] ** 2 + memory * fitted["sigma2_vals"][-1]
    daily = [variance]
    for _ in range(max(HORIZONS) - 1):
        daily.append(constant + (shock + memory) * daily[-1])
    return _normal(np.zeros(len(daily)), np.sqrt(np.cumsum(daily)) / 100)


def _normal(mean: Floats, deviation: Floats) -> Floats:
    at = np.array(HORIZONS) - 1
    return mean[at, None] + deviation[at, None] * stats.norm.ppf(LEVELS)


def _fracast() -> Quantiles:
    model = FracastModel.from_pretrained()

    def made(log_closes: Floats) -> Floats:
        found = model.forecast(log_closes, horizon=max(HORIZONS))[np.array(HORIZONS) - 1]
        ends = (stats.norm.ppf(model.quantiles), stats.norm.ppf(LEVELS))
        return np.array([_stretched(*ends, row - log_closes[-1]) for row in found])

    return made


def _stretched(known: Floats, wanted: Floats, values: Floats) -> Floats:
    """Quantiles at other levels: straight between the known ones over normal scores, and beyond them."""
    found = np.interp(wanted, known, values)
    for outside, (near, far) in ((wanted < known[0], (0, 1)), (wanted > known[-1], (-1, -2))):
        slope = (values[near] - values[far]) / (known[near] - known[far])
        found[outside] = values[near] + (wanted[outside] - known[near]) * slope
    return found


def _nhits(market: FeatureSet, places: list[int], origins: Floats) -> tuple[Floats, float]:
    """One net for all tokens, trained anew each half year."""
    began = time.process_time()
    made = np.full((len(places), len(origins), len(HORIZONS), len(LEVELS)), np.nan)
    net, trained_at = None, -REFIT_DAYS
    for at, day in enumerate(origins):
        if day - trained_at >= REFIT_DAYS:
            net, trained_at = _trained(_long(market, range(len(market.log_closes)), int(day))), day
        made[:, at] = _answered(
            net, _long(market, places, int(day)), market.log_closes[places, day]
        )
    return made, time.process_time() - began


def _trained(table: pd.DataFrame) -> NeuralForecast:
    model = NHITS(
        h=max(HORIZONS),
        input_size=2 * max(HORIZONS),
        loss=DistributionLoss("StudentT", quantiles=LEVELS.tolist()),
        scaler_type="robust",
        max_steps=300,
        random_seed=1,
        enable_progress_bar=False,
        logger=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    net = NeuralForecast(models=[model], freq="D")
    net.fit(table)
    return net


def _answered(net: NeuralForecast, table: pd.DataFrame, now: Floats) -> Floats:
    found = net.predict(df=table)
    names = [name for name in found.columns if name not in {"unique_id", "ds", "NHITS"}]
    names = names[-len(LEVELS) :]
    rows = [
        np.sort(group[names].to_numpy()[np.array(HORIZONS) - 1], axis=1) - close
        for (_, group), close in zip(found.groupby("unique_id", sort=True), now, strict=True)
    ]
    return np.array(rows)


def _long(market: FeatureSet, places: "range | list[int]", day: int) -> pd.DataFrame:
    """Log closes up to a day, as the library asks for them."""
    parts = []
    for number, place in enumerate(places):
        closes = market.log_closes[place, : day + 1]
        known = np.flatnonzero(np.isfinite(closes))
        if len(known) < CONTEXT or known[-1] != day:
            continue
        kept = pd.Series(closes[known[0] :]).ffill()
        days = pd.to_datetime(market.panel.days[known[0] : day + 1])
        parts.append(pd.DataFrame({"unique_id": f"{number:03d}", "ds": days, "y": kept.to_numpy()}))
    return pd.concat(parts)


def _show(rows: list[Row], shape: tuple[int, ...]) -> None:
    print(f"{shape[0]} tokens, {shape[1]} origins every {STEP} days, {SPAN[0]} to {SPAN[1]}")
    print(
        "| model | skill at 1 / 7 / 14 / 30 d, % | in 80 % | in 95 % | CPU s |\n|---|---|---|---|---|"
    )
    for row in rows:
        skill = " / ".join(f"{100 * each:+.1f}" for each in row.skill)
        inside = [
            " / ".join(f"{100 * each:.0f}" for each in part)
            for part in (row.coverage80, row.coverage95)
        ]
        print(f"| {row.model} | {skill} | {inside[0]} | {inside[1]} | {row.seconds:.0f} |")


def _keep(rows: list[Row]) -> None:
    table = [{name: getattr(row, name) for name in Row.__slots__} for row in rows]
    RESULTS.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())

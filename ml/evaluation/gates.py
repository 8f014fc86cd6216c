"""What a version must show before it serves, horizon by horizon; the report is kept whether it passes or not.

A reason that concerns one horizon keeps the version from that horizon alone: a model that is right at one day serves one
day. The numbers are those of the power analysis in docs/guides/forecasting.md: a test on a month of live days is noise, so
all that decides is a walk-forward of years; live days may only veto.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.data.features import Floats
from ml.data.horizons import HORIZONS
from ml.evaluation import comparison, coverage
from ml.evaluation.backtest import Backtest
from ml.evaluation.comparison import Difference
from ml.evaluation.gate_report import Gate, GateReport, Reason
from ml.evaluation.losses import Losses
from ml.evaluation.scoring import NOMINAL
from ml.models import catalog
from ml.models.catalog import BASELINE, REFERENCE
from ml.models.gk_har_t import GkHarT
from ml.models.pooled_linear import PooledLinear

LEAST_DAYS = 730
SIGNIFICANT = 1.645
BEYOND = 2.0
"""The t of what a richer model adds beyond the regression of five numbers, at each horizon where it may serve."""
LINEAR_MARGIN = 0.002
"""By how much of the reference's CRPS a model may lose to the linear one, which is far simpler."""
_REGRESSION = {1: 0.0025, 7: 0.005, 14: 0.005, 30: 0.005}
_WORST_TOKEN = -0.005
_WIDER = 0.005
_SEED_DEVIATION = 0.001
_PARITY = 1e-5
_LEAST_KNOWN = 0.98
_LATENCY_MS = 5.0

NAMES = (
    "G0_data",
    "G1_causality",
    "G2_baselines",
    "G3_champion",
    "G4_calibration",
    "G5_slices",
    "G6_engineering",
)


@dataclass(frozen=True, slots=True)
class Probes:
    """Results of the tests of the model itself.

    Attributes:
        is_causal: forecasts up to a day stayed the same bits when all that followed was changed.
        seed_deviation: standard deviation over seeds of the skill at one day.
        parity: greatest difference between the graph's output and the nets'.
        is_repeatable: a second training with the same seed gave the same bits.
        latency_ms: median time of a forward pass over all tokens.
    """

    is_causal: bool
    seed_deviation: float
    parity: float
    is_repeatable: bool
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of the gates, which tests with a simulated market relax.

    Attributes:
        days: that must be scored.
        beyond: the least t of what a model adds beyond the regression of five numbers.
    """

    days: int = LEAST_DAYS
    beyond: float = BEYOND


class _Checks:
    """Collects the conditions of one gate."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reasons: list[Reason] = []
        self.figures: dict[str, float | str] = {}

    def require(self, holds: object, reason: str, horizon: int | None = None) -> None:
        if not holds:
            self.reasons.append(Reason(reason, horizon))

    def done(self) -> Gate:
        return Gate(self.name, tuple(self.reasons), self.figures)


def judge(
    backtest: Backtest,
    model: str,
    probes: Probes,
    champions: Mapping[int, Losses],
    limits: Limits = Limits(),
) -> GateReport:
    """Judge a model of a backtest; `champions` are the losses of the versions that serve, by horizon."""
    gates = (
        _data(backtest, limits.days),
        _causality(probes),
        _baselines(backtest, model, limits.beyond),
        _champions(backtest, model, champions),
        _calibration(backtest, model),
        _slices(backtest, model),
        _engineering(probes),
    )
    return GateReport(model, gates)


def _data(backtest: Backtest, least_days: int) -> Gate:
    checks, panel = _Checks(NAMES[0]), backtest.features.panel
    days = backtest.end - backtest.first
    scored_tokens = backtest.scored[:, :, 0].sum(axis=1)
    share = _known_share(panel.closes)
    checks.figures |= {
        "digest": panel.digest,
        "days": days,
        "tokens": int((scored_tokens > 0).sum()),
        "known": share,
        "source": panel.price_source,
    }
    checks.require(days >= least_days, f"only {days} days are scored; {least_days} are needed")
    checks.require(share >= _LEAST_KNOWN, f"{1 - share:.1%} of the days are missing")
    checks.require(
        "+" not in panel.price_source or "simulated" not in panel.price_source,
        "simulated days lie among real ones",
    )
    return checks.done()


def _known_share(closes: Floats) -> float:
    """The share of days with a close, of each token's days from its first close to its last; shape [tokens, days]."""
    is_known = np.isfinite(closes)
    has_begun = np.maximum.accumulate(is_known, axis=1)
    goes_on = np.flip(np.maximum.accumulate(np.flip(is_known, axis=1), axis=1), axis=1)
    return float(is_known.sum() / max((has_begun & goes_on).sum(), 1))


def _causality(probes: Probes) -> Gate:
    checks = _Checks(NAMES[1])
    checks.require(probes.is_causal, "a forecast changed with days that followed it")
    return checks.done()


def _baselines(backtest: Backtest, model: str, beyond: float) -> Gate:
    checks = _Checks(NAMES[2])
    _simplest(checks, backtest, model, beyond)
    for horizon in HORIZONS:
        against = {
            other: backtest.difference(model, other, horizon)
            for other in (REFERENCE, BASELINE, PooledLinear.name)
            if other in backtest.scores
        }
        for other, difference in against.items():
            checks.figures[f"skill_vs_{other}_{horizon}d"] = difference.mean
        checks.figures[f"dm_t_{horizon}d"] = against[REFERENCE].t
        _require_gains(checks, model, horizon, against)
    return checks.done()


def _require_gains(
    checks: _Checks, model: str, horizon: int, against: Mapping[str, Difference]
) -> None:
    """Require that the model is better than the baselines, significantly at short horizons, and hardly worse than linear."""
    for other in [name for name in (REFERENCE, BASELINE) if name in against]:
        gain = against[other].mean
        checks.require(gain > 0, f"no better than {other} ({gain:+.2%})", horizon)
    if PooledLinear.name in against and model != PooledLinear.name:
        gain = against[PooledLinear.name].mean
        checks.require(gain > -LINEAR_MARGIN, f"{-gain:.2%} worse than the linear model", horizon)
    if horizon <= 7:  # noqa: PLR2004 - longer ones have too few independent windows for a test
        t = against[REFERENCE].t
        checks.require(t > SIGNIFICANT, f"t of {t:.2f} against {REFERENCE}", horizon)


def _simplest(checks: _Checks, backtest: Backtest, model: str, beyond: float) -> None:
    """Whether each horizon proves what the model has beyond five numbers; where none does, those serve."""
    if model == GkHarT.name:
        return
    for horizon, t in backtest.beyond(model).items():
        checks.figures[f"t_beyond_{GkHarT.name}_{horizon}d"] = t
        checks.require(
            t > beyond,
            f"what it adds beyond the five numbers of {GkHarT.name} has a t of {t:.1f} ({beyond:g} is asked)",
            horizon,
        )


def _champions(backtest: Backtest, model: str, champions: Mapping[int, Losses]) -> Gate:
    checks = _Checks(NAMES[3])
    if not champions:
        checks.figures["champion"] = "none"
    for horizon, losses in champions.items():
        worst = _worst_regression(backtest, model, horizon, losses)
        if worst is None:
            checks.require(
                holds=False, reason="no row in common with the champion", horizon=horizon
            )
            continue
        checks.figures[f"worst_regression_{horizon}d"] = worst
        limit = _REGRESSION[horizon]
        checks.require(
            worst <= limit, f"may be {worst:.2%} worse than the champion ({limit:.2%})", horizon
        )
    return checks.done()


def _worst_regression(
    backtest: Backtest, model: str, horizon: int, champion: Losses
) -> float | None:
    """By how much the model may be worse than the champion, in units of the reference; None without a row in common."""
    panel, place = backtest.features.panel, HORIZONS.index(horizon)
    days = panel.days[backtest.first : backtest.end]
    theirs = champion.on(panel.symbols, days)[:, :, place]
    ours = np.where(backtest.scored[:, :, place], backtest.scores[model].crps[:, :, place], np.nan)
    both = np.isfinite(ours) & np.isfinite(theirs)
    if not both.any():
        return None
    unit = float(backtest.scores[REFERENCE].crps[:, :, place][both].mean())
    return comparison.compare(ours, theirs, horizon).upper_regression() / unit


def _calibration(backtest: Backtest, model: str) -> Gate:
    checks = _Checks(NAMES[4])
    for place, horizon in enumerate(HORIZONS):
        is_scored = backtest.scored[:, :, place]
        for at, nominal in enumerate(NOMINAL):
            interval = coverage.judge(
                backtest.scores[model].within[:, :, place, at], is_scored, nominal, horizon
            )
            name = f"coverage{100 * nominal:.0f}_{horizon}d"
            checks.figures |= {name: interval.share, f"{name}_worth": interval.effective}
            checks.require(
                interval.explains(nominal),
                f"{interval.share:.2%} in the {nominal:.0%} interval, which luck explains for {interval.lower:.1%} to "
                f"{interval.upper:.1%}",
                horizon,
            )
        if BASELINE in backtest.scores:
            _no_wider(checks, backtest, model, horizon)
    return checks.done()


def _no_wider(checks: _Checks, backtest: Backtest, model: str, horizon: int) -> None:
    """Whether the 95 % intervals score worse than the baseline's by more than a margin and more than luck explains."""
    place = HORIZONS.index(horizon)
    is_scored = backtest.scored[:, :, place]
    ours, theirs = (
        np.where(is_scored, backtest.scores[name].interval[:, :, place, 1], np.nan)
        for name in (model, BASELINE)
    )
    wider = float(ours[is_scored].mean() / theirs[is_scored].mean() - 1)
    checks.figures[f"interval_score_vs_{BASELINE}_{horizon}d"] = wider
    is_luck = comparison.compare(ours, theirs, horizon).t > -SIGNIFICANT
    checks.require(wider <= _WIDER or is_luck, f"95 % intervals score {wider:+.2%}", horizon)


def _slices(backtest: Backtest, model: str) -> Gate:
    checks = _Checks(NAMES[5])
    rows = [row for row in backtest.by_token(model) if row.horizon == 1]
    worst = min(rows, key=lambda row: row.skill)
    median = float(np.median([row.skill for row in rows]))
    checks.figures |= {
        "median_skill_1d": median,
        "worst_skill_1d": worst.skill,
        "worst_token": worst.of,
    }
    checks.require(median > 0, f"the median token's skill is {median:+.2%}", 1)
    checks.require(worst.skill > _WORST_TOKEN, f"{worst.of} has a skill of {worst.skill:+.2%}", 1)
    return checks.done()


def _engineering(probes: Probes) -> Gate:
    checks = _Checks(NAMES[6])
    checks.figures |= {
        "seed_deviation": probes.seed_deviation,
        "parity": probes.parity,
        "latency_ms": probes.latency_ms,
    }
    checks.require(
        probes.seed_deviation <= _SEED_DEVIATION,
        f"skill at one day differs by {probes.seed_deviation:.2%} between seeds",
    )
    checks.require(
        probes.parity <= _PARITY, f"the graph differs by {probes.parity:.1e} from the nets"
    )
    checks.require(probes.is_repeatable, "a second training gave other bits")
    checks.require(
        probes.latency_ms <= _LATENCY_MS, f"a forward pass takes {probes.latency_ms:.1f} ms"
    )
    return checks.done()


BASELINES_OF_GATE = (REFERENCE, BASELINE, GkHarT.name, PooledLinear.name, catalog.CHAMPION)
"""What is walked forward for a gate."""


def simplest(backtest: Backtest | None) -> str:
    """The model that serves where none has proved more: of five numbers, or EWMA-t where that lost less at some horizon."""
    if backtest is None or GkHarT.name not in backtest.scores:
        return BASELINE
    gains = [backtest.difference(GkHarT.name, BASELINE, horizon).mean for horizon in HORIZONS]
    return GkHarT.name if min(gains) > 0 else BASELINE

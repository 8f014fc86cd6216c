"""What a version must show before it serves: all gates must pass, and the report is kept whether they do or not.

The numbers are those of the power analysis in docs/guides/forecasting.md: a test on a month of live days is noise, so
all that decides is a walk-forward of years; live days may only veto.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ml import comparison
from ml.backtest import Backtest
from ml.horizons import HORIZONS
from ml.models import scale_catalog
from ml.models.pooled_linear import PooledLinear
from ml.models.scale_catalog import BASELINE, REFERENCE
from ml.scale_version import Losses
from ml.scoring import NOMINAL

LEAST_DAYS = 730
SIGNIFICANT = 1.645
LINEAR_MARGIN = 0.002
"""By how much of the reference's CRPS a model may lose to the linear one, which is far simpler."""
_REGRESSION = {1: 0.0025, 7: 0.005, 14: 0.005, 30: 0.005}
_COVERAGE = {1: (0.01, 0.0075), 7: (0.02, 0.01), 14: (0.02, 0.01), 30: (0.03, 0.015)}
"""How far coverage may be off at each horizon, for 80 and 95 %; in a single year three times as far."""
_YEAR_FACTOR = 3
_LEAST_OF_YEAR = 90
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
    """What was tried on the model itself.

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
class Gate:
    """One gate; `reasons` say what failed, `figures` what was measured."""

    name: str
    passed: bool
    reasons: tuple[str, ...]
    figures: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateReport:
    """All gates of a version."""

    model: str
    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "model": self.model,
            "passed": self.passed,
            "gates": [asdict(gate) for gate in self.gates],
        }


class _Checks:
    """Collects the conditions of one gate."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reasons: list[str] = []
        self.figures: dict[str, float | str] = {}

    def require(self, holds: object, reason: str) -> None:
        if not holds:
            self.reasons.append(reason)

    def done(self) -> Gate:
        return Gate(self.name, not self.reasons, tuple(self.reasons), self.figures)


def judge(
    made: Backtest,
    model: str,
    probes: Probes,
    champion: Losses | None,
    *,
    least_days: int = LEAST_DAYS,
) -> GateReport:
    """Judge a model of a backtest; `champion` are the losses of the version that serves, if there is one."""
    gates = (
        _data(made, least_days),
        _causality(probes),
        _baselines(made, model),
        _champion(made, model, champion),
        _calibration(made, model),
        _slices(made, model),
        _engineering(probes),
    )
    return GateReport(model, gates)


def _data(made: Backtest, least_days: int) -> Gate:
    checks, panel = _Checks(NAMES[0]), made.features.panel
    days = made.end - made.first
    held = made.scored[:, :, 0].sum(axis=1)
    known = np.isfinite(panel.closes)
    listed = np.maximum.accumulate(known, axis=1) & np.flip(
        np.maximum.accumulate(np.flip(known, axis=1), axis=1), axis=1
    )
    share = float(known.sum() / max(listed.sum(), 1))
    checks.figures |= {
        "digest": panel.digest,
        "days": days,
        "tokens": int((held > 0).sum()),
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


def _causality(probes: Probes) -> Gate:
    checks = _Checks(NAMES[1])
    checks.require(probes.is_causal, "a forecast changed with days that followed it")
    return checks.done()


def _baselines(made: Backtest, model: str) -> Gate:
    checks = _Checks(NAMES[2])
    for horizon in HORIZONS:
        against = {
            other: made.difference(model, other, horizon)
            for other in (REFERENCE, BASELINE, PooledLinear.name)
            if other in made.scores
        }
        for other, found in against.items():
            checks.figures[f"skill_vs_{other}_{horizon}d"] = found.mean
        checks.figures[f"dm_t_{horizon}d"] = against[REFERENCE].t
        for other in [each for each in (REFERENCE, BASELINE) if each in against]:
            gain = against[other].mean
            checks.require(gain > 0, f"{horizon} d: no better than {other} ({gain:+.2%})")
        if PooledLinear.name in against and model != PooledLinear.name:
            gain = against[PooledLinear.name].mean
            checks.require(
                gain > -LINEAR_MARGIN, f"{horizon} d: {-gain:.2%} worse than the linear model"
            )
        if horizon <= 7:  # noqa: PLR2004 - longer ones have too few independent windows for a test
            t = against[REFERENCE].t
            checks.require(t > SIGNIFICANT, f"{horizon} d: t of {t:.2f} against {REFERENCE}")
    return checks.done()


def _champion(made: Backtest, model: str, champion: Losses | None) -> Gate:
    checks = _Checks(NAMES[3])
    if champion is None:
        checks.figures["champion"] = "none"
        return checks.done()
    panel = made.features.panel
    theirs = champion.on(panel.symbols, panel.days[made.first : made.end])
    for place, horizon in enumerate(HORIZONS):
        ours = np.where(made.scored[:, :, place], made.scores[model].crps[:, :, place], np.nan)
        both = np.isfinite(ours) & np.isfinite(theirs[:, :, place])
        if not both.any():
            checks.require(holds=False, reason=f"{horizon} d: no row in common with the champion")
            continue
        unit = float(made.scores[REFERENCE].crps[:, :, place][both].mean())
        found = comparison.compare(ours, theirs[:, :, place], horizon)
        worst = found.upper_regression() / unit
        checks.figures[f"worst_regression_{horizon}d"] = worst
        limit = _REGRESSION[horizon]
        checks.require(
            worst <= limit, f"{horizon} d: may be {worst:.2%} worse than the champion ({limit:.2%})"
        )
    return checks.done()


def _calibration(made: Backtest, model: str) -> Gate:
    checks = _Checks(NAMES[4])
    for horizon in HORIZONS:
        row = made.figures(model, horizon)
        covered = (row.coverage80, row.coverage95)
        for nominal, share, limit in zip(NOMINAL, covered, _COVERAGE[horizon], strict=True):
            checks.figures[f"coverage{100 * nominal:.0f}_{horizon}d"] = share
            checks.require(
                abs(share - nominal) <= limit,
                f"{horizon} d: {share:.2%} in the {nominal:.0%} interval",
            )
        reference = made.figures(BASELINE, horizon) if BASELINE in made.scores else None
        if reference is not None:
            wider = row.interval95 / reference.interval95 - 1
            checks.figures[f"interval_score_vs_{BASELINE}_{horizon}d"] = wider
            checks.require(wider <= _WIDER, f"{horizon} d: 95 % intervals score {wider:+.2%}")
    for year in made.by_year(model):
        limits = _COVERAGE[year.horizon]
        if year.forecasts < _LEAST_OF_YEAR * (made.scored[:, :, 0].any(axis=1)).sum():
            continue
        for nominal, share, limit in zip(
            NOMINAL, (year.coverage80, year.coverage95), limits, strict=True
        ):
            checks.require(
                abs(share - nominal) <= _YEAR_FACTOR * limit,
                f"{year.horizon} d in {year.of}: {share:.2%} in the {nominal:.0%} interval",
            )
    return checks.done()


def _slices(made: Backtest, model: str) -> Gate:
    checks = _Checks(NAMES[5])
    rows = [row for row in made.by_token(model) if row.horizon == 1]
    worst = min(rows, key=lambda row: row.skill)
    median = float(np.median([row.skill for row in rows]))
    checks.figures |= {
        "median_skill_1d": median,
        "worst_skill_1d": worst.skill,
        "worst_token": worst.of,
    }
    checks.require(median > 0, f"the median token's skill at one day is {median:+.2%}")
    checks.require(
        worst.skill > _WORST_TOKEN, f"{worst.of}: skill of {worst.skill:+.2%} at one day"
    )
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


def refused(report: GateReport) -> Sequence[str]:
    """Why a version was refused: every reason of every gate."""
    return [f"{gate.name}: {reason}" for gate in report.gates for reason in gate.reasons]


BASELINES_OF_GATE = (REFERENCE, BASELINE, PooledLinear.name, scale_catalog.CHAMPION)
"""What is walked forward for a gate."""

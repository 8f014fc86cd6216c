"""How issued forecasts fared: the champion's record against the random walk, coverage, and whether it has drifted.

Only forecasts count that were issued before their outcome. A month of them is noise (a healthy model loses 32 of a
hundred quarters against a slightly worse one), so they may take a champion back and never make one.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg import Connection

from ml import comparison, scoring
from ml.features import Floats
from ml.horizons import HORIZONS
from ml.scale_registry import NAME
from ml.scoring import NOMINAL
from ml.student import Student

ROLLBACK_DAYS = 60
"""A healthy model's mean skill at one day was below zero in 0.9 % of windows of so many days, and 7.5 % of half."""
DRIFT_DAYS = 90
VETO_DAYS = 30
VETO_Z = -3.0
COVERAGE_ALARMS = {1: (0.07, 0.04), 7: (0.14, 0.07), 14: (0.18, 0.10), 30: (0.25, 0.15)}
"""How far pooled coverage of 90 days strays although the model is right, by horizon, for 80 and 95 %."""
PSI_ALARM = 0.25
_PSI_BINS = 10
_LEAST_OF_PSI = 200
_LEAST_DAYS = 20

_OUTCOMES = """
    select
        p.token_id::text, p.horizon_days, (p.origin_at at time zone 'UTC')::date, p.log_scale, p.reference_log_scale,
        p.degrees, p.width80, p.width95, p.in_distribution,
        ln(realised.close::float8 / p.reference_price::float8)
    from model.predictions p
    join marts.ml_features_daily realised
      on realised.token_id = p.token_id and realised.close_at = p.target_at
     and realised.is_final and not realised.is_filled
    where p.model_name = %(model_name)s and p.model_version = %(version)s and not p.is_backfill
      and p.log_scale is not null and p.origin_at >= %(since)s and p.target_at <= %(now)s
    order by p.horizon_days, p.origin_at, p.token_id
"""


@dataclass(frozen=True, slots=True)
class Record:
    """Scored forecasts of one version at one horizon, one element for each token and origin."""

    tokens: tuple[str, ...]
    days: tuple[date, ...]
    crps: Floats
    reference_crps: Floats
    pit: Floats
    within: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    familiar: float

    @property
    def skill(self) -> float:
        """Gain in CRPS against the random walk."""
        return 1 - float(self.crps.mean() / self.reference_crps.mean())

    @property
    def origins(self) -> int:
        """How many days it rests on."""
        return len(set(self.days))


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found of a version, and what raises an alarm."""

    version: int
    alarms: tuple[str, ...]
    figures: dict[str, float] = field(default_factory=dict)


def records(
    conn: Connection, version: int, now: datetime, days: int = DRIFT_DAYS
) -> dict[int, Record]:
    """The scored forecasts of the last days by horizon; a horizon without any is absent."""
    parameters = {
        "model_name": NAME,
        "version": version,
        "since": now - timedelta(days=days + max(HORIZONS)),
        "now": now,
    }
    rows = conn.execute(_OUTCOMES, parameters).fetchall()
    made = {}
    for horizon in HORIZONS:
        of_horizon = [row for row in rows if row[1] == horizon]
        if of_horizon:
            made[horizon] = _record(of_horizon, days)
    return made


def drift(version: int, held: dict[int, Record]) -> Drift:
    """Alarms on coverage, PIT and skill; what moves of the inputs alone is a figure and no alarm."""
    alarms: list[str] = []
    figures: dict[str, float] = {}
    for horizon, record in held.items():
        figures[f"skill_{horizon}d"] = record.skill
        figures[f"days_{horizon}d"] = record.origins
        figures[f"familiar_{horizon}d"] = record.familiar
        if record.origins < _LEAST_DAYS:
            continue
        covered = record.within.mean(axis=0)
        for at, nominal in enumerate(NOMINAL):
            figures[f"coverage{100 * nominal:.0f}_{horizon}d"] = float(covered[at])
            if abs(covered[at] - nominal) > COVERAGE_ALARMS[horizon][at]:
                alarms.append(f"{horizon} d: {covered[at]:.1%} in the {nominal:.0%} interval")
        if horizon == 1 and len(record.pit) >= _LEAST_OF_PSI:
            figures["pit_psi_1d"] = psi(record.pit)
            figures["pit_distance_1d"] = scoring.pit_distance(record.pit)
            if figures["pit_psi_1d"] > PSI_ALARM:
                alarms.append(
                    f"1 d: outcomes fall elsewhere than forecast (PSI {figures['pit_psi_1d']:.2f})"
                )
    if must_return(held):
        alarms.append(f"1 d: worse than the random walk over {ROLLBACK_DAYS} days")
    return Drift(version, tuple(alarms), figures)


def must_return(held: dict[int, Record]) -> bool:
    """Whether the champion must give way to the baseline: `ROLLBACK_DAYS` days of negative mean skill at one day."""
    record = held.get(1)
    if record is None or record.origins < ROLLBACK_DAYS:
        return False
    newest = set(sorted(set(record.days))[-ROLLBACK_DAYS:])
    recent = np.array([day in newest for day in record.days])
    return bool(record.crps[recent].mean() > record.reference_crps[recent].mean())


def vetoes(challenger: Record | None, champion: Record | None) -> bool:
    """Whether a challenger's shadow forecasts at one day are so much worse than the champion's that it may not serve."""
    if challenger is None or champion is None:
        return False
    shared = sorted(
        set(zip(challenger.tokens, challenger.days, strict=True))
        & set(zip(champion.tokens, champion.days, strict=True))
    )
    days = sorted({day for _, day in shared})
    if len(days) < VETO_DAYS:
        return False
    ours, theirs = (
        _laid(each, days, sorted({token for token, _ in shared})) for each in (challenger, champion)
    )
    return comparison.compare(ours, theirs, 1).t < VETO_Z


def psi(pit: Floats) -> float:
    """Population stability index of PIT values against the uniform distribution."""
    counts, _ = np.histogram(pit, bins=_PSI_BINS, range=(0, 1))
    shares = np.maximum(counts / counts.sum(), 1e-4)
    return float(((shares - 1 / _PSI_BINS) * np.log(shares * _PSI_BINS)).sum())


def _record(rows: list[tuple[Any, ...]], days: int) -> Record:
    newest = max(row[2] for row in rows)
    kept = [row for row in rows if (newest - row[2]).days < days]
    columns = list(zip(*kept, strict=True))
    log_scale, reference, degrees, width80, width95, outcome = (
        np.array(columns[at], dtype=np.float64) for at in (3, 4, 5, 6, 7, 9)
    )
    made = scoring.score(
        Student.centred(np.exp(log_scale), degrees), outcome, np.stack((width80, width95), axis=-1)
    )
    return Record(
        tokens=tuple(str(each) for each in columns[0]),
        days=tuple(columns[2]),
        crps=made.crps,
        reference_crps=Student.centred(np.exp(reference), np.inf).crps(outcome),
        pit=made.pit,
        within=made.within,
        familiar=float(np.mean([bool(each) for each in columns[8]])),
    )


def _laid(record: Record, days: list[date], tokens: list[str]) -> Floats:
    made = np.full((len(tokens), len(days)), np.nan)
    for token, day, loss in zip(record.tokens, record.days, record.crps, strict=True):
        if token in tokens and day in days:
            made[tokens.index(token), days.index(day)] = loss
    return made

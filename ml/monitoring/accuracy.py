"""How issued forecasts fared: the champions' record against the random walk, coverage, and whether they have drifted.

Only forecasts count that were issued before their outcome. A month of them is noise (a healthy model loses 32 of a
hundred quarters against a slightly worse one), so they may take a champion back from its horizon and never make one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg import Connection

from ml.data.features import Floats
from ml.data.horizons import HORIZONS
from ml.evaluation import comparison, scoring
from ml.evaluation.gate_report import Gate, Reason
from ml.evaluation.scoring import NOMINAL
from ml.models.student import Student
from ml.monitoring.alarms import Alarm
from ml.registry.global_version import NAME

ROLLBACK_DAYS = 60
"""A healthy model's mean skill at one day was below zero in 0.9 % of windows of so many days, and 7.5 % of half."""
DRIFT_DAYS = 90
VETO_DAYS = 30
VETO_Z = -3.0
RETURN_Z = -3.0
COVERAGE_ALARMS = {1: (0.07, 0.04), 7: (0.14, 0.07), 14: (0.18, 0.10), 30: (0.25, 0.15)}
"""How far pooled coverage of 90 days strays although the model is right, by horizon, for 80 and 95 %."""
SHADOW = "G7_shadow"
PSI_ALARM = 0.25
_PSI_BINS = 10
_LEAST_OF_PSI = 200
_LEAST_DAYS = 20

_OUTCOMES = """
    select
        p.token_id::text, p.horizon_days, (p.origin_at at time zone 'UTC')::date, p.location, p.log_scale,
        p.reference_log_scale, p.degrees, p.width80, p.width95, p.in_distribution,
        ln(realised.close::float8 / p.reference_price::float8)
    from model.predictions p
    join marts.ml_features_daily realised
      on realised.token_id = p.token_id and realised.close_at = p.target_at
     and realised.is_final and not realised.is_filled
    where p.model_name = %(model_name)s and not p.is_backfill
      and case when %(version)s::int is null then not p.is_shadow else p.model_version = %(version)s end
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
    """What was found of the versions that serve, and what raises an alarm."""

    alarms: tuple[Alarm, ...]
    figures: dict[str, float] = field(default_factory=dict)


def records(
    conn: Connection, version: int | None, now: datetime, days: int = DRIFT_DAYS
) -> dict[int, Record]:
    """The scored forecasts of the last days by horizon; a horizon without any is absent.

    Args:
        conn: with the prediction log and the mart.
        version: whose, be they public or its shadow; None takes the public ones of whichever version served.
        now: outcomes that come later are not known.
        days: origins before the newest.
    """
    parameters = {
        "model_name": NAME,
        "version": version,
        "since": now - timedelta(days=days + max(HORIZONS)),
        "now": now,
    }
    rows = conn.execute(_OUTCOMES, parameters).fetchall()
    by_horizon = {}
    for horizon in HORIZONS:
        of_horizon = [row for row in rows if row[1] == horizon]
        if of_horizon:
            by_horizon[horizon] = _record(of_horizon, days)
    return by_horizon


def drift(by_horizon: Mapping[int, Record]) -> Drift:
    """Alarms on coverage, PIT and skill; what moves of the inputs alone is a figure and no alarm."""
    alarms: list[Alarm] = []
    figures: dict[str, float] = {}
    for horizon, record in by_horizon.items():
        figures[f"skill_{horizon}d"] = record.skill
        figures[f"days_{horizon}d"] = record.origins
        figures[f"familiar_{horizon}d"] = record.familiar
        if record.origins < _LEAST_DAYS:
            continue
        covered = record.within.mean(axis=0)
        for at, nominal in enumerate(NOMINAL):
            figures[f"coverage{100 * nominal:.0f}_{horizon}d"] = float(covered[at])
        alarms += _uncovered(horizon, record)
        if horizon == 1 and len(record.pit) >= _LEAST_OF_PSI:
            figures["pit_psi_1d"] = psi(record.pit)
            figures["pit_distance_1d"] = scoring.pit_distance(record.pit)
            alarms += _misplaced(figures["pit_psi_1d"])
    return Drift((*alarms, *_without_skill(by_horizon)), figures)


def _misplaced(pit_psi: float) -> list[Alarm]:
    detail = f"1 d: outcomes fall elsewhere than forecast (PSI {pit_psi:.2f})"
    return [Alarm("pit_1d", detail)] if pit_psi > PSI_ALARM else []


def _without_skill(by_horizon: Mapping[int, Record]) -> list[Alarm]:
    return [
        Alarm(
            f"skill_{horizon}d",
            f"{horizon} d: worse than the random walk over {record.origins} days",
        )
        for horizon, record in by_horizon.items()
        if must_return(horizon, record)
    ]


def must_return(horizon: int, record: Record) -> bool:
    """Whether the champion of a horizon must give way to the next rung of the ladder.

    At one day after `ROLLBACK_DAYS` days of negative mean skill. Longer horizons overlap, so a mean of so few of their
    windows is noise: there the loss against the random walk must be `RETURN_Z` of its standard errors.
    """
    if record.origins < ROLLBACK_DAYS:
        return False
    if horizon > 1:
        days, tokens = sorted(set(record.days)), sorted(set(record.tokens))
        compared = comparison.compare(
            _laid(record, record.crps, days, tokens),
            _laid(record, record.reference_crps, days, tokens),
            horizon,
        )
        return compared.t < RETURN_Z
    newest = set(sorted(set(record.days))[-ROLLBACK_DAYS:])
    recent = np.array([day in newest for day in record.days])
    return bool(record.crps[recent].mean() > record.reference_crps[recent].mean())


def shadow(challenger: Mapping[int, Record], champions: Mapping[int, Record]) -> Gate | None:
    """The gate of a challenger's live forecasts; None until `VETO_DAYS` closes are known of it and of the champion.

    A horizon is vetoed by coverage that chance does not explain, or by losses far beyond its champion's.

    Args:
        challenger: its forecasts by horizon.
        champions: those of the versions that serve, by horizon.
    """
    shortest = _paired(challenger, champions, HORIZONS[0])
    if shortest is None or shortest.days < VETO_DAYS:
        return None
    reasons = [
        Reason(alarm.detail.removeprefix(f"{horizon} d: "), horizon)
        for horizon, record in challenger.items()
        if record.origins >= VETO_DAYS
        for alarm in _uncovered(horizon, record)
    ]
    figures = {"days": float(shortest.days)}
    for horizon in HORIZONS:
        paired = _paired(challenger, champions, horizon)
        if paired is None or paired.days < VETO_DAYS:
            continue
        figures[f"t_{horizon}d"] = paired.t
        if paired.t < VETO_Z:
            text = f"{-paired.t:.1f} standard errors worse than the champion in its shadow"
            reasons.append(Reason(text, horizon))
    return Gate(SHADOW, tuple(reasons), figures)


def _paired(
    challenger: Mapping[int, Record], champions: Mapping[int, Record], horizon: int
) -> comparison.Difference | None:
    """How much better the challenger was on the tokens and days of both; None where they have none in common."""
    if horizon not in challenger or horizon not in champions:
        return None
    both = (challenger[horizon], champions[horizon])
    rows = [set(zip(each.tokens, each.days, strict=True)) for each in both]
    shared = rows[0] & rows[1]
    if not shared:
        return None
    tokens, days = (sorted(set(each)) for each in zip(*shared, strict=True))
    ours, theirs = (_laid(each, each.crps, days, tokens) for each in both)
    return comparison.compare(ours, theirs, horizon)


def _uncovered(horizon: int, record: Record) -> list[Alarm]:
    """Intervals that held so many or few outcomes that chance does not explain it."""
    covered = record.within.mean(axis=0)
    return [
        Alarm(
            f"coverage{100 * nominal:.0f}_{horizon}d",
            f"{horizon} d: {share:.1%} in the {nominal:.0%} interval over {record.origins} days",
        )
        for nominal, share, band in zip(NOMINAL, covered, COVERAGE_ALARMS[horizon], strict=True)
        if abs(share - nominal) > band
    ]


def psi(pit: Floats) -> float:
    """Population stability index of PIT values against the uniform distribution."""
    counts, _ = np.histogram(pit, bins=_PSI_BINS, range=(0, 1))
    shares = np.maximum(counts / counts.sum(), 1e-4)
    return float(((shares - 1 / _PSI_BINS) * np.log(shares * _PSI_BINS)).sum())


def _record(rows: list[tuple[Any, ...]], days: int) -> Record:
    newest = max(row[2] for row in rows)
    recent = [row for row in rows if (newest - row[2]).days < days]
    columns = list(zip(*recent, strict=True))
    location, log_scale, reference, degrees, width80, width95, outcome = (
        np.array(columns[at], dtype=np.float64) for at in (3, 4, 5, 6, 7, 8, 10)
    )
    scores = scoring.score(
        Student(location, np.exp(log_scale), degrees),
        outcome,
        np.stack((width80, width95), axis=-1),
    )
    return Record(
        tokens=tuple(str(value) for value in columns[0]),
        days=tuple(columns[2]),
        crps=scores.crps,
        reference_crps=Student.centred(np.exp(reference), np.inf).crps(outcome),
        pit=scores.pit,
        within=scores.within,
        familiar=float(np.mean([bool(value) for value in columns[9]])),
    )


def _laid(record: Record, losses: Floats, days: list[date], tokens: list[str]) -> Floats:
    """Losses of the record's rows on a table of tokens and days; NaN where there is none."""
    rows = {token: at for at, token in enumerate(tokens)}
    columns = {day: at for at, day in enumerate(days)}
    table = np.full((len(tokens), len(days)), np.nan)
    for token, day, loss in zip(record.tokens, record.days, losses, strict=True):
        if token in rows and day in columns:
            table[rows[token], columns[day]] = loss
    return table

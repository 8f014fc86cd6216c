"""The present report of an experiment: participants, a check of the sizes, and a comparison of the variants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.experiments import analysis
from coinsphere.experiments.analysis import ALPHA, UNSOUND, Comparison, Numbers, Rates
from coinsphere.experiments.catalogue import EXPERIMENTS, Experiment, Metric
from coinsphere.flags import repository
from coinsphere.flags.repository import Stored
from coinsphere.flags.rules import BadRules

Verdict = Literal["unsound", "too few", "open", "better", "worse"]

_TAKING_PART = """
    select a.variant, a.exposed_at + %(within)s <= %(now)s as is_over,
        array(
            select o.metric from app.experiment_outcomes o
            where o.flag = a.flag and o.version = a.version and o.user_id = a.user_id
                and o.occurred_at < a.exposed_at + %(within)s
        ) as did
    from app.experiment_assignments a
    where a.flag = %(flag)s and a.version = %(version)s
    order by a.exposed_at, a.user_id
"""


@dataclass(frozen=True, slots=True)
class Participant:
    """A user who takes part; `is_over` once the time in which metrics count has passed."""

    variant: str
    is_over: bool
    did: list[str]


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant: its users, those of them whose time is over, and how many of these reached each metric."""

    variant: str
    users: int
    over: int
    did: dict[Metric, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """A variant against the control in one metric; `compared` is None while there are too few users."""

    variant: str
    metric: Metric
    is_guard: bool
    compared: Comparison | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """An experiment as of now; `ratio_p` is how often chance gives such sizes."""

    experiment: Experiment
    version: int
    since: datetime
    arms: list[Arm]
    ratio_p: float
    findings: list[Finding]


def running(conn: Connection, now: datetime) -> list[Report]:
    """The reports of all experiments that run."""
    known = repository.stored(conn)
    with_rules = [(each, known.get(each.flag.key)) for each in EXPERIMENTS]
    return [
        of(experiment, stored, shares, _participants(conn, experiment, stored.version, now))
        for experiment, stored in with_rules
        if stored is not None and (shares := _drawn(stored))
    ]


def of(
    experiment: Experiment,
    stored: Stored,
    shares: dict[str, float],
    taking_part: Sequence[Participant],
) -> Report:
    """The report of those who take part, in the order in which they were first exposed. Pure."""
    control, *others = sorted(shares, key=lambda each: each != experiment.flag.default)
    arms = [_arm(experiment, variant, taking_part) for variant in (control, *others)]
    ratio_p = analysis.sample_ratio(
        [arm.users for arm in arms], [shares[arm.variant] for arm in arms]
    )
    findings: list[Finding] = []
    for variant, metric in product(others, experiment.metrics):
        rates = _rates(metric, (control, variant), taking_part)
        compared = analysis.compare(rates, experiment.effect, ALPHA / len(others))
        is_guard = metric in experiment.guards
        verdict = _verdict(compared, ALPHA / len(others), ratio_p, is_guard=is_guard)
        findings.append(Finding(variant, metric, is_guard, compared, verdict))
    return Report(experiment, stored.version, stored.changed_at, arms, ratio_p, findings)


def _participants(
    conn: Connection, experiment: Experiment, version: int, now: datetime
) -> list[Participant]:
    values = {
        "flag": experiment.flag.key,
        "version": version,
        "within": experiment.within,
        "now": now,
    }
    return conn.cursor(row_factory=class_row(Participant)).execute(_TAKING_PART, values).fetchall()


def _drawn(stored: Stored) -> dict[str, float]:
    """The shares of the rule that draws; empty without one."""
    rules = stored.parsed()
    if isinstance(rules, BadRules):
        return {}
    return next((rule.shares for rule in rules if rule.splits), {})


def _arm(experiment: Experiment, variant: str, taking_part: Sequence[Participant]) -> Arm:
    own = [each for each in taking_part if each.variant == variant]
    over = [each for each in own if each.is_over]
    did = {metric: sum(metric in each.did for each in over) for metric in experiment.metrics}
    return Arm(variant, len(own), len(over), did)


def _verdict(
    compared: Comparison | None, alpha: float, ratio_p: float, *, is_guard: bool
) -> Verdict:
    """Of a guard less is better."""
    if ratio_p < UNSOUND:
        return "unsound"
    if compared is None:
        return "too few"
    if compared.p_value > alpha:
        return "open"
    return "better" if (compared.difference > 0) != is_guard else "worse"


def _rates(metric: Metric, variants: tuple[str, str], taking_part: Sequence[Participant]) -> Rates:
    """Counts after each user of the two variants whose time is over."""
    over = [each for each in taking_part if each.is_over and each.variant in variants]
    did = np.array([metric in each.did for each in over], dtype=bool)
    is_control = np.array([each.variant == variants[0] for each in over], dtype=bool)
    return Rates(
        _counted(is_control), _counted(is_control & did), _counted(~is_control), _counted(~is_control & did)
    )  # fmt: skip


def _counted(marks: NDArray[np.bool_]) -> Numbers:
    return np.cumsum(marks, dtype=np.float64)

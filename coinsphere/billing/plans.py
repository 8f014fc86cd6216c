"""The plans: how much each allows, and which features it has. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class PlanLimit(StrEnum):
    """What a plan counts."""

    PORTFOLIOS = "portfolios"
    ALERTS = "alerts"
    CHANNELS = "channels"
    EXCHANGES = "exchanges"
    WALLETS = "wallets"
    API_KEYS = "apiKeys"


class PlanFeature(StrEnum):
    """What a plan has, or has not."""

    TAX_REPORTS = "taxReports"
    SHARED_LINKS = "sharedLinks"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of each limit a plan allows, None for as many as the system allows anybody, and its features."""

    name: str
    limits: Mapping[PlanLimit, int | None]
    features: frozenset[PlanFeature]

    def has_room(self, limit: PlanLimit, used: int) -> bool:
        """Whether one more may be added to `used`."""
        most = self.limits[limit]
        return most is None or used < most


_ALL = dict.fromkeys(PlanLimit)
FREE = Plan(
    "free",
    {
        PlanLimit.PORTFOLIOS: 3,
        PlanLimit.ALERTS: 10,
        PlanLimit.CHANNELS: 1,
        PlanLimit.EXCHANGES: 1,
        PlanLimit.WALLETS: 2,
        PlanLimit.API_KEYS: 1,
    },
    frozenset(),
)
PRO = Plan("pro", _ALL, frozenset(PlanFeature))
UNLIMITED = Plan("unlimited", _ALL, frozenset(PlanFeature))
"""Everybody's where nothing is sold."""

SOLD: Mapping[str, Plan] = {plan.name: plan for plan in (FREE, PRO)}
"""By name, the smallest first."""


def with_feature(feature: PlanFeature) -> Plan:
    """The smallest plan that is sold and has a feature."""
    return next(plan for plan in SOLD.values() if feature in plan.features)


def with_room(limit: PlanLimit, used: int) -> Plan:
    """The smallest plan that is sold and takes one more than `used`."""
    return next(plan for plan in SOLD.values() if plan.has_room(limit, used))

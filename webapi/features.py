"""Feature switches: parts of the API that an administrator or a setting can turn off.

The setting `COINSPHERE_FEATURES_OFF` wins over the table. Each process reads the table once in two seconds.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from flask import current_app
from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.settings import Settings
from webapi.http import errors
from webapi.services import services

EXTENSION = "coinsphere-features"
CACHE_SECONDS = 2.0

_ALL = "select feature, is_on, changed_by, changed_at from app.feature_switches"
_SET = """
    insert into app.feature_switches (feature, is_on, changed_by, changed_at)
    values (%(feature)s, %(is_on)s, %(changed_by)s, %(now)s)
    on conflict (feature) do update set
        is_on = excluded.is_on, changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""


class Feature(StrEnum):
    """A part of the API that can be turned off. Health, login and administration cannot."""

    REGISTRATION = "registration"
    API_KEYS = "api-keys"
    PREDICTIONS = "predictions"
    PORTFOLIOS = "portfolios"
    ALERTS = "alerts"
    DEFI = "defi"
    EXCHANGES = "exchanges"
    GRAPHQL = "graphql"


_OF_ENDPOINT = {
    "auth.register": Feature.REGISTRATION,
    "api_keys": Feature.API_KEYS,
    "predictions": Feature.PREDICTIONS,
    "portfolios": Feature.PORTFOLIOS,
    "portfolio_composition": Feature.PORTFOLIOS,
    "portfolio_files": Feature.PORTFOLIOS,
    "portfolio_gains": Feature.PORTFOLIOS,
    "portfolio_issues": Feature.PORTFOLIOS,
    "portfolio_performance": Feature.PORTFOLIOS,
    "portfolio_forecast": Feature.PORTFOLIOS,
    "portfolio_risk": Feature.PORTFOLIOS,
    "portfolio_shares": Feature.PORTFOLIOS,
    "holdings": Feature.PORTFOLIOS,
    "transactions": Feature.PORTFOLIOS,
    "shared": Feature.PORTFOLIOS,
    "tax": Feature.PORTFOLIOS,
    "alerts": Feature.ALERTS,
    "channels": Feature.ALERTS,
    "defi": Feature.DEFI,
    "exchanges": Feature.EXCHANGES,
    "graphql": Feature.GRAPHQL,
}
"""By endpoint, or by blueprint for all its routes."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A row of the table: who turned a feature on or off, and when."""

    feature: str
    is_on: bool
    changed_by: UUID | None
    changed_at: datetime


class Switches:
    """The switches, as this process last read them."""

    def __init__(self, settings: Settings) -> None:
        self.off_by_setting = frozenset(settings.features_off)
        self._off: frozenset[str] = frozenset()
        self._until = 0.0

    def is_on(self, feature: Feature) -> bool:
        """Whether a feature is on."""
        if feature in self.off_by_setting:
            return False
        if time.monotonic() >= self._until:
            with services().database.connection() as conn:
                self._off = frozenset(each.feature for each in stored(conn) if not each.is_on)
            self._until = time.monotonic() + CACHE_SECONDS
        return feature not in self._off

    def is_known_on(self, feature: Feature) -> bool:
        """Whether a feature is on by what was read already; False where the table must be read."""
        return (
            time.monotonic() < self._until
            and feature not in self._off
            and feature not in self.off_by_setting
        )

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._until = 0.0


def switches() -> Switches:
    """The switches of the running app."""
    switches_of_app: Switches = current_app.extensions[EXTENSION]
    return switches_of_app


def of(endpoint: str) -> Feature | None:
    """The feature that an endpoint belongs to; None where it cannot be turned off."""
    # Pages belong to what the API's blueprint of the same name belongs to.
    blueprint = endpoint.partition(".")[0].removeprefix("web_")
    return _OF_ENDPOINT.get(endpoint) or _OF_ENDPOINT.get(blueprint)


def require(endpoint: str) -> None:
    """Raise `errors.Problem` with status 503 where the endpoint's feature is off."""
    feature = of(endpoint)
    if feature is not None and not switches().is_on(feature):
        raise errors.Problem(
            503,
            f"service unavailable: {feature} is switched off",
            detail="An administrator has switched this off for now.",
            code="switched-off",
        )


def stored(conn: Connection) -> list[Switch]:
    """The switches that somebody has set; every other feature is on."""
    return conn.cursor(row_factory=class_row(Switch)).execute(_ALL).fetchall()


def store(conn: Connection, feature: Feature, user_id: UUID, now: datetime, *, is_on: bool) -> None:
    """Turn a feature on or off."""
    conn.execute(_SET, {"feature": feature, "is_on": is_on, "changed_by": user_id, "now": now})

"""What users who allow it do with the product: how far they come, who comes back, what is used."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response

from coinsphere.i18n import N_
from webapi.analytics import use
from webapi.analytics.schemas import AnalyticsQuery
from webapi.http.schema import check
from webui import rendering
from webui.pages import query_parameters
from webui.security.access import analyst

web_admin_analytics = Blueprint("web_admin_analytics", __name__)
STEPS = {
    "registered": N_("Registered"),
    "confirmed": N_("Confirmed"),
    "portfolio_made": N_("Portfolio made"),
    "portfolio_filled": N_("Portfolio filled"),
    "alert_created": N_("Alert set"),
}
FEATURES = {
    use.ANY: N_("Anything"),
    "dashboard_viewed": N_("Dashboard"),
    "portfolio_viewed": N_("Portfolio page"),
    "forecast_viewed": N_("Forecast looked at"),
    "transaction_added": N_("Transaction added"),
    "transactions_imported": N_("File imported"),
    "exchange_connected": N_("Exchange connected"),
    "wallet_connected": N_("Wallet connected"),
    "alert_created": N_("Alert set"),
    "alert_fired": N_("Alert fired"),
    "channel_added": N_("Channel added"),
    "share_made": N_("Portfolio shared"),
    "tax_report_made": N_("Tax report"),
    "plan_changed": N_("Plan changed"),
    "portfolio_made": N_("Portfolio made"),
    "registered": N_("Registered"),
    "confirmed": N_("Confirmed"),
}
SPANS = (6, 12, 26)
_STEADY = (0.5, 0.25, 0.1)
"""Parts of a cohort from which on a week is coloured as good, fair, or worth a look."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A count, None where it is few; its part of the whole where both are known; how good that is, 0 to 3."""

    users: int | None
    part: float | None = None
    level: int | None = None


@web_admin_analytics.get("/admin/analytics")
@analyst
def analytics() -> Response:
    """Funnels, cohorts and features of the last weeks."""
    weeks = check(AnalyticsQuery, query_parameters.given("weeks")).weeks
    usage = use.looked_at(weeks)
    return rendering.page(
        "admin/analytics.html",
        weeks=weeks,
        spans=SPANS,
        steps=STEPS,
        funnels=[_funnel(each) for each in usage.activation],
        cohorts=[_cohort(each) for each in usage.retention],
        columns=max((len(each["weeks"]) for each in usage.retention), default=0),
        days=[each["week"] for each in usage.features],
        features=_features(usage.features),
        names=FEATURES,
    )


def _funnel(month: dict[str, Any]) -> dict[str, Any]:
    whole = month["steps"][0].users
    cells = [(_cell(step.users, whole), step.median_hours) for step in month["steps"]]
    return {"month": month["month"], "cells": cells}


def _cohort(cohort: dict[str, Any]) -> dict[str, Any]:
    cells = [_cell(week.users, cohort["users"]) for week in cohort["weeks"]]
    return {**cohort, "cells": cells}


def _features(weeks: list[dict[str, Any]]) -> list[tuple[str, list[Cell]]]:
    """Each feature that was used, in the order of the page, with a cell for each week."""
    used: dict[tuple[date, str], int | None] = {
        (each.week, each.feature): each.users for week in weeks for each in week["features"]
    }
    known = {feature for _, feature in used}
    return [
        (feature, [_cell(used.get((week["week"], feature), 0)) for week in weeks])
        for feature in FEATURES
        if feature in known
    ]


def _cell(users: int | None, whole: int | None = None) -> Cell:
    if users is None or not whole:
        return Cell(users)
    part = users / whole
    return Cell(users, part, sum(part < least for least in _STEADY))

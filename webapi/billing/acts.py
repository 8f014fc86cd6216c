"""What users do about their plan; the API and the pages both call it."""

from typing import Any

from psycopg import Connection

from coinsphere.billing import plans, repository
from coinsphere.billing.plans import Plan, PlanFeature, PlanLimit
from webapi.billing import guard
from webapi.security import access
from webapi.services import services


def standing(conn: Connection) -> dict[str, Any]:
    """The caller's plan as `PlanOut` takes it."""
    work = services()
    held = guard.entitled(conn)
    used = repository.used(conn, access.principal().user_id, work.clock())
    return {
        "is_limited": work.settings.is_billing_configured,
        "plan": held.plan.name,
        "status": held.status or "none",
        "ends_at": held.ends_at,
        "renews_at": held.renews_at,
        "limits": [
            {"name": limit, "used": used[limit], "most": held.plan.limits[limit]}
            for limit in PlanLimit
        ],
        "features": _features(held.plan),
        "plans": [_sold(plan) for plan in plans.SOLD.values()],
    }


def _sold(plan: Plan) -> dict[str, Any]:
    limits = [{"name": limit, "most": plan.limits[limit]} for limit in PlanLimit]
    return {"name": plan.name, "limits": limits, "features": _features(plan)}


def _features(plan: Plan) -> list[dict[str, Any]]:
    return [{"name": feature, "is_included": feature in plan.features} for feature in PlanFeature]

"""Enforces the limits and features of the caller's plan."""

from datetime import timedelta

from psycopg import Connection

from coinsphere.billing import entitlement, plans, repository
from coinsphere.billing.entitlement import Entitlement
from coinsphere.billing.plans import Plan, PlanFeature, PlanLimit
from webapi.http import errors
from webapi.security import access
from webapi.services import services

PAYMENT_REQUIRED = 402


def entitled(conn: Connection) -> Entitlement:
    """The caller's plan; the one with everything where nothing is sold."""
    work = services()
    if not work.settings.is_billing_configured:
        return entitlement.EVERYTHING
    grace = timedelta(days=work.settings.billing_grace_days)
    return repository.entitled(conn, access.principal().user_id, work.clock(), grace)


def require_room(conn: Connection, limit: PlanLimit) -> None:
    """Raise unless the caller's plan has room for one more; the answer holds until the transaction ends.

    Raises:
        errors.Problem: 402, the caller's plan is full.
    """
    plan = entitled(conn).plan
    most = plan.limits[limit]
    if most is None:
        return
    used = repository.count_alone(conn, access.principal().user_id, limit, services().clock())
    if not plan.has_room(limit, used):
        error = f"your plan has no room for more than {most}: see Plan in your account"
        raise _refusal(error, limit, plan, plans.with_room(limit, used))


def require_feature(conn: Connection, feature: PlanFeature) -> None:
    """Check that the caller's plan has a feature. Raises `errors.Problem` with status 402."""
    plan = entitled(conn).plan
    if feature not in plan.features:
        error = "your plan does not have this: see Plan in your account"
        raise _refusal(error, feature, plan, plans.with_feature(feature))


def _refusal(error: str, what: str, plan: Plan, better: Plan) -> errors.Problem:
    extra = {"refused": what, "plan": plan.name, "neededPlan": better.name}
    return errors.Problem(PAYMENT_REQUIRED, error, code="plan", extra=extra)

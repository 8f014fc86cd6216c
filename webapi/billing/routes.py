"""One's plan: what it allows and how it is paid for."""

from typing import Any

from apiflask import APIBlueprint

from webapi.billing import acts, schemas
from webapi.security.access import signed_in
from webapi.services import services

billing = APIBlueprint("billing", __name__, tag="Billing")


@billing.get("/plan")
@signed_in
@billing.output(schemas.PlanOut)
def get_plan() -> dict[str, Any]:
    """One's plan with its limits, what of them is used now, and when it ends.

    Where the system sells nothing, everybody has everything, and `isLimited` says so.
    """
    with services().database.connection() as conn:
        return acts.standing(conn)

"""Is the system well? Is this process alive, and ready for requests?"""

from typing import Any

from apiflask import APIBlueprint

from webapi.health import probes, schemas
from webapi.http import errors
from webapi.security import limits
from webapi.security.access import public
from webapi.services import services

health = APIBlueprint("health", __name__, tag="Health")
_PROBE = {"status": "ok", "timestamp": "2026-11-24T08:00:00Z"}


@health.get("/health")
@public
@limits.exempt
@health.output(schemas.HealthOut)
def overall() -> dict[str, Any]:
    """The state of each part; 200 in any case, as long as the API itself answers."""
    work = services()
    states, set_aside = probes.states(work)
    return {
        "status": "ok" if all(states.values()) else "degraded",
        "timestamp": work.clock(),
        "services": {
            "api": "ok",
            **{name: "ok" if well else "error" for name, well in states.items()},
        },
        "set_aside": set_aside,
    }


@health.get("/health/live")
@public
@limits.exempt
@health.output(schemas.ProbeOut, example=_PROBE)
def live() -> dict[str, Any]:
    """The process answers; nothing else is asked."""
    return {"status": "ok", "timestamp": services().clock()}


@health.get("/health/ready")
@public
@limits.exempt
@health.output(schemas.ProbeOut, example=_PROBE)
def ready() -> dict[str, Any]:
    """Requests can be served: PostgreSQL answers. 503 otherwise; without Redis the API is only slower."""
    work = services()
    states = probes.ask(work.helpers, {"postgres": lambda: probes.database_answers(work)})
    if not states["postgres"]:
        raise errors.unavailable("not ready: the database does not answer")
    return {"status": "ok", "timestamp": work.clock()}

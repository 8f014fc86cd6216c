"""Serves an ASGI application behind the guard, counted and timed: Dagster's UI, MLflow, the model server."""

import re
from collections.abc import Collection

import uvicorn
from starlette.types import ASGIApp

from coinsphere.guard.asgi import Guard
from coinsphere.observability.asgi import Measured
from coinsphere.settings import Settings


def serve(
    app: ASGIApp,
    settings: Settings,
    service: str,
    port: int,
    *,
    log_level: str = "warning",
    public: Collection[str] = (),
    raw: re.Pattern[str] | None = None,
) -> None:
    """Serve until the process is told to stop; `service`, `public` and `raw` as `Guard` takes them."""
    uvicorn.run(
        Measured(Guard(app, settings, service, public=public, raw=raw), service),
        host=settings.bind_host,
        port=port,
        log_config=None,  # its lines are ours, too
        log_level=log_level,
        access_log=False,
        timeout_graceful_shutdown=5,
    )

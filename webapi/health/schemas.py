"""Request and response bodies of `/health`."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from webapi.http.schema import Output

State = Literal["ok", "error"]


class ServicesOut(Output):
    """Each part of the system."""

    api: State
    postgres: State
    redis: State
    ml: State
    worker: State
    jobs: State = Field(description="`error` where background jobs failed or are stuck.")
    schedules: State = Field(
        description="`error` where something that comes round again did not come."
    )
    data: State = Field(description="`error` where quotes or daily closes are too old.")
    backups: State = Field(
        description="`error` where what was committed is not stored elsewhere, or the last drill failed."
    )
    connections: State = Field(description="`error` where PostgreSQL is about to refuse more.")
    audit: State = Field(description="`error` where somebody changed the audit log.")
    books: State = Field(
        description="`error` where ledger, lots, positions and values contradict each other."
    )
    orchestrator: State
    daemon: State
    mlflow: State
    stream: State
    supervisor: State = Field(
        description="Of the local system; `ok` where the platform takes its place."
    )
    disk: State = Field(description="`error` where the state folder's disk has too little room.")


class HealthOut(Output):
    """`degraded` as soon as one part is not well."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "ok",
                "timestamp": "2026-11-24T08:00:00Z",
                "services": {
                    "api": "ok",
                    "postgres": "ok",
                    "redis": "ok",
                    "ml": "ok",
                    "worker": "ok",
                    "jobs": "ok",
                    "schedules": "ok",
                    "data": "ok",
                    "connections": "ok",
                    "backups": "ok",
                    "audit": "ok",
                    "books": "ok",
                    "orchestrator": "ok",
                    "daemon": "ok",
                    "mlflow": "ok",
                    "stream": "ok",
                    "supervisor": "ok",
                    "disk": "ok",
                },
                "setAside": 0,
            }
        }
    )

    status: Literal["ok", "degraded"]
    timestamp: datetime
    services: ServicesOut
    set_aside: int | None = Field(
        description="Candles, quotes, forecasts and tokens that checks set aside and nothing uses; everything else goes "
        "on. Null where the database cannot say."
    )


class ProbeOut(Output):
    """The answer to a probe."""

    status: Literal["ok"]
    timestamp: datetime

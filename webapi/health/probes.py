"""Probes the other processes, all at once and for two seconds at most.

One that is stopped still accepts connections, and only never answers; those without a port are known by their beats.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, wait
from typing import Any

import httpx2
import psycopg
import psycopg_pool

from coinsphere import log
from coinsphere.health import conditions, dagster_daemons
from coinsphere.health.disk import Room
from coinsphere.local import probes
from coinsphere.market.quality import set_aside
from webapi.services import Services

TIMEOUT_SECONDS = 2.0

_SET_ASIDE = "set_aside"
_ALIVE = """
    select exists (select from jobs.procrastinate_workers where last_heartbeat > now() - interval '20 seconds')
"""
_log = log.get("webapi.health")
_FAILURES = (
    httpx2.HTTPError,
    ValueError,
    LookupError,
    TypeError,
    psycopg.Error,
    psycopg_pool.PoolTimeout,
    psycopg_pool.TooManyRequests,
    OSError,
)


def states(work: Services) -> tuple[dict[str, bool], int | None]:
    """Whether each server answers, and how many rows are set aside, None where the database does not answer.

    As it was found out within the last `backends.health.KEEP_SECONDS`.
    """
    answers = dict(work.health.get(lambda: ask(work.helpers, _probes(work))))
    set_aside = answers.pop(_SET_ASIDE)
    return {name: bool(well) for name, well in answers.items()}, set_aside


def ask(executor: Executor, probes: Mapping[str, Callable[[], int]]) -> dict[str, int | None]:
    """Run all probes at once; one that fails or takes longer than `TIMEOUT_SECONDS` is None."""
    futures = {name: executor.submit(probe) for name, probe in probes.items()}
    wait(futures.values(), timeout=TIMEOUT_SECONDS)
    return {name: _outcome(name, future) for name, future in futures.items()}


def database_answers(work: Services) -> bool:
    """Whether PostgreSQL answers and holds our tables."""
    with work.database.connection() as conn:
        return conn.execute("select 1 from app.users limit 1").rowcount >= 0


def worker_beats(work: Services) -> bool:
    """Whether a worker had a recent heartbeat: one that hangs has none."""
    with work.database.connection() as conn:
        return conn.execute(_ALIVE).fetchone() == (True,)


def holds(work: Services, name: str) -> bool:
    """Whether the check of `conditions` called `name` finds no problem."""
    with work.database.connection() as conn:
        return not conditions.CHECKS[name](conn, work.settings, work.clock())


def daemon_beats(work: Services) -> bool:
    """Whether Dagster's daemon had a recent heartbeat, by its webserver."""
    return not dagster_daemons.silent(_dagster(work, dagster_daemons.QUERY), time.time())


def schedules_tick(work: Services) -> bool:
    """Whether no schedule of the worker or of Dagster missed its tick."""
    late = dagster_daemons.late(_dagster(work, dagster_daemons.SCHEDULES), work.clock())
    return not late and holds(work, "schedules")


def _held(work: Services) -> int:
    """How many candles, quotes, forecasts and tokens are set aside."""
    with work.database.connection() as conn:
        return set_aside.count(conn)


def _probes(work: Services) -> dict[str, Callable[[], int]]:
    settings = work.settings
    return {
        _SET_ASIDE: lambda: _held(work),
        "postgres": lambda: database_answers(work),
        "redis": work.cache.ping,
        "ml": lambda: _answers(work, f"{settings.model_server_url}/health"),
        "worker": lambda: worker_beats(work),
        "jobs": lambda: holds(work, "jobs"),
        "schedules": lambda: schedules_tick(work),
        "data": lambda: holds(work, "data"),
        "backups": lambda: holds(work, "backups"),
        "connections": lambda: holds(work, "connections"),
        "audit": lambda: holds(work, "audit"),
        "books": lambda: holds(work, "books"),
        "orchestrator": lambda: _answers(work, f"{settings.orchestrator_url}/server_info"),
        "daemon": lambda: daemon_beats(work),
        "mlflow": lambda: _answers(work, f"{settings.tracking_url}/health"),
        "stream": lambda: _answers(work, f"{settings.stream_server_url}/health"),
        "supervisor": lambda: probes.supervisor_answers(settings),
        "disk": lambda: Room.of(settings).remedy is None,
    }


def _dagster(work: Services, query: str) -> Any:
    """The `data` that Dagster's webserver answers."""
    answer = work.http.post(
        f"{work.settings.orchestrator_url}/graphql",
        json={"query": query},
        headers=work.settings.service_headers,
        timeout=TIMEOUT_SECONDS,
    )
    return answer.raise_for_status().json()["data"]


def _answers(work: Services, url: str) -> bool:
    headers = work.settings.service_headers
    return work.http.get(url, headers=headers, timeout=TIMEOUT_SECONDS).is_success


def _outcome(name: str, future: Future[int]) -> int | None:
    if not future.done():
        _log.warning("no answer in time", server=name)
        return None
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, _FAILURES):
        raise error
    _log.warning("no answer", server=name, kind=type(error).__name__)
    return None

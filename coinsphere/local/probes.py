"""Probes whether each local process does its work, by asking it."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import redis

from coinsphere.clock import utc_now
from coinsphere.health import conditions as checks
from coinsphere.health import dagster_daemons
from coinsphere.local.state import State
from coinsphere.network import redis_pool
from coinsphere.settings import Role, Settings

Probe = Callable[[Settings], str | None]
"""Gives None where the process does its work, else what is wrong, in a few words."""

CONDITIONS_REMEDY = (
    "`coinsphere jobs list` and `coinsphere logs worker` say more; docs/runbooks tell what to do."
)
_SECONDS = 3.0
_DAGSTER_SECONDS = 10.0
START_SECONDS = 600
"""A process that never answered may take so long to begin: on a machine that does much else, imports alone take minutes.

One that ends, or whose port is taken, is told at once.
"""
BEAT_SECONDS = 120
"""A watch that did not look round for so long hangs itself: it waits ten seconds for each of the others."""
MASTER_BEAT_SECONDS = 30
"""It beats each second."""
_WORKER = "select count(*) from jobs.procrastinate_workers where last_heartbeat > now() - interval '20 seconds'"
_FEED = "select extract(epoch from clock_timestamp() - beat_at)::float from market.feed"
FEED_BEAT_SECONDS = 30
"""It beats each 5 s."""
_LOCATIONS = """
    query {
        workspaceOrError {
            ... on Workspace { locationEntries { name locationOrLoadError { __typename } } }
        }
    }
"""


@cache
def http() -> httpx2.Client:
    """The client that asks this machine's processes: one for each question would read all certificates, 20 ms of CPU.

    It keeps no connection: whoever is asked may have been started again.
    """
    return httpx2.Client(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))


def check(name: str, settings: Settings) -> str | None:
    """Ask the process called `name`. Returns what is wrong, None where all is well."""
    try:
        return _PROBES[name](settings)
    except (httpx2.HTTPError, psycopg.Error, redis.RedisError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {str(error).strip()}"[:200]


def supervisor_answers(settings: Settings) -> bool:
    """Whether the supervisor of this state lives and works; where none was started the platform does its work."""
    path = State(settings.state).supervisor_socket
    if not path.exists():
        return True
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_SECONDS)
            probe.connect(str(path))
            probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(probe.recv(1))
    except OSError:
        return False


def conditions(settings: Settings) -> list[str]:
    """Problems beyond the processes' own state, a sentence each: jobs, schedules, data, connections.

    Raises:
        psycopg.Error: the database does not answer.
    """
    now = utc_now()
    with psycopg.connect(settings.url_for(Role.WORKER), connect_timeout=3) as conn:
        problems = checks.problems(conn, settings, now)
    with suppress(httpx2.HTTPError, ValueError):  # that Dagster is away is told of its process
        problems["schedules"] += dagster_daemons.late(
            graphql(settings, dagster_daemons.SCHEDULES, seconds=_DAGSTER_SECONDS), now
        )
    return [f"{name}: {sentence}" for name, sentences in problems.items() for sentence in sentences]


def graphql(settings: Settings, query: str, *, seconds: float = 30.0, **variables: object) -> Any:
    """The `data` that Dagster's webserver answers to `query` within so many seconds.

    Raises:
        httpx2.HTTPError: it does not answer.
        ValueError: it answers with errors; carries the first one.
    """
    answer = http().post(
        f"{settings.orchestrator_url}/graphql",
        json={"query": query, "variables": variables},
        headers=settings.service_headers,
        timeout=seconds,
    )
    body = answer.raise_for_status().json()
    if body.get("errors"):
        raise ValueError(body["errors"][0]["message"])
    return body["data"]


def _postgres(settings: Settings) -> str | None:
    psycopg.connect(settings.dsn, connect_timeout=3).close()
    return None


def _redis(settings: Settings) -> str | None:
    with redis.Redis.from_url(settings.redis_dsn, **redis_pool.options(_SECONDS)) as client:
        client.ping()
    return None


def _http(port: str, path: str) -> Probe:
    def probe(settings: Settings) -> str | None:
        url = f"http://127.0.0.1:{getattr(settings, port)}{path}"
        answer = http().get(url, timeout=_SECONDS)
        return None if answer.is_success else f"HTTP {answer.status_code}"

    return probe


def _code_server(settings: Settings) -> str | None:
    """Ask it to speak: gRPC runs on HTTP/2, whose server begins by telling its settings (RFC 9113 3.4).

    A whole gRPC client would cost each caller a second and 30 MB.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_SECONDS)
        probe.connect(str(State(settings.state).code_socket))
        probe.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
        return None if probe.recv(1) else "closes at once"


def _api(settings: Settings) -> str | None:
    """Its workers answer, and their master, without whom none that ends has a successor, beats."""
    return _http("api_port", "/health/live")(settings) or master(settings)


def _beat(path: Callable[[State], Path], limit: float = BEAT_SECONDS) -> Probe:
    def probe(settings: Settings) -> str | None:
        age = time.time() - path(State(settings.state)).stat().st_mtime
        return f"did not look round for {age:.0f} s" if age > limit else None

    return probe


master = _beat(lambda state: state.api_beat, MASTER_BEAT_SECONDS)
"""Asks gunicorn's master, which no request reaches."""


def _webserver(settings: Settings) -> str | None:
    told = graphql(settings, _LOCATIONS, seconds=_DAGSTER_SECONDS)
    entries = told["workspaceOrError"].get("locationEntries", ())
    loaded = [
        entry
        for entry in entries
        if (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
    ]
    return None if loaded and len(loaded) == len(entries) else "our definitions are not loaded"


def _daemon(settings: Settings) -> str | None:
    told = graphql(settings, dagster_daemons.QUERY, seconds=_DAGSTER_SECONDS)
    ill = dagster_daemons.silent(told, time.time())
    return f"no heartbeat of {', '.join(ill)}" if ill else None


def _worker(settings: Settings) -> str | None:
    with psycopg.connect(settings.dsn, connect_timeout=3) as conn:
        (alive,) = conn.execute(_WORKER).fetchone() or (0,)
    return None if alive else "no heartbeat"


def _feed(settings: Settings) -> str | None:
    with psycopg.connect(settings.dsn, connect_timeout=3) as conn:
        (age,) = conn.execute(_FEED).fetchone() or (None,)
    if age is None:
        return "has not looked round yet"
    return f"did not look round for {age:.0f} s" if age > FEED_BEAT_SECONDS else None


_PROBES: dict[str, Probe] = {
    "postgres": _postgres,
    "redis": _redis,
    "mlflow": _http("mlflow_port", "/health"),
    "dagster-code": _code_server,
    "dagster-webserver": _webserver,
    "dagster-daemon": _daemon,
    "ml": _http("ml_port", "/health"),
    "api": _api,
    "worker": _worker,
    "stream": _http("stream_port", "/health"),
    "feed": _feed,
    "backup": _beat(lambda state: state.backup_beat),
    "watch": _beat(lambda state: state.beat),
}

"""Whether a process answers at all: one that is stopped or stuck keeps its port, but never answers."""

import time
from collections.abc import Callable

import httpx2
import psycopg
import redis

from coinsphere.health import dagster_daemons
from coinsphere.local import probes
from coinsphere.network import redis_pool
from coinsphere.settings import Settings

Answers = Callable[[Settings], bool | None]
"""Whether it answers; None where that cannot be told, as another process that knows is away."""

BEATING = frozenset({"dagster-daemon", "worker", "feed"})
"""They are known by beats that they write each 5 or 10 s and that count for 30, so to ask all the time tells no more."""
_SECONDS = 10.0
_WORKER = "select count(*) from jobs.procrastinate_workers where last_heartbeat > now() - interval '30 seconds'"


def answers(name: str, settings: Settings) -> bool | None:
    """Whether the process called `name` answers; None where that cannot be told.

    PostgreSQL is not asked: to kill it would end every transaction, and a person should decide that.
    """
    ask = _ASKED.get(name)
    try:
        return None if ask is None else ask(settings)
    except (httpx2.HTTPError, redis.RedisError, OSError):
        return False


def _http(port: str, path: str) -> Answers:
    def ask(settings: Settings) -> bool:
        url = f"http://127.0.0.1:{getattr(settings, port)}{path}"
        probes.http().get(url, timeout=_SECONDS)
        return True

    return ask


def _api(settings: Settings) -> bool | None:
    return _http("api_port", "/health/live")(settings) and probes.master(settings) is None


def _redis(settings: Settings) -> bool:
    with redis.Redis.from_url(settings.redis_dsn, **redis_pool.options(_SECONDS)) as client:
        return bool(client.ping())


def _code_server(settings: Settings) -> bool:
    return probes.check("dagster-code", settings) is None


def _daemon(settings: Settings) -> bool | None:
    try:
        answer = probes.graphql(settings, dagster_daemons.QUERY, seconds=_SECONDS)
    except (httpx2.HTTPError, ValueError):
        return None
    return dagster_daemons.beats(answer, time.time())


def _worker(settings: Settings) -> bool | None:
    try:
        with psycopg.connect(settings.dsn, connect_timeout=3) as conn:
            (alive,) = conn.execute(_WORKER).fetchone() or (0,)
    except psycopg.Error:
        return None
    return bool(alive)


def _feed(settings: Settings) -> bool | None:
    try:
        return probes.check("feed", settings) is None
    except psycopg.Error:
        return None


def _backup(settings: Settings) -> bool:
    return probes.check("backup", settings) is None


_ASKED: dict[str, Answers] = {
    "redis": _redis,
    "mlflow": _http("mlflow_port", "/health"),
    "dagster-code": _code_server,
    "dagster-webserver": _http("dagster_port", "/server_info"),
    "dagster-daemon": _daemon,
    "ml": _http("ml_port", "/health"),
    "api": _api,
    "worker": _worker,
    "stream": _http("stream_port", "/health"),
    "feed": _feed,
    "backup": _backup,
}

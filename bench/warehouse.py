"""What `dbt build` costs of a day more, with some history and with ten times as much: the real dbt on a server of its own."""

import os
import resource
import subprocess
import tempfile
import time

import psycopg

from bench.ingestion import database
from bench.measure import Measure
from bench.serving import cpu_seconds
from coinsphere.local.postgres import PostgresServer
from coinsphere.settings import Settings
from orchestration.warehouse import project

_DAYS = 150
_TIMES = 10
_FILL = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select t.id, '1d', day, p.price, p.price * 1.02, p.price * 0.98, p.price * 1.01, 1000, 'kraken', true, now()
    from market.tokens t
    cross join generate_series(
        date_trunc('day', now(), 'UTC') - make_interval(days => %(oldest)s),
        date_trunc('day', now(), 'UTC') - make_interval(days => %(newest)s), interval '1 day'
    ) as day
    cross join lateral (select 100 + extract(doy from day) as price) p
    where t.is_active
    on conflict do nothing
"""
_PARTITIONS = "select market.ensure_price_partitions((now() - make_interval(days => %(oldest)s))::date, now()::date)"


def run() -> list[Measure]:
    """CPU and time of the second of two builds, between which each token got one day; and both against ten times the history."""
    with database() as (server, pid):
        short, long = (_increment(server, pid, days) for days in (_DAYS, _TIMES * _DAYS))
    return [
        Measure("dbt build of a day, 150 days: CPU", short[0], "s"),
        Measure("dbt build of a day, 1,500 days: CPU", long[0], "s"),
        Measure("a day's dbt build with ten times the history", long[0] / short[0], "times the CPU", 1.2),
        Measure("the same by the clock", long[1] / short[1], "times"),
    ]  # fmt: skip


def _increment(server: PostgresServer, pid: int, days: int) -> tuple[float, float]:
    """CPU seconds of dbt and PostgreSQL, and seconds, of the build of one day more."""
    with psycopg.connect(server.url("coinsphere_owner"), autocommit=True) as conn:
        conn.execute(_PARTITIONS, {"oldest": days})
        conn.execute(_FILL, {"oldest": days, "newest": 2})
        _build(server)
        conn.execute(_FILL, {"oldest": 1, "newest": 1})
        conn.execute("analyze")
    before, began = _spent(pid), time.monotonic()
    _build(server)
    seconds = time.monotonic() - began
    with psycopg.connect(server.url("coinsphere_owner"), autocommit=True) as conn:
        conn.execute("delete from market.price_data where opened_at >= now() - interval '2 days'")
    return _spent(pid) - before, seconds


def _spent(pid: int) -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cpu_seconds(pid) + ended.ru_utime + ended.ru_stime


def _build(server: PostgresServer) -> None:
    url = server.url("coinsphere_pipeline")
    settings = Settings.from_env({"COINSPHERE_PIPELINE_DATABASE_URL": url})
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            "DBT_PROFILES_DIR": str(project.PROJECT),
            "DBT_TARGET_PATH": folder,
            "DBT_LOG_PATH": folder,
        }
        subprocess.run(
            [project.executable(), "--quiet", "build"],
            cwd=project.PROJECT,
            env={**os.environ, **project.environment(settings), **paths},
            check=True,
        )

"""Metrics of PostgreSQL and Redis: their size, their load, and whether Redis answers."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import psycopg
import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coinsphere.network import redis_pool
from coinsphere.observability.exposition import gauge
from coinsphere.settings import Role, Settings

_SECONDS = 1.0
# Counted by the server as it goes: a count of the rows themselves would read them, and see what one role may see. A crash
# and a restore forget that count, but not the planner's; where nobody has counted since, what is there is unknown.
_ROWS = """
    select s.relname, case
        when coalesce(s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze) is not null
            then s.n_live_tup
        when c.reltuples >= 0 then c.reltuples::bigint + s.n_live_tup
        when s.n_live_tup > 0 or pg_relation_size(c.oid) = 0 then s.n_live_tup
    end
    from pg_stat_user_tables s
    join pg_class c on c.oid = s.relid
    where s.schemaname || '.' || s.relname = any(%(tables)s)
"""
_TABLES = (
    "app.users",
    "app.sessions",
    "app.portfolios",
    "app.transactions",
    "app.alerts",
    "app.alert_events",
    "app.mails",
    "app.exchange_connections",
    "app.wallet_connections",
    "market.tokens",
    "market.consensus",
    "model.predictions",
)
_DATABASE = """
    select pg_database_size(datname)::float8, xact_commit::float8, xact_rollback::float8, deadlocks::float8,
        blks_hit::float8, blks_read::float8
    from pg_stat_database where datname = current_database()
"""
_OLDEST = """
    select coalesce(max(extract(epoch from now() - xact_start)), 0)::float8
    from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
_REDIS: Mapping[str, str] = {
    "used_memory": "coinsphere_redis_memory_bytes",
    "maxmemory": "coinsphere_redis_memory_most_bytes",
    "connected_clients": "coinsphere_redis_clients",
}


class StoreFigures(Collector):
    """Collects the metrics anew at each scrape; those of a store that does not answer are absent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """The figures of this instant."""
        yield from self._of_postgres()
        yield from self._of_redis()

    def _of_postgres(self) -> list[Metric]:
        try:
            with psycopg.connect(self._settings.url_for(Role.API), connect_timeout=3) as conn:
                return [_rows(conn), *_database(conn)]
        except psycopg.Error:
            return []  # `coinsphere_database_up` tells

    def _of_redis(self) -> list[Metric]:
        options = redis_pool.options(_SECONDS)
        try:
            with redis.Redis.from_url(self._settings.redis_dsn, **options) as client:
                info = cast("dict[str, Any]", client.info())
        except redis.RedisError:
            info = {}
        up = gauge("coinsphere_redis_up", "1 where Redis answers.", float(bool(info)))
        return [up, *(_of_info(info) if info else ())]


def _rows(conn: psycopg.Connection) -> Metric:
    description = (
        "About how many rows a table has: users, portfolios, transactions and what else counts."
    )
    family = GaugeMetricFamily("coinsphere_rows", description, labels=["table"])
    for table, rows in conn.execute(_ROWS, {"tables": list(_TABLES)}):
        if rows is not None:
            family.add_metric([table], rows)
    return family


def _database(conn: psycopg.Connection) -> list[Metric]:
    size, committed, undone, deadlocks, hits, reads = conn.execute(_DATABASE).fetchone() or [0] * 6
    (oldest,) = conn.execute(_OLDEST).fetchone() or (0,)
    ended = CounterMetricFamily(
        "coinsphere_database_transactions", "Transactions that ended.", labels=["outcome"]
    )
    ended.add_metric(["committed"], committed)
    ended.add_metric(["undone"], undone)
    blocks = CounterMetricFamily(
        "coinsphere_database_blocks",
        "Blocks that were wanted, by where they were.",
        labels=["found"],
    )
    blocks.add_metric(["memory"], hits)
    blocks.add_metric(["disk"], reads)
    return [
        gauge("coinsphere_database_bytes", "Size of the database.", size),
        gauge("coinsphere_database_oldest_seconds", "Age of the oldest transaction.", oldest),
        CounterMetricFamily("coinsphere_database_deadlocks", "Deadlocks broken.", value=deadlocks),
        ended,
        blocks,
    ]


def _of_info(info: Mapping[str, Any]) -> Iterator[Metric]:
    for key, name in _REDIS.items():
        yield gauge(name, f"What Redis calls {key}.", float(info[key]))
    evicted = CounterMetricFamily(
        "coinsphere_redis_lookups", "Keys that were looked up.", labels=["result"]
    )
    evicted.add_metric(["hit"], info["keyspace_hits"])
    evicted.add_metric(["miss"], info["keyspace_misses"])
    yield evicted
    description = "Keys that Redis dropped for want of memory."
    yield CounterMetricFamily("coinsphere_redis_evicted", description, value=info["evicted_keys"])

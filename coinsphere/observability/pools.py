"""Metrics of connection pools: requests that wait for a connection wait for everything."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from coinsphere.db.pool import Database
from coinsphere.observability.exposition import gauge

FIGURES: Mapping[str, tuple[str, str]] = {
    "coinsphere_pool_connections": ("pool_size", "Connections of the process to PostgreSQL."),
    "coinsphere_pool_free": ("pool_available", "Those of them that nobody uses."),
    "coinsphere_pool_waiting": ("requests_waiting", "Threads that wait for a connection."),
    "coinsphere_pool_most": ("pool_max", "Connections that the process may have."),
}
"""By name of the figure: what psycopg_pool calls it, and what it is."""


class PoolFigures(Collector):
    """The metrics of a process's one pool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this instant."""
        stats = self._database.stats()
        for name, (key, description) in FIGURES.items():
            yield gauge(name, description, stats.get(key, 0))

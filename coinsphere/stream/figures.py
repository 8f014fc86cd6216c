"""Prometheus metrics of the stream."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from coinsphere.observability.exposition import gauge
from coinsphere.stream.feed import Feed
from coinsphere.stream.hub import Hub


class StreamFigures(Collector):
    """The number of connections, and whether anything feeds them."""

    def __init__(self, hub: Hub, feed: Feed) -> None:
        self._hub, self._feed = hub, feed

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this instant."""
        listens = float(self._feed.listening.is_set())
        yield gauge("coinsphere_stream_listening", "1 where the database feeds it.", listens)
        clients = list(self._hub.clients)
        yield gauge("coinsphere_stream_clients", "Connections of clients.", len(clients))
        waiting = max((client.waiting for client in clients), default=0)
        description = "Messages that wait for the client who is furthest behind."
        yield gauge("coinsphere_stream_backlog", description, waiting)

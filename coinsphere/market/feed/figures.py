"""Prometheus metrics of the feed."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from coinsphere.market.feed.process import Feed


class FeedFigures(Collector):
    """Metrics of how each venue is read."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The figures of this instant."""
        states = [venue.state for venue in self._feed.venues]
        streaming = GaugeMetricFamily(
            "coinsphere_feed_streaming",
            "1 where a venue is heard, 0 where asked.",
            labels=["venue"],
        )
        updates = CounterMetricFamily(
            "coinsphere_feed_updates", "Prices that venues streamed.", labels=["venue"]
        )
        breaks = CounterMetricFamily(
            "coinsphere_feed_breaks", "Streams that broke, or did not begin.", labels=["venue"]
        )
        gaps = CounterMetricFamily(
            "coinsphere_feed_gaps", "Numbered messages that were left out.", labels=["venue"]
        )
        for each in states:
            streaming.add_metric([each.venue], float(each.state == "streaming"))
            updates.add_metric([each.venue], each.updates)
            breaks.add_metric([each.venue], each.breaks)
            gaps.add_metric([each.venue], each.gaps)
        yield from (streaming, updates, breaks, gaps)

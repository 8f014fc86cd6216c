"""The stream's counters for Prometheus."""

from prometheus_client import Counter

SENT = Counter("coinsphere_stream_messages", "Messages sent to clients.")
DROPPED = Counter("coinsphere_stream_dropped", "Clients that were cut off as they did not keep up.")

"""What is forgotten once it is of no use: answers kept for repeated requests, nonces of signatures."""

from datetime import datetime, timedelta

from psycopg import Connection

KEPT_REQUESTS = timedelta(hours=72)
KEPT_NONCES = timedelta(minutes=15)
"""A signature is good for five minutes, and clocks may differ by as much."""

_REQUESTS = "delete from app.idempotency_keys where created_at < %(before)s"
_NONCES = "delete from app.signature_nonces where seen_at < %(before)s"


def forget_requests(conn: Connection, now: datetime) -> int:
    """Forget the answers of requests that nobody repeats any more; how many they were."""
    return conn.execute(_REQUESTS, {"before": now - KEPT_REQUESTS}).rowcount


def forget_nonces(conn: Connection, now: datetime) -> int:
    """Forget nonces whose signatures are too old to be used again; how many they were."""
    return conn.execute(_NONCES, {"before": now - KEPT_NONCES}).rowcount

"""Metrics for Prometheus: rate, errors and duration of each route, and hits of the cache."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from coinsphere.observability.pools import FIGURES

REQUESTS = Counter("coinsphere_http_requests", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram(
    "coinsphere_http_request_duration_seconds",
    "Time from the request's arrival in the application to its answer.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PAGES = Counter(
    "coinsphere_cached_pages",
    "Cacheable answers, by whether Redis had them: hits over all is the hit ratio.",
    ["page", "result"],
)
CACHE_FAILURES = Counter("coinsphere_cache_failures", "Commands that Redis did not answer.")
PASSWORD_QUEUE_REFUSALS = Counter(
    "coinsphere_password_queue_refusals", "Logins told to come back as too many waited."
)
POOL = {
    key: Gauge(name, said, multiprocess_mode="livesum") for name, (key, said) in FIGURES.items()
}
"""Of all workers together, by what psycopg_pool calls it."""
CACHE_LEFT_ALONE = Gauge(
    "coinsphere_cache_left_alone",
    "Workers whose breaker leaves Redis alone at present.",
    multiprocess_mode="livesum",
)
PASSWORD_QUEUE = Gauge(
    "coinsphere_password_queue",
    "Passwords that are hashed or wait for it.",
    multiprocess_mode="livesum",
)


@lru_cache(maxsize=4_096)
def of_request(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The counter and the histogram of such requests, cached, as looking them up costs more than counting."""
    return REQUESTS.labels(method, route, status), DURATION.labels(method, route)


@lru_cache(maxsize=256)
def of_page(name: str, result: str) -> Counter:
    """The counter of such pages."""
    return PAGES.labels(name, result)

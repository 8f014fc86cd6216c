"""The HTTP client to the model server and to Dagster: short timeouts and no retries, as a user waits."""

import httpx2

from coinsphere.observability import parts, requests, traces

TIMEOUT = httpx2.Timeout(3.0, connect=0.5)


def client() -> httpx2.Client:
    """A client that many threads share; it connects on its first request."""
    return httpx2.Client(
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        event_hooks={"request": [_name_request]},
    )


def _name_request(request: httpx2.Request) -> None:
    """Adds the request's id and trace, which the other server logs and continues."""
    if request_id := requests.current():
        request.headers[requests.HEADER] = request_id
    if parent := traces.header():
        request.headers[parts.HEADER] = parent

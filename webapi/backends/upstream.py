"""HTTP to the model server and to Dagster: short timeouts, no retries, as a user waits for the answer."""

import httpx2

TIMEOUT = httpx2.Timeout(3.0, connect=0.5)


def client() -> httpx2.Client:
    """A client that many threads share; it connects on its first request."""
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)

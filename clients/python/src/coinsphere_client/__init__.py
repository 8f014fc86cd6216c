"""A thin client of Coinsphere's REST API: log in, retries, pages, exact decimals; sync and async."""

from coinsphere_client import bodies, models, routes
from coinsphere_client.asynchronous import AsyncClient
from coinsphere_client.errors import ApiError, ClientError, NotReached, UnexpectedAnswer
from coinsphere_client.protocol import Route
from coinsphere_client.synchronous import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ClientError",
    "NotReached",
    "Route",
    "UnexpectedAnswer",
    "bodies",
    "models",
    "routes",
]

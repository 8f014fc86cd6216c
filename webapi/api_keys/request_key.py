"""Reads the API key of the present request."""

import ipaddress
from typing import cast

from flask import g, request

from coinsphere.db.owner import Scope
from coinsphere.security import bearer
from webapi.api_keys import queries
from webapi.api_keys.queries import PresentedKey
from webapi.services import services

HEADER = "X-API-Key"
_KNOWN = "api_key"


def secret() -> str | None:
    """The key that the request presents as its bearer token or, without any `Authorization`, as `X-API-Key`.

    None if it presents something else, or nothing.
    """
    header = request.headers.get("Authorization")
    token = request.headers.get(HEADER) if header is None else bearer.credentials(header)
    return token if token is not None and token.startswith(queries.PREFIX) else None


def find() -> PresentedKey | None:
    """The live key of the request, looked up once; None if there is none."""
    if _KNOWN not in g:
        setattr(g, _KNOWN, _looked_up())
    return cast("PresentedKey | None", getattr(g, _KNOWN))


def is_from_allowed_network(key: PresentedKey) -> bool:
    """Whether the request comes from a network that the key allows; a key without networks allows all."""
    if not key.allowed_networks:
        return True
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(each) for each in key.allowed_networks)


def _looked_up() -> PresentedKey | None:
    presented = secret()
    if presented is None:
        return None
    work = services()
    now = work.clock()
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        key = queries.presented(conn, presented, now)
        if key is not None:
            queries.touch(conn, key, now, request.remote_addr)
    return key

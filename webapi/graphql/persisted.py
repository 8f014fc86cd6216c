"""Automatic persisted queries: a client sends a document's SHA-256, and the document only where it is not known.

https://www.apollographql.com/docs/apollo-server/performance/apq: a document is named by its own digest, so nobody can put another
one in its place, and no name has to be kept from anybody.
"""

import hashlib

from webapi.graphql.schemas import GraphqlIn
from webapi.http import errors
from webapi.services import services

NOT_FOUND = {
    "errors": [
        {
            "message": "PersistedQueryNotFound",
            "path": [],
            "locations": [],
            "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
        }
    ]
}
"""What clients look for, by message or by code, to send the document along."""
SECONDS = 24 * 3600.0
"""How long a document is remembered after it was last sent whole."""


def text_of(asked: GraphqlIn) -> str | None:
    """The document of a request; None where only its digest was sent, and it is not known.

    Raises:
        errors.Problem: 400, the digest is not that of the document, or there is neither.
    """
    wanted = asked.extensions and asked.extensions.persisted_query
    if not wanted:
        if asked.query is None:
            raise _refused("query", "give a query, or the digest of a persisted one")
        return asked.query
    if asked.query is None:
        cached = services().cache.get(_key(wanted.sha256_hash))
        return None if cached is None else cached.decode()
    if hashlib.sha256(asked.query.encode()).hexdigest() != wanted.sha256_hash:
        raise _refused("extensions.persistedQuery.sha256Hash", "is not the digest of the query")
    return asked.query


def remember(asked: GraphqlIn) -> None:
    """Cache a valid document by the digest that came with it."""
    wanted = asked.extensions and asked.extensions.persisted_query
    if wanted and asked.query is not None:
        services().cache.put(_key(wanted.sha256_hash), asked.query.encode(), SECONDS)


def _key(digest: str) -> str:
    return f"graphql:{digest}"


def _refused(path: str, message: str) -> errors.Problem:
    return errors.invalid([{"path": path, "message": message, "code": "persisted_query"}])

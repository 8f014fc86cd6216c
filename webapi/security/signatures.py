"""HTTP message signatures (RFC 9421, Ed25519) of requests that an API key makes.

A signature covers the method, the host, the whole address and, where there is a body, its digest; it is good for five
minutes and, by its nonce, once. Used nonces are rows of PostgreSQL: where that is away nothing is let in.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Request
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from psycopg import Connection

MAX_AGE = timedelta(seconds=300)
COVERED = ("@method", "@authority", "@target-uri")
MAX_NONCE = 128

_SEE = """
    insert into app.signature_nonces (api_key_id, nonce, seen_at) values (%(key_id)s, %(nonce)s, %(now)s)
    on conflict do nothing
    returning nonce
"""


class SignatureRefused(Exception):
    """The signature of a request is missing or wrong; says why, in words for its sender."""


class _Message:
    """A request in the form that the library reads."""

    def __init__(self, request: Request) -> None:
        self.method = request.method
        self.url = f"{request.scheme}://{request.host}{_target(request)}"
        self.headers = request.headers


class _OneKey(HTTPSignatureKeyResolver):
    """A key resolver with a single key, by the id that a signature must name."""

    def __init__(self, key_id: UUID, public_key: bytes) -> None:
        self._id = str(key_id)
        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """The key, where its id is asked for."""
        return self._key if key_id == self._id else None


def verify(request: Request, key_id: UUID, public_key: bytes, now: datetime) -> str:
    """Verify the signature of a request. Returns its nonce, which must be checked for reuse.

    Raises:
        SignatureRefused: there is none, it does not cover enough, is too old, or does not match.
    """
    body = request.get_data(cache=True)
    try:
        result = _verified(request, key_id, public_key, body)
    except HTTPMessageSignaturesException as error:
        raise SignatureRefused(f"the signature does not hold: {error}") from None
    # The library's age limit has its own clock and some tolerance.
    age = now - datetime.fromtimestamp(_number(result.parameters, "created"), now.tzinfo)
    if not -MAX_AGE <= age <= MAX_AGE:
        raise SignatureRefused("the signature is too old, or from the future: look at the clock")
    if body and result.body != body:
        raise SignatureRefused("the signature must cover content-digest")
    if not result.nonce or len(result.nonce) > MAX_NONCE:
        raise SignatureRefused(f"the signature needs a nonce of 1 to {MAX_NONCE} characters")
    return str(result.nonce)


def spend(conn: Connection, key_id: UUID, nonce: str, now: datetime) -> None:
    """Use up a nonce of a key: one of several attempts succeeds.

    Raises:
        SignatureRefused: it was used before.
    """
    cursor = conn.execute(_SEE, {"key_id": key_id, "nonce": nonce, "now": now})
    if cursor.fetchone() is None:
        raise SignatureRefused("the nonce was used before")


def _verified(request: Request, key_id: UUID, public_key: bytes, body: bytes) -> Any:
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(key_id, public_key)
    )
    results = verifier.verify(
        _Message(request), max_age=None, require_components=COVERED, body=body
    )
    if len(results) != 1:
        raise SignatureRefused("exactly one signature is needed")
    return results[0]


def _number(parameters: dict[str, Any], name: str) -> int:
    value = parameters.get(name)
    if not isinstance(value, int):
        raise SignatureRefused(f"the signature needs the parameter {name}")
    return value


def _target(request: Request) -> str:
    """Path and query as they came over the wire; Werkzeug's own are decoded."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    return str(raw) if raw else request.full_path.removesuffix("?")

"""The public halves of the keys that sign access tokens."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict

from coinsphere.security.signing.keys import JWKS_MAX_AGE
from webapi.http import json
from webapi.http.schema import Output
from webapi.security.access import public
from webapi.services import services

security = APIBlueprint("security", __name__, tag="Authentication")


class JwkOut(Output):
    """A public key (RFC 7517): RSA keys have `n` and `e`, P-256 and Ed25519 keys `crv` and `x`, the former also `y`."""

    kty: str
    use: str
    alg: str
    kid: str
    n: str | None = None
    e: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None


class KeySetOut(Output):
    """The public keys, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "keys": [
                    {
                        "kty": "RSA",
                        "use": "sig",
                        "alg": "RS256",
                        "kid": "tvHSn9TwZZ7wYLBNfWqjqn7TwA9GKPKR1sGSocGJoL8",
                        "n": "0vx7agoebGcQSuuPiLJXZptN9nnd…",
                        "e": "AQAB",
                    }
                ]
            }
        }
    )

    keys: list[JwkOut]


@security.get("/.well-known/jwks.json")
@public
@security.output(KeySetOut)
def jwks() -> Response:
    """The keys by which access tokens can be verified, as a JSON Web Key Set."""
    work = services()
    answer = Response(json.dumps(work.keyring.jwks(work.clock())), mimetype="application/json")
    answer.headers["Cache-Control"] = f"public, max-age={int(JWKS_MAX_AGE.total_seconds())}"
    return answer

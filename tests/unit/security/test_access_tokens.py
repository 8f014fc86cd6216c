"""The attack table: each of these tokens is refused, and the one that they are made from is believed."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from coinsphere.errors import TokenExpired, TokenRefused
from coinsphere.security.access_tokens import (
    Claims,
    Verifier,
    sign_access_token,
    verify_access_token,
)
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.security.signing.keys import SKEW

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
LIFE = timedelta(minutes=10)
USER, SESSION = uuid4(), uuid4()


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def keyring(request, tmp_path_factory: pytest.TempPathFactory) -> FileKeyring:
    return FileKeyring(tmp_path_factory.mktemp("keys"), request.param)


def claims(**changes: object) -> dict[str, object]:
    made = {
        "iss": "coinsphere", "aud": "coinsphere-api", "sub": str(USER), "sid": str(SESSION), "jti": "1",
        "iat": AT, "nbf": AT, "exp": AT + 600, **changes,
    }  # fmt: skip
    return {name: value for name, value in made.items() if value is not ...}


def encode(part: object) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def signed(keyring: FileKeyring, header: object = None, payload: object = None, **changes) -> str:
    """Signed with the right key, whatever header and payload say."""
    key = keyring.signing(NOW)
    ours = {"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}
    if isinstance(header, dict):
        header = {name: value for name, value in {**ours, **header}.items() if value is not ...}
    text = f"{encode(header or ours)}.{encode(payload or claims(**changes))}"
    algorithm = jwt.get_algorithm_by_name(key.algorithm)
    signature = algorithm.sign(text.encode(), key.private)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def public_pem(keyring: FileKeyring) -> bytes:
    return keyring.signing(NOW).public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def hs256(keyring: FileKeyring) -> str:
    """HMAC with the public key as its secret; PyJWT itself refuses to make it."""
    text = f"{encode({'alg': 'HS256', 'kid': keyring.signing(NOW).kid, 'typ': 'at+jwt'})}.{encode(claims())}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        text.encode(), public_pem(keyring)
    )
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def other_curve(keyring: FileKeyring) -> str:
    headers = {"kid": keyring.signing(NOW).kid, "typ": "at+jwt"}
    key = ec.generate_private_key(ec.SECP384R1())
    return jwt.encode(claims(), key, algorithm="ES384", headers=headers)


def as_es256(keyring: FileKeyring) -> str:
    """A stranger's P-256 key under our key's id."""
    headers = {"kid": keyring.signing(NOW).kid, "typ": "at+jwt"}
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims(), key, algorithm="ES256", headers=headers)


def unsigned(keyring: FileKeyring, algorithm: str) -> str:
    header = {"alg": algorithm, "kid": keyring.signing(NOW).kid, "typ": "at+jwt"}
    return f"{encode(header)}.{encode(claims())}."


def twice(keyring: FileKeyring, member: str) -> str:
    key = keyring.signing(NOW)
    header = f'{{"alg":"{key.algorithm}","kid":"{key.kid}","typ":"at+jwt","{member}":"none"}}'
    return signed(keyring, header)


def claim_twice(keyring: FileKeyring) -> str:
    text = json.dumps(claims())
    return signed(keyring, payload=text.replace('"sub"', f'"sub": "{uuid4()}", "sub"'))


def altered(keyring: FileKeyring) -> str:
    head, _, signature = signed(keyring).split(".")
    return f"{head}.{encode(claims(sub=str(uuid4())))}.{signature}"


ATTACKS: dict[str, Callable[[FileKeyring], str]] = {
    "alg none": lambda ring: unsigned(ring, "none"),
    "alg None": lambda ring: unsigned(ring, "None"),
    "alg empty": lambda ring: unsigned(ring, ""),
    "signature left out": lambda ring: signed(ring).rpartition(".")[0] + ".",
    "HS256 with the public PEM": hs256,
    "ES256 on another curve": other_curve,
    "a stranger's ES256": as_es256,
    "another algorithm of the same kind of key": lambda ring: signed(ring, {"alg": "PS256"}),
    "alg is a list": lambda ring: signed(ring, {"alg": ["RS256"]}),
    "payload altered": altered,
    "typ JWT": lambda ring: signed(ring, {"typ": "JWT"}),
    "typ of a refresh token": lambda ring: signed(ring, {"typ": "rt+jwt"}),
    "typ of a mail's link": lambda ring: signed(ring, {"typ": "verify+jwt"}),
    "no typ": lambda ring: signed(ring, {"typ": ...}),
    "no kid": lambda ring: signed(ring, {"kid": ...}),
    "kid unknown": lambda ring: signed(ring, {"kid": "unknown"}),
    "kid is a path": lambda ring: signed(ring, {"kid": "../../../../dev/null"}),
    "kid is a path of ours": lambda ring: signed(ring, {"kid": f"../keys/{ring.signing(NOW).record.file}"}),
    "kid is SQL": lambda ring: signed(ring, {"kid": "x' union select 'key' -- "}),
    "kid is a number": lambda ring: signed(ring, {"kid": 1}),
    "kid is null": lambda ring: signed(ring, {"kid": None}),
    "alg twice": lambda ring: twice(ring, "alg"),
    "kid twice": lambda ring: twice(ring, "kid"),
    "sub twice": claim_twice,
    "crit": lambda ring: signed(ring, {"crit": ["exp"]}),
    "crit with b64": lambda ring: signed(ring, {"crit": ["b64"], "b64": True}),
    "jku": lambda ring: signed(ring, {"jku": "https://attacker.example/jwks.json"}),
    "x5u": lambda ring: signed(ring, {"x5u": "https://attacker.example/key.pem"}),
    "jwk": lambda ring: signed(ring, {"jwk": ring.signing(NOW).jwk}),
    "x5c": lambda ring: signed(ring, {"x5c": ["MII"]}),
    "zip": lambda ring: signed(ring, {"zip": "DEF"}),
    "iss wrong": lambda ring: signed(ring, iss="https://attacker.example"),
    "iss missing": lambda ring: signed(ring, iss=...),
    "aud wrong": lambda ring: signed(ring, aud="another-api"),
    "aud is a list": lambda ring: signed(ring, aud=["coinsphere-api", "another-api"]),
    "aud missing": lambda ring: signed(ring, aud=...),
    "exp past": lambda ring: signed(ring, iat=AT - 700, nbf=AT - 700, exp=AT - 31),
    "exp missing": lambda ring: signed(ring, exp=...),
    "exp is text": lambda ring: signed(ring, exp="9999999999"),
    "exp is true": lambda ring: signed(ring, exp=True),
    "exp is huge": lambda ring: signed(ring, exp=10**400),
    "exp is a fraction": lambda ring: signed(ring, exp=AT + 0.5),
    "lives for a year": lambda ring: signed(ring, exp=AT + 31_536_000),
    "exp before iat": lambda ring: signed(ring, iat=AT + 20, exp=AT + 10),
    "nbf in the future": lambda ring: signed(ring, nbf=AT + 31),
    "iat in the future": lambda ring: signed(ring, iat=AT + 31),
    "iat negative": lambda ring: signed(ring, iat=-1),
    "sid missing": lambda ring: signed(ring, sid=...),
    "sid is no id": lambda ring: signed(ring, sid="1 or true"),
    "sub is a number": lambda ring: signed(ring, sub=7),
    "jti missing": lambda ring: signed(ring, jti=...),
    "payload is a list": lambda ring: signed(ring, payload="[]"),
    "payload is no JSON": lambda ring: signed(ring, payload="{"),
    "header is nested without end": lambda ring: signed(ring, "[" * 2_900),
    "four parts": lambda ring: signed(ring) + ".x",
    "two parts": lambda ring: signed(ring).rpartition(".")[0],
    "encrypted (five parts)": lambda ring: "a.b.c.d.e",
    "empty": lambda ring: "",
    "line break": lambda ring: signed(ring) + "\n",
    "blank in front": lambda ring: " " + signed(ring),
    "not ASCII": lambda ring: signed(ring)[:-1] + "é",
    "huge": lambda ring: signed(ring, jti="x" * 5_000),
}  # fmt: skip


def verify(keyring: FileKeyring, token: str, now: datetime = NOW) -> Claims:
    """As both ways judge it: one that remembers a good token, and one that never saw any."""
    verifier = Verifier(keyring, "coinsphere", "coinsphere-api")
    verifier.verify(signed(keyring), NOW)
    for _ in range(2):
        with suppress(TokenRefused):
            found = verifier.verify(token, now)
            assert found == verify_access_token(token, keyring, "coinsphere", "coinsphere-api", now)
    return verify_access_token(token, keyring, "coinsphere", "coinsphere-api", now)


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_refused(keyring: FileKeyring, attack: str) -> None:
    token = ATTACKS[attack](keyring)
    with pytest.raises(TokenRefused):
        verify(keyring, token)


def test_the_token_that_the_attacks_are_made_from_is_believed(keyring: FileKeyring) -> None:
    assert verify(keyring, signed(keyring)) == Claims(USER, SESSION, "1", NOW, NOW, NOW + LIFE)


def test_what_we_sign_is_believed_until_its_time_is_over(keyring: FileKeyring) -> None:
    token = sign_access_token(
        keyring, USER, SESSION, issuer="coinsphere", audience="coinsphere-api", now=NOW, life=LIFE
    )
    found = verify(keyring, token, NOW - SKEW)
    assert (found.user_id, found.session_id, found.expires_at) == (USER, SESSION, NOW + LIFE)
    assert UUID(found.token_id)
    verify(keyring, token, NOW + LIFE + SKEW - timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        verify(keyring, token, NOW + LIFE + SKEW)
    with pytest.raises(TokenRefused, match="not valid yet"):
        verify(keyring, token, NOW - SKEW - timedelta(seconds=1))

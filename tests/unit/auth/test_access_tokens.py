"""Which access tokens are ours: one that is, and every way in which one is not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coinsphere.auth.access_tokens import AccessToken, TokenRefused, Verifier, thumbprint

USER, SESSION = UUID(int=1), UUID(int=2)


@pytest.fixture(scope="module")
def keys():
    return [rsa.generate_private_key(65537, 2048) for _ in range(2)]


def _write(folder, number, key) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / f"{number:04d}-RS256.pem").write_bytes(pem)


def _token(key, *, kid=None, headers=None, algorithm="RS256", without=(), **claims) -> str:
    now = datetime.now(UTC)
    payload = {
        "sub": str(USER),
        "sid": str(SESSION),
        "jti": "1",
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(minutes=5),
        "iss": "coinsphere",
        "aud": "coinsphere-api",
        **claims,
    }
    payload = {name: value for name, value in payload.items() if name not in without}
    headers = {"typ": "at+jwt", "kid": kid or thumbprint(key.public_key()), **(headers or {})}
    return jwt.encode(payload, key, algorithm, headers)


@pytest.fixture
def verifier(tmp_path, keys):
    _write(tmp_path, 1, keys[0])
    return Verifier(tmp_path, "coinsphere", "coinsphere-api")


def test_a_token_of_ours_names_its_session_and_user(verifier, keys):
    assert verifier.verify(_token(keys[0])) == AccessToken(SESSION, USER)


def test_a_key_that_is_added_later_is_found(verifier, keys, tmp_path):
    with pytest.raises(TokenRefused):
        verifier.verify(_token(keys[1]))
    _write(tmp_path, 2, keys[1])
    assert verifier.verify(_token(keys[1])).user_id == USER
    assert verifier.verify(_token(keys[0])).user_id == USER


_LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.parametrize(
    "change",
    [
        {"exp": datetime(2026, 1, 1, tzinfo=UTC)},
        {"nbf": _LATER},
        {"iss": "somebody"},
        {"aud": "something"},
        {"sid": "not an id"},
        {"sub": 7},
        {"headers": {"typ": "JWT"}},
        {"kid": "unknown"},
        *(
            {"without": (name,)}
            for name in ("sub", "sid", "jti", "iat", "exp", "nbf", "iss", "aud")
        ),
    ],
    ids=str,
)
def test_a_token_that_lacks_or_misstates_anything_is_refused(verifier, keys, change):
    with pytest.raises(TokenRefused):
        verifier.verify(_token(keys[0], **change))


def test_a_token_of_a_foreign_key_that_borrows_our_key_id_is_refused(verifier, keys):
    with pytest.raises(TokenRefused):
        verifier.verify(_token(keys[1], kid=thumbprint(keys[0].public_key())))


def _forged(keys, algorithm: str) -> str:
    _, payload, signature = _token(keys[0]).split(".")
    header = {"alg": algorithm, "typ": "at+jwt", "kid": thumbprint(keys[0].public_key())}
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{text}.{payload}.{signature}"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_the_token_does_not_choose_its_algorithm(verifier, keys, algorithm):
    with pytest.raises(TokenRefused):
        verifier.verify(_forged(keys, algorithm))


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_a_good_signature_by_another_algorithm_is_refused(verifier, keys, algorithm):
    with pytest.raises(TokenRefused):
        verifier.verify(_token(keys[0], algorithm=algorithm))


def test_a_token_signed_with_our_public_key_as_a_secret_is_refused(verifier, keys):
    import hashlib
    import hmac

    pem = (
        keys[0]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    start = _forged(keys, "HS256").rpartition(".")[0]
    digest = hmac.new(pem, start.encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    with pytest.raises(TokenRefused):
        verifier.verify(f"{start}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é"])
def test_what_is_no_token_is_refused(verifier, token):
    with pytest.raises(TokenRefused):
        verifier.verify(token)

"""Asymmetric keys of the algorithms that sign access tokens: made, read from PEM files, checked, named.

The public half is a JSON Web Key (RFC 7517, 7518, 8037) whose id is its thumbprint (RFC 7638).
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from coinsphere.errors import ConfigurationError
from coinsphere.security import private_files

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
MODULUS_BITS = 3072


def generate(algorithm: str) -> PrivateKey:
    """A new key of one of `ALGORITHMS`. Raises ConfigurationError for any other."""
    if algorithm in ("RS256", "PS256"):
        return rsa.generate_private_key(public_exponent=65537, key_size=MODULUS_BITS)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    raise ConfigurationError(f"{algorithm} is none of {', '.join(ALGORITHMS)}.")


def read(path: Path, algorithm: str) -> PrivateKey:
    """The key of a PEM file, if it is strong and fits its algorithm. Raises ConfigurationError if not."""
    try:
        key = serialization.load_pem_private_key(private_files.read(path), password=None)
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is no private key: {error}") from error
    if not isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    ):
        raise ConfigurationError(f"{path} is neither an RSA, a P-256 nor an Ed25519 key.")
    _check(path, key, algorithm)
    return key


def write(path: Path, private: PrivateKey) -> None:
    """Write the key as PKCS #8 into a file that its owner alone may read."""
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    private_files.write(path, pem)


def members(key: PrivateKey) -> dict[str, str]:
    """The members of the public JWK that say which key it is."""
    jwk: dict[str, Any]
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}


def thumbprint(key: PrivateKey) -> str:
    """RFC 7638: SHA-256 over the required members in the order of their names."""
    digest = hashlib.sha256(msgspec.json.encode(members(key), order="sorted")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _check(path: Path, key: PrivateKey, algorithm: str) -> None:
    """Refuse a key that is weak or does not fit its algorithm."""
    fits = {
        "RS256": isinstance(key, rsa.RSAPrivateKey),
        "PS256": isinstance(key, rsa.RSAPrivateKey),
        "ES256": isinstance(key, ec.EllipticCurvePrivateKey)
        and isinstance(key.curve, ec.SECP256R1),
        "EdDSA": isinstance(key, ed25519.Ed25519PrivateKey),
    }
    if not fits.get(algorithm, False):
        raise ConfigurationError(f"{path} holds no key for {algorithm}.")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MODULUS_BITS:
        raise ConfigurationError(
            f"{path} has {key.key_size} bits; at least {MODULUS_BITS} are needed."
        )

"""Keys that sign access tokens: PEM files in one folder, made on the first start, public halves in a JWKS.

A key's file says its algorithm (`0001-RS256.pem`), so a token can never choose one; its id is the RFC 7638
thumbprint. The newest signs, all verify.
"""

import base64
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coinsphere.errors import ConfigurationError

ALGORITHM = "RS256"
MODULUS_BITS = 3072


@dataclass(frozen=True)
class SigningKey:
    """A private key bound to the one algorithm that it may be used with."""

    algorithm: str
    private: rsa.RSAPrivateKey

    @cached_property
    def public(self) -> rsa.RSAPublicKey:
        """The half that verifies."""
        return self.private.public_key()

    @cached_property
    def kid(self) -> str:
        """The key's id: its RFC 7638 thumbprint."""
        members = {"e": self._number("e"), "kty": "RSA", "n": self._number("n")}
        return _base64url(hashlib.sha256(msgspec.json.encode(members)).digest())

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.kid,
            "n": self._number("n"),
            "e": self._number("e"),
        }

    def _number(self, name: str) -> str:
        value: int = getattr(self.public.public_numbers(), name)
        return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class Keyring:
    """All keys of the folder, oldest first."""

    keys: tuple[SigningKey, ...]

    @property
    def signing(self) -> SigningKey:
        """The key that signs new tokens."""
        return self.keys[-1]

    def find(self, kid: object) -> SigningKey:
        """The key of that id. Raises LookupError: it is none of ours."""
        for key in self.keys:
            if key.kid == kid:
                return key
        raise LookupError("unknown key id")

    @property
    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public halves as a JSON Web Key Set."""
        return {"keys": [key.jwk for key in self.keys]}


def load(folder: Path) -> Keyring:
    """The keys in `folder`; the first start makes one.

    Raises:
        ConfigurationError: a key is too weak, is readable by others, or is no key.
    """
    with _locked(folder):
        if not any(folder.glob("*.pem")):
            _write(folder / f"0001-{ALGORITHM}.pem", generate())
    return Keyring(tuple(_read(path) for path in sorted(folder.glob("*.pem"))))


def generate() -> bytes:
    """A new private key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=MODULUS_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time make keys: several workers start at once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, pem: bytes) -> None:
    """Write a file of mode 0600 that exists in full or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _read(path: Path) -> SigningKey:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError(f"{path} can be read by others: run `chmod 600 {path}`.")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise ConfigurationError(f"{path} is no private key: {error}") from error
    algorithm = path.stem.partition("-")[2]
    if not isinstance(key, rsa.RSAPrivateKey) or algorithm != ALGORITHM:
        raise ConfigurationError(f"{path}: only RSA keys named NUMBER-{ALGORITHM}.pem are known.")
    if key.key_size < MODULUS_BITS:
        raise ConfigurationError(
            f"{path} has {key.key_size} bits; at least {MODULUS_BITS} are needed."
        )
    return SigningKey(algorithm, key)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

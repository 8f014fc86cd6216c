"""Keys and passwords."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from coinsphere.errors import ConfigurationError
from webapi import errors
from webapi.security import keys
from webapi.security.passwords import Passwords, problem_with


def pem(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def put(folder: Path, name: str, data: bytes, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_the_first_start_makes_one_key_that_stays(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    with ThreadPoolExecutor(4) as pool:
        rings = list(pool.map(lambda _: keys.load(folder), range(4)))
    assert len({ring.signing.kid for ring in rings}) == 1
    made = folder / "0001-RS256.pem"
    assert made.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_the_newest_key_signs_and_all_verify(tmp_path: Path) -> None:
    for name in ("0001-RS256.pem", "0002-RS256.pem"):
        put(tmp_path, name, pem(rsa.generate_private_key(65537, 3072)))
    ring = keys.load(tmp_path)
    assert [key.kid for key in ring.keys] == [each["kid"] for each in ring.jwks["keys"]]
    assert ring.signing is ring.keys[-1]
    assert ring.find(ring.keys[0].kid) is ring.keys[0]
    with pytest.raises(LookupError):
        ring.find("another")
    assert not {"d", "p", "q"} & set(ring.jwks["keys"][0])


@pytest.mark.parametrize(
    ("name", "make", "mode", "reason"),
    [
        ("0001-RS256.pem", lambda: rsa.generate_private_key(65537, 2048), 0o600, "2048 bits"),
        ("0001-RS256.pem", lambda: ec.generate_private_key(ec.SECP256R1()), 0o600, "only RSA"),
        ("0001-HS256.pem", lambda: rsa.generate_private_key(65537, 3072), 0o600, "only RSA"),
        ("0001-RS256.pem", None, 0o600, "no private key"),
        ("0001-RS256.pem", lambda: rsa.generate_private_key(65537, 3072), 0o644, "chmod 600"),
    ],
)
def test_an_unusable_key_is_named(tmp_path: Path, name, make, mode, reason) -> None:
    put(tmp_path, name, pem(make()) if make else b"nonsense", mode)
    with pytest.raises(ConfigurationError, match=reason):
        keys.load(tmp_path)


def test_a_password_is_its_own_only() -> None:
    passwords = Passwords()
    stored = passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horse ")
    assert not passwords.verify(None, "the password of an account that does not exist")
    assert not passwords.verify("no hash", "correct horse")
    assert not passwords.is_outdated(stored)


def test_too_many_at_once_are_told_to_come_back(monkeypatch) -> None:
    passwords = Passwords(concurrent=1, queue_seconds=0.01)
    begun, finish = Event(), Event()

    class Slow:
        def hash(self, _: str) -> str:
            begun.set()
            finish.wait(10)
            return "x"

    monkeypatch.setattr(passwords, "_hasher", Slow())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(passwords.hash, "a")
        begun.wait(10)
        with pytest.raises(errors.Problem) as refused:
            passwords.hash("b")
        finish.set()
        assert first.result() == "x"
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"]


@pytest.mark.parametrize(
    ("password", "is_fine"),
    [
        ("12345678", True),
        ("1234567", False),
        ("x" * 256, True),
        ("x" * 257, False),
        ("é" * 129, False),
    ],
)
def test_bounds_of_passwords(password: str, is_fine: bool) -> None:
    assert (problem_with(password) is None) == is_fine

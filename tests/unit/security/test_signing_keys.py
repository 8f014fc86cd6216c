"""A rotation second by second, and which keys are refused."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from coinsphere.errors import ConfigurationError, TokenRefused
from coinsphere.security.access_tokens import sign_access_token, verify_access_token
from coinsphere.security.private_keys import ALGORITHMS
from coinsphere.security.signing import key_folder, keyrings, rotation
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.security.signing.keys import JWKS_MAX_AGE, SKEW, KeyState

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIFE = timedelta(minutes=10)
ISSUER = {"issuer": "coinsphere", "audience": "coinsphere-api"}


def signed(keyring: keyrings.Keyring, now: datetime) -> str:
    return sign_access_token(keyring, uuid4(), uuid4(), now=now, life=LIFE, **ISSUER)


def seconds(start: datetime, length: timedelta) -> Iterator[datetime]:
    return (start + SECOND * second for second in range(int(length.total_seconds())))


def kids(keyring: keyrings.Keyring, now: datetime) -> set[str]:
    return {key["kid"] for key in keyring.jwks(now)["keys"]}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_first_start_makes_a_key_that_signs_and_verifies(
    tmp_path: Path, algorithm: str
) -> None:
    keyring = FileKeyring(tmp_path / "keys", algorithm)
    verify_access_token(signed(keyring, START), keyring, now=START, **ISSUER)
    (published,) = keyring.jwks(START)["keys"]
    assert published["alg"] == algorithm
    assert set(published) <= {"kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"}
    files = [path for path in (tmp_path / "keys").iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_at_no_second_of_a_rotation_a_token_is_refused(tmp_path: Path, algorithm: str) -> None:
    """Every live token verifies here, on clocks that are off by the skew, and by an old copy of the JWKS."""
    keyring = FileKeyring(tmp_path, "ES256")
    old = keyring.signing(START).kid
    rotated_at = START + timedelta(seconds=90)
    end = JWKS_MAX_AGE + LIFE + timedelta(minutes=6)
    tokens: dict[datetime, tuple[str, str]] = {}
    for now in seconds(START, end):
        if now == rotated_at:
            rotation.rotate(tmp_path, now, algorithm, LIFE)
        kid = keyring.signing(now).kid
        tokens[now] = (kid, signed(keyring, now))
        for age in (SECOND * 0, SECOND, LIFE / 2, LIFE - SECOND):
            if now - age in tokens:
                verify_access_token(tokens[now - age][1], keyring, now=now, **ISSUER)
                verify_access_token(tokens[now - age][1], keyring, now=now + SKEW, **ISSUER)
        if now - JWKS_MAX_AGE >= START:
            assert kid in kids(keyring, now - JWKS_MAX_AGE), "a cached JWKS does not know the key"
    used = [kid for kid, _ in tokens.values()]
    switch = int((rotated_at + JWKS_MAX_AGE - START).total_seconds())
    assert set(used[:switch]) == {old}
    assert len(set(used[switch:])) == 1
    assert kids(keyring, START + end + timedelta(minutes=1)) == set(used[switch:])


def test_a_key_that_has_retired_signs_nothing_new(tmp_path: Path) -> None:
    """Its thief can only make tokens that look as if they were signed before, and their time runs out."""
    keyring = FileKeyring(tmp_path, "EdDSA")
    stolen = keyrings.FixedKeyring((keyring.signing(START),))
    rotation.rotate(tmp_path, START, "EdDSA", LIFE)
    retired_at = START + JWKS_MAX_AGE
    later = retired_at + timedelta(minutes=2)
    with pytest.raises(TokenRefused, match="did not sign at that time"):
        verify_access_token(signed(stolen, later), keyring, now=later, **ISSUER)
    for now in seconds(retired_at + LIFE + 4 * SKEW, timedelta(minutes=3)):
        with pytest.raises(TokenRefused):
            verify_access_token(signed(stolen, retired_at - SECOND), keyring, now=now, **ISSUER)


def test_states_follow_the_clock_alone(tmp_path: Path) -> None:
    FileKeyring(tmp_path, "EdDSA")
    made = rotation.rotate(tmp_path, START, "EdDSA", LIFE)
    (old,) = (record for record in key_folder.records(tmp_path) if record.kid != made.kid)
    expected = [
        (START, KeyState.ACTIVE, KeyState.NEXT),
        (made.signs_from - SECOND, KeyState.ACTIVE, KeyState.NEXT),
        (made.signs_from, KeyState.RETIRED, KeyState.ACTIVE),
        (made.signs_from + LIFE, KeyState.RETIRED, KeyState.ACTIVE),
        (made.signs_from + LIFE + 3 * SKEW, KeyState.EXPIRED, KeyState.ACTIVE),
    ]
    for now, *states in expected:
        assert [old.state(now), made.state(now)] == states, now


def test_an_expired_key_is_deleted_by_the_next_rotation(tmp_path: Path) -> None:
    FileKeyring(tmp_path, "EdDSA")
    rotation.rotate(tmp_path, START, "EdDSA", LIFE)
    with pytest.raises(ConfigurationError, match="under way"):
        rotation.rotate(tmp_path, START + SECOND, "EdDSA", LIFE)
    rotation.rotate(tmp_path, START + timedelta(days=1), "EdDSA", LIFE)
    assert len(key_folder.records(tmp_path)) == len(list(tmp_path.glob("*.pem"))) == 2


def test_a_revoked_key_is_refused_at_once_and_replaced(tmp_path: Path) -> None:
    keyring = FileKeyring(tmp_path, "EdDSA")
    token, old = signed(keyring, START), keyring.signing(START)
    successor = rotation.revoke(tmp_path, old.kid, START)
    assert keyring.signing(START).kid == successor.kid != old.kid
    assert kids(keyring, START) == {successor.kid}
    with pytest.raises(TokenRefused, match="unknown key"):
        verify_access_token(token, keyring, now=START, **ISSUER)
    verify_access_token(signed(keyring, START), keyring, now=START, **ISSUER)
    assert not (tmp_path / old.record.file).exists()
    with pytest.raises(LookupError):
        rotation.revoke(tmp_path, old.kid, START)


def test_revoking_the_active_key_lets_the_next_one_sign(tmp_path: Path) -> None:
    keyring = FileKeyring(tmp_path, "EdDSA")
    following = rotation.rotate(tmp_path, START, "EdDSA", LIFE)
    rotation.revoke(tmp_path, keyring.signing(START).kid, START + SECOND)
    assert keyring.signing(START + SECOND).kid == following.kid


def test_revoking_the_next_key_leaves_the_active_one_in_office(tmp_path: Path) -> None:
    keyring = FileKeyring(tmp_path, "EdDSA")
    old = keyring.signing(START).kid
    following = rotation.rotate(tmp_path, START, "EdDSA", LIFE)
    rotation.revoke(tmp_path, following.kid, START + SECOND)
    for now in (START, START + timedelta(days=400)):
        assert keyring.signing(now).kid == old
        assert kids(keyring, now) == {old}


def test_a_clock_that_lags_revokes_a_key_and_another_signs(tmp_path: Path) -> None:
    """The key that a revocation has just made does not sign yet by that clock."""
    keyring = FileKeyring(tmp_path, "EdDSA")
    made = rotation.revoke(tmp_path, keyring.signing(START).kid, START + SKEW / 2)
    successor = rotation.revoke(tmp_path, made.kid, START)
    assert kids(keyring, START) == {successor.kid} != {made.kid}
    verify_access_token(signed(keyring, START), keyring, now=START, **ISSUER)


def test_the_first_of_those_that_wait_takes_over(tmp_path: Path) -> None:
    keyring = FileKeyring(tmp_path, "EdDSA")
    made = rotation.revoke(tmp_path, keyring.signing(START).kid, START + SECOND)
    following = rotation.rotate(tmp_path, START + SECOND * 2, "EdDSA", LIFE)
    assert rotation.revoke(tmp_path, made.kid, START).kid == following.kid
    verify_access_token(signed(keyring, START), keyring, now=START, **ISSUER)


def test_running_processes_read_the_files_only_after_a_change(tmp_path: Path, monkeypatch) -> None:
    keyring = FileKeyring(tmp_path, "EdDSA")
    reads = []
    real = keyrings.load
    monkeypatch.setattr(keyrings, "load", lambda folder: (reads.append(1), real(folder))[1])
    for _ in range(50):
        keyring.signing(START)
    assert reads == []
    rotation.rotate(tmp_path, START, "EdDSA", LIFE)
    assert len(keyring.jwks(START)["keys"]) == 2
    assert reads == [1]


def test_the_keys_of_an_earlier_version_are_taken_over(tmp_path: Path) -> None:
    for name in ("0001-RS256.pem", "0002-RS256.pem"):
        write_key(tmp_path / name, rsa.generate_private_key(public_exponent=65537, key_size=3072))
    os.utime(tmp_path / "0002-RS256.pem", (START.timestamp(), START.timestamp()))
    keyring = FileKeyring(tmp_path)
    assert keyring.signing(START).record.file == "0002-RS256.pem"
    assert len(kids(keyring, START)) == 2
    assert len(kids(keyring, START + timedelta(hours=2))) == 1


def write_key(path: Path, key) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("0001-RS256.pem", rsa.generate_private_key(public_exponent=65537, key_size=1024), "1024 bits"),
        ("0001-PS256.pem", rsa.generate_private_key(public_exponent=65537, key_size=2048), "2048 bits"),
        ("0001-ES256.pem", ec.generate_private_key(ec.SECP384R1()), "no key for ES256"),
        ("0001-ES256.pem", ed25519.Ed25519PrivateKey.generate(), "no key for ES256"),
        ("0001-HS256.pem", ed25519.Ed25519PrivateKey.generate(), "no key for HS256"),
    ],
    ids=["RSA-1024", "RSA-2048", "P-384", "Ed25519 as ES256", "HS256"],
)  # fmt: skip
def test_a_key_that_is_weak_or_of_another_kind_is_refused(
    tmp_path: Path, name: str, key, message: str
) -> None:
    write_key(tmp_path / name, key)
    with pytest.raises(ConfigurationError, match=message):
        FileKeyring(tmp_path)


def test_a_weak_key_is_refused_behind_a_list_of_keys_too(tmp_path: Path) -> None:
    keyring = FileKeyring(tmp_path, "RS256")
    record = keyring.signing(START).record
    write_key(
        tmp_path / record.file, rsa.generate_private_key(public_exponent=65537, key_size=1024)
    )
    with pytest.raises(ConfigurationError, match="1024 bits"):
        FileKeyring(tmp_path)


def test_another_key_under_a_known_id_is_refused(tmp_path: Path) -> None:
    record = FileKeyring(tmp_path, "EdDSA").signing(START).record
    write_key(tmp_path / record.file, ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(ConfigurationError, match="is not the key"):
        FileKeyring(tmp_path)


def test_a_list_of_keys_that_others_can_read_or_that_is_broken_is_refused(tmp_path: Path) -> None:
    FileKeyring(tmp_path, "EdDSA")
    manifest = tmp_path / "keyring.json"
    manifest.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        FileKeyring(tmp_path)
    manifest.chmod(0o600)
    manifest.write_text(json.dumps([{"kid": "x"}]))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        FileKeyring(tmp_path)

"""Sealed values open in their own place only, and only unaltered."""

import base64
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.errors import ConfigurationError, MalformedSeal, SealBroken, UnknownKey
from coinsphere.security import envelope, sealed_columns
from coinsphere.security.envelope import Place
from coinsphere.security.symmetric_keys import SymmetricKeys

PLAIN = b"apiKey and apiSecret"
HERE = Place("app.users", "totp_secret", UUID(int=1), UUID(int=2))
ELSEWHERE = [
    replace(HERE, table="app.exchange_connections"),
    replace(HERE, field="credentials"),
    replace(HERE, user_id=uuid4()),
    replace(HERE, row_id=uuid4()),
    # The same letters, cut elsewhere
    replace(HERE, table="app.userst", field="otp_secret"),
    replace(HERE, user_id=HERE.row_id, row_id=HERE.user_id),
]


@pytest.fixture
def keys(tmp_path: Path) -> SymmetricKeys:
    return SymmetricKeys(tmp_path / "keys")


def test_what_is_sealed_opens_in_its_place(keys: SymmetricKeys) -> None:
    sealed = envelope.seal(keys, PLAIN, HERE)
    assert PLAIN not in sealed
    assert envelope.open_(keys, sealed, HERE) == PLAIN


@given(plain=st.binary(max_size=3000))
def test_every_value_comes_back(plain: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    keys = SymmetricKeys(tmp_path_factory.getbasetemp() / "shared-keys")
    assert envelope.open_(keys, envelope.seal(keys, plain, HERE), HERE) == plain


@pytest.mark.parametrize(
    "place", ELSEWHERE, ids=["table", "field", "user", "row", "cut elsewhere", "ids swapped"]
)
def test_moved_elsewhere_it_does_not_open(keys: SymmetricKeys, place: Place) -> None:
    with pytest.raises(SealBroken):
        envelope.open_(keys, envelope.seal(keys, PLAIN, HERE), place)


def test_no_flipped_bit_goes_unnoticed(keys: SymmetricKeys) -> None:
    sealed = envelope.seal(keys, PLAIN, HERE)
    for bit in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises((SealBroken, UnknownKey, MalformedSeal)):
            envelope.open_(keys, bytes(altered), HERE)


def test_no_truncated_value_opens(keys: SymmetricKeys) -> None:
    sealed = envelope.seal(keys, PLAIN, HERE)
    for length in range(len(sealed)):
        with pytest.raises((SealBroken, MalformedSeal)):
            envelope.open_(keys, sealed[:length], HERE)


def test_each_value_has_a_data_key_and_a_nonce_of_its_own(keys: SymmetricKeys) -> None:
    sealed = [envelope.seal(keys, PLAIN, HERE) for _ in range(5_000)]
    assert (
        len({value[9:49] for value in sealed}) == len({value[49:61] for value in sealed}) == 5_000
    )


def test_an_unknown_key_is_named(keys: SymmetricKeys, tmp_path: Path) -> None:
    sealed = envelope.seal(SymmetricKeys(tmp_path / "others"), PLAIN, HERE)
    with pytest.raises(UnknownKey, match=envelope.key_id(sealed)):
        envelope.open_(keys, sealed, HERE)


def test_another_key_under_the_same_id_does_not_open_it(keys: SymmetricKeys) -> None:
    sealed = envelope.seal(keys, PLAIN, HERE)
    path = next(keys.folder.glob("*.key"))
    path.write_bytes(base64.b64encode(bytes(32)))
    with pytest.raises(SealBroken):
        envelope.open_(SymmetricKeys(keys.folder), sealed, HERE)


def test_rewrapping_changes_the_wrapped_key_alone(keys: SymmetricKeys) -> None:
    sealed = envelope.seal(keys, PLAIN, HERE)
    added = keys.add()
    moved = envelope.rewrap(keys, sealed)
    assert envelope.key_id(moved) == added.kid != envelope.key_id(sealed)
    assert moved[49:] == sealed[49:]
    keys.remove(envelope.key_id(sealed))
    assert envelope.open_(keys, moved, HERE) == PLAIN
    with pytest.raises(UnknownKey):
        envelope.open_(keys, sealed, HERE)


def test_values_of_version_1_open_for_ever(tmp_path: Path) -> None:
    """Sealed by this code on 2026-11-24; a change of the layout must come with a new version."""
    (tmp_path / "0001-0123456789abcdef.key").touch(mode=0o600)
    (tmp_path / "0001-0123456789abcdef.key").write_bytes(base64.b64encode(bytes(range(32))))
    place = sealed_columns.totp_secret(UUID(int=1))
    assert envelope.open_(SymmetricKeys(tmp_path), base64.b64decode(GOLDEN), place) == b"golden"


GOLDEN = "AQEjRWeJq83vZZUDXHTdcb9xXf+ZBNTUaBemljfOogGX4tH5vvXcMznl9ZBrk04q5IZRduFpgcUbi1UWCP3dB6yVwPCAb6KwykfiQBijCpkRwcw="


def test_keys_are_private_and_seen_by_every_process(tmp_path: Path) -> None:
    ours, theirs = SymmetricKeys(tmp_path / "keys"), SymmetricKeys(tmp_path / "keys")
    first = ours.active
    assert theirs.active == first
    assert [path.stat().st_mode & 0o777 for path in ours.folder.glob("*.key")] == [0o600]
    added = theirs.add()
    assert ours.active == added
    assert ours.find(first.kid) == first
    with pytest.raises(ConfigurationError, match="rotate first"):
        ours.remove(added.kid)
    ours.remove(first.kid)
    with pytest.raises(UnknownKey):
        theirs.find(first.kid)


def test_a_key_that_others_can_read_is_refused(keys: SymmetricKeys) -> None:
    path = keys.folder / f"0001-{keys.active.kid}.key"
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        _ = SymmetricKeys(keys.folder).active


@pytest.mark.parametrize("content", [b"", b"!!", base64.b64encode(bytes(16))])
def test_a_file_that_is_no_key_is_refused(keys: SymmetricKeys, content: bytes) -> None:
    (keys.folder / f"0001-{keys.active.kid}.key").write_bytes(content)
    with pytest.raises(ConfigurationError):
        _ = SymmetricKeys(keys.folder).active


def test_a_key_does_not_print(keys: SymmetricKeys) -> None:
    assert base64.b64encode(keys.active.secret).decode() not in repr(keys.active)
    assert "secret" not in repr(keys.active)

"""EIP-4361: what is read, what is refused, and that one act has one signature."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.chains.errors import OwnershipRefused
from coinsphere.wallets import sign_in
from coinsphere.wallets.sign_in import Expected, SignIn

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
MESSAGE = SignIn(
    domain="coinsphere.example", address=ADDRESS, uri="https://coinsphere.example", chain_id=1, nonce="abcDEF123456",
    issued_at=NOW, expires_at=NOW + timedelta(minutes=5), statement="Show that it is yours.",
)  # fmt: skip
EXPECTED = Expected("coinsphere.example", "https://coinsphere.example", 1, ADDRESS)


@pytest.mark.parametrize(
    "message", [MESSAGE, replace(MESSAGE, statement=None), replace(MESSAGE, expires_at=None)]
)
def test_what_is_written_is_read_again(message: SignIn) -> None:
    assert sign_in.parse(message.text()) == message
    sign_in.check(message, EXPECTED, NOW)


def test_every_field_of_the_standard_is_read() -> None:
    text = (
        MESSAGE.text()
        + "\nNot Before: 2026-11-24T08:30:00+01:00\nRequest ID: 7\nResources:\n- ipfs://a\n- https://b"
    )
    assert sign_in.parse(text).not_before == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("wants you", "wants  you"),
        ("\n\nShow", "\nShow"),
        ("Nonce: abcDEF123456", "Nonce: abc"),
        ("Nonce: abcDEF123456", "Nonce: abcDEF_123456"),
        ("Chain ID: 1", "Chain ID: one"),
        ("Issued At: 2026", "Issued At: yesterday 2026"),
        ("T08:00:00Z", "T28:00:00Z"),
        ("Version: 1\n", ""),
        ("coinsphere.example wants", "user@coinsphere.example wants"),
        ("URI: ", "Uri: "),
        ("yours.\n", "yours.\r\nNonce: zzzzzzzz\n\n"),
    ],
)
def test_what_does_not_follow_the_standard_is_refused(found: str, put: str) -> None:
    text = MESSAGE.text()
    assert found in text
    with pytest.raises(OwnershipRefused):
        sign_in.parse(text.replace(found, put, 1))


@pytest.mark.parametrize(
    "change",
    [
        {"domain": "coinsphere.example.evil.example"},
        {"uri": "https://coinsphere.example/"},
        {"chain_id": 10},
        {"version": "2"},
        {"address": "0x" + "1" * 40},
        {"address": ADDRESS.lower()},
        {"issued_at": NOW + timedelta(minutes=2)},
        {"issued_at": NOW - timedelta(minutes=7)},
        {"expires_at": NOW},
        {"not_before": NOW + timedelta(hours=1)},
    ],
)
def test_what_does_not_say_what_it_must_is_refused(change: dict) -> None:
    with pytest.raises(OwnershipRefused):
        sign_in.check(replace(MESSAGE, **change), EXPECTED, NOW)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(OwnershipRefused):
        sign_in.parse(text)


@given(st.binary(max_size=80) | st.binary(min_size=65, max_size=65))
def test_no_signature_breaks_the_recovery_or_is_anybodys(signature: bytes) -> None:
    assert sign_in.signer(MESSAGE.text(), signature) != ADDRESS


def test_the_signer_is_found_and_the_other_form_of_the_signature_is_not_taken() -> None:
    key = Account.create()
    text = MESSAGE.text()
    signature = bytes(key.sign_message(encode_defunct(text=text)).signature)
    assert sign_in.signer(text, signature) == key.address
    s = sign_in.SECPK1_N - int.from_bytes(signature[32:64], "big")
    other = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
    assert sign_in.signer(text, other) is None
    assert sign_in.signer(text + " ", signature) != key.address

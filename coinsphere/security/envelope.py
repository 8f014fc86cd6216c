"""Envelope encryption of single values: AES-256-GCM under a data key of their own, which a key-encryption key wraps.

A sealed value is bound to its place, so that moved to another row, user or column it does not open. Its layout::

    version (1) | id of the key-encryption key (8) | wrapped data key (40) | nonce (12) | ciphertext and tag (16 + n)

The place and the version are authenticated with the ciphertext. The wrapped data key is not: a new key-encryption key
re-wraps the 32 bytes of the data key (RFC 3394) and leaves the rest as it is.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from coinsphere.errors import MalformedSeal, SealBroken
from coinsphere.security.symmetric_keys import ID_BYTES, KEY_BYTES, SymmetricKeys

_VERSION = b"\x01"
_WRAPPED_BYTES = KEY_BYTES + 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_AT = len(_VERSION) + ID_BYTES
_NONCE_AT = _KEY_AT + _WRAPPED_BYTES
_TEXT_AT = _NONCE_AT + _NONCE_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """The row and column of a sealed value, which cannot be opened anywhere else.

    Attributes:
        table: with its schema, like `app.users`.
        field: the column.
        user_id: whose it is.
        row_id: the row's primary key; for `app.users` the user's.
    """

    table: str
    field: str
    user_id: UUID
    row_id: UUID

    @property
    def associated_data(self) -> bytes:
        """The place and the version as bytes, each part behind its length: no two places look alike."""
        parts = (
            _VERSION,
            self.table.encode(),
            self.field.encode(),
            self.user_id.bytes,
            self.row_id.bytes,
        )
        return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def seal(keys: SymmetricKeys, plain: bytes, place: Place) -> bytes:
    """`plain` encrypted for `place`, under a fresh data key."""
    data_key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
    text = AESGCM(data_key).encrypt(nonce, plain, place.associated_data)
    return _wrap(keys, data_key) + nonce + text


def open_(keys: SymmetricKeys, sealed: bytes, place: Place) -> bytes:
    """The plain value of what was sealed for `place`.

    Raises:
        MalformedSeal: too short, or of a version that this code does not know.
        UnknownKey: its key-encryption key is not in the folder.
        SealBroken: it was altered, or sealed for another place.
    """
    data_key = _unwrap(keys, sealed)
    nonce, text = sealed[_NONCE_AT:_TEXT_AT], sealed[_TEXT_AT:]
    try:
        return AESGCM(data_key).decrypt(nonce, text, place.associated_data)
    except InvalidTag:
        raise SealBroken(f"a value of {place.table}.{place.field} does not open") from None


def rewrap(keys: SymmetricKeys, sealed: bytes) -> bytes:
    """The same sealed value with its data key wrapped by the active key; the ciphertext stays as it is.

    Raises:
        MalformedSeal, UnknownKey, SealBroken: as `open_`.
    """
    return _wrap(keys, _unwrap(keys, sealed)) + sealed[_NONCE_AT:]


def key_id(sealed: bytes) -> str:
    """The id of the key-encryption key that a sealed value needs. Raises MalformedSeal."""
    if len(sealed) < _TEXT_AT + _TAG_BYTES:
        raise MalformedSeal(f"a sealed value has {_TEXT_AT + _TAG_BYTES} bytes or more")
    if sealed[:1] != _VERSION:
        raise MalformedSeal(f"sealed values of version {sealed[0]} are not known")
    return sealed[1:_KEY_AT].hex()


def prefix(kid: str) -> bytes:
    """How every value begins whose data key is wrapped by that key-encryption key."""
    return _VERSION + bytes.fromhex(kid)


def _wrap(keys: SymmetricKeys, data_key: bytes) -> bytes:
    wrapping = keys.active
    return prefix(wrapping.kid) + aes_key_wrap(wrapping.secret, data_key)


def _unwrap(keys: SymmetricKeys, sealed: bytes) -> bytes:
    wrapping = keys.find(key_id(sealed))
    try:
        return aes_key_unwrap(wrapping.secret, sealed[_KEY_AT:_NONCE_AT])
    except InvalidUnwrap:
        raise SealBroken("a wrapped data key was altered") from None

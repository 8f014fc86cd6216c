"""Push messages to browsers: RFC 8030, encrypted by RFC 8291, with a sender identified by RFC 8292 (VAPID).

A browser subscribes for one public key of ours and takes messages that its private key signed. So each user has a pair,
which is derived from the key that seals what is stored: a page can ask for it again without keeping it.
"""

import base64
import json
import re
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from coinsphere.notify.channels.receiver import (
    Message,
    Outgoing,
    ReceiverFault,
    cut,
    host,
    require_text,
    require_url,
)

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has (SEC 2, 2.4.2)."""
_RECORD = 4096
_TITLE, _TEXT = 200, 800
"""Characters of what is told: a message has 4 KiB, and a character up to 12 bytes of JSON."""
_LIFE = timedelta(days=1)
"""For how long a push service keeps a message for a browser that is off."""
_TOKEN_LIFE = timedelta(hours=12)
_POINT = re.compile(r"[A-Za-z0-9_-]{86,87}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{22}")


def sender_key(secret: bytes, user_id: UUID) -> str:
    """The private key that identifies us to a user's browsers, in the form of `WebPush.key`.

    More bits than the curve has, so that no scalar is likelier than another (FIPS 186-5 A.2.1).
    """
    derive = HKDF(hashes.SHA256(), 40, None, b"coinsphere web push " + user_id.bytes)
    scalar = int.from_bytes(derive.derive(secret), "big") % (_ORDER - 1) + 1
    return _text(scalar.to_bytes(32, "big"))


def public_key(key: str) -> str:
    """The public half of the key, which a browser subscribes with (`applicationServerKey`)."""
    return _text(_point(_private(key).public_key()))


@dataclass(frozen=True, slots=True)
class WebPush:
    """A browser that subscribed: its address, its keys, and ours; `contact` is whom its push service may write to."""

    url: str
    p256dh: str
    auth: str
    key: str
    contact: str
    GONE: ClassVar[frozenset[int]] = frozenset((404, 410))

    def check(self, *, is_private_allowed: bool) -> None:
        """Raise `ReceiverFault` for a field that cannot be right."""
        require_url("url", self.url, is_private_allowed=is_private_allowed)
        require_text("p256dh", self.p256dh, _POINT, "a public key in base64url")
        require_text("auth", self.auth, _SECRET, "16 bytes in base64url")
        try:
            _public(self.p256dh)
        except ValueError:
            raise ReceiverFault("p256dh", "must be a point of the curve P-256") from None

    @property
    def hint(self) -> str:
        """The host of its push service."""
        return host(self.url)

    def request(self, message: Message, now: datetime) -> Outgoing:
        """The sealed message; a newer one of the same id takes its place at the push service."""
        payload = {
            "id": str(message.id),
            "title": cut(message.title, _TITLE),
            "text": cut(message.text, _TEXT),
        }
        content = sealed(
            json.dumps(payload, ensure_ascii=False).encode(),
            _public(self.p256dh),
            _bytes(self.auth),
            sender=ec.generate_private_key(_CURVE),
            salt=secrets.token_bytes(16),
        )
        headers = {
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(int(_LIFE.total_seconds())),
            "urgency": "high",
            "topic": _text(message.id.bytes),
            "authorization": f"vapid t={self._token(now)}, k={public_key(self.key)}",
        }
        return Outgoing(self.url, content, headers)

    def _token(self, now: datetime) -> str:
        """The token that identifies the sender, for this push service alone."""
        parts = urlsplit(self.url)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + _TOKEN_LIFE).timestamp()),
            "sub": self.contact,
        }
        return jwt.encode(claims, _private(self.key), algorithm="ES256")


def sealed(
    content: bytes,
    receiver: ec.EllipticCurvePublicKey,
    auth: bytes,
    *,
    sender: ec.EllipticCurvePrivateKey,
    salt: bytes,
) -> bytes:
    """One record that the receiver alone opens (RFC 8291 3.4, RFC 8188 2).

    Args:
        content: up to 3,993 bytes.
        receiver: the browser's key, `p256dh`.
        auth: the browser's secret, 16 bytes.
        sender: a key for this message alone.
        salt: 16 random bytes.
    """
    shared = sender.exchange(ec.ECDH(), receiver)
    own = _point(sender.public_key())
    secret = _derived(auth, shared, b"WebPush: info\0" + _point(receiver) + own, 32)
    key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
    # The last record ends with a two.
    record = AESGCM(key).encrypt(nonce, content + b"\x02", None)
    return salt + struct.pack("!IB", _RECORD, len(own)) + own + record


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _private(key: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_bytes(key), "big"), _CURVE)


def _public(text: str) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _bytes(text))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    return key.public_bytes(encoding, form)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

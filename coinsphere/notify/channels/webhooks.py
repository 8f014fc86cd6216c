"""Signed webhooks, as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from coinsphere.clock import iso
from coinsphere.notify.channels.receiver import (
    Message,
    Outgoing,
    ReceiverFault,
    host,
    require_text,
    require_url,
)

PREFIX = "whsec_"
_SECRET_BYTES = 32
_LEAST_BYTES, _MOST_BYTES = 24, 64
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]+={0,2}")


def new_secret() -> str:
    """A secret to sign with: 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, content: bytes) -> str:
    """The signature of one delivery: HMAC-SHA256 of id, time and body.

    Args:
        secret: as `new_secret` makes them.
        message_id: the header `webhook-id`.
        timestamp: seconds since 1970, the header `webhook-timestamp`.
        content: the body as it is sent.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that takes signed JSON."""

    url: str
    secret: str
    GONE: ClassVar[frozenset[int]] = frozenset((410,))

    def check(self, *, is_private_allowed: bool) -> None:
        """Raise `ReceiverFault` for a field that cannot be right."""
        require_url("url", self.url, is_private_allowed=is_private_allowed)
        require_text("secret", self.secret, _SECRET, "a secret that begins with whsec_")
        try:
            length = len(base64.b64decode(self.secret.removeprefix(PREFIX), validate=True))
        except ValueError:
            raise ReceiverFault("secret", "must be whsec_ and base64") from None
        if not _LEAST_BYTES <= length <= _MOST_BYTES:
            raise ReceiverFault("secret", "must hold 24 to 64 bytes")

    @property
    def hint(self) -> str:
        """Its host."""
        return host(self.url)

    def request(self, message: Message, now: datetime) -> Outgoing:
        """The signed message; its time is that of the attempt, its id is the same at each."""
        content = msgspec.json.encode(
            {
                "type": message.type,
                "timestamp": iso(message.at),
                "data": msgspec.Raw(message.data.encode()),
            }
        )
        timestamp = int(now.timestamp())
        identity = str(message.id)
        headers = {
            "content-type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secret, identity, timestamp, content),
        }
        return Outgoing(self.url, content, headers)

"""All kinds of channels by name, and how a stored receiver is read."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

import msgspec

from coinsphere.notify.channels.chats import Discord, Ntfy, Slack, Telegram
from coinsphere.notify.channels.push import WebPush
from coinsphere.notify.channels.receiver import Receiver, ReceiverFault
from coinsphere.notify.channels.webhooks import Webhook

KINDS: dict[str, Any] = {
    "webhook": Webhook,
    "telegram": Telegram,
    "discord": Discord,
    "slack": Slack,
    "ntfy": Ntfy,
    "web_push": WebPush,
}
"""Each kind's class of receivers; all their fields are texts."""


def make(kind: str, values: Mapping[str, str], *, is_private_allowed: bool) -> Receiver:
    """The receiver of a kind with the fields that a user gives.

    Args:
        kind: one of `KINDS`.
        values: its fields by their names in Python; those with a default may be left out.
        is_private_allowed: whether it may lie in a private network.

    Raises:
        ReceiverFault: a field is missing, is none of this kind, or cannot be right.
    """
    allowed = {field.name: field for field in fields(KINDS[kind])}
    for name in values.keys() - allowed.keys():
        raise ReceiverFault(wire(name), f"is no field of a channel of the kind {kind}")
    for name, field in allowed.items():
        if field.default is MISSING and not values.get(name):
            raise ReceiverFault(wire(name), f"is needed for a channel of the kind {kind}")
    receiver: Receiver = KINDS[kind](**values)
    receiver.check(is_private_allowed=is_private_allowed)
    return receiver


def pack(receiver: Receiver) -> bytes:
    """The fields of a receiver as bytes, to be sealed."""
    return msgspec.json.encode(asdict(receiver))  # type: ignore[call-overload]  # each kind is a dataclass


def unpack(kind: str, packed: bytes) -> Receiver:
    """The receiver of what `pack` made."""
    receiver: Receiver = KINDS[kind](**msgspec.json.decode(packed, type=dict[str, str]))
    return receiver


def wire(name: str) -> str:
    """A field's name as the API has it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)

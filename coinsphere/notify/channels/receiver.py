"""The interface that every kind of channel implements: webhooks, chats and push services.

To add a kind: a frozen dataclass of text fields with `check`, `hint` and `request`, and its line in `kinds.KINDS`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from urllib.parse import urlsplit
from uuid import UUID

_MOST_URL = 1000
_MISSED = (408, 425, 429)
_SERVER = 500
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class ReceiverFault(ValueError):
    """A field of a channel cannot be right; `field` names it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


class Verdict(StrEnum):
    """The meaning of an answer for the message and its channel."""

    TAKEN = "taken"
    AWAY = "away"
    """No message gets through now."""
    REFUSED = "refused"
    """This message was not taken; others may be."""
    GONE = "gone"
    """The channel does not exist any more, or our key to it is dead."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a channel; `id` is the same at each attempt.

    Attributes:
        type: for programs: `alert.fired`, `alerts.digest`, `test`.
        at: when what it tells happened.
        title: one line, in the language of its reader.
        text: some lines.
        data: a JSON object with exact numbers, for programs.
    """

    id: UUID
    type: str
    at: datetime
    title: str
    text: str
    data: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A POST; the address may hold a secret, and is never logged."""

    url: str
    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer, with the start of its body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Receiver(Protocol):
    """The destination of one channel. Its fields are texts, and are stored sealed."""

    GONE: ClassVar[frozenset[int]]
    """Statuses that mean that the channel is no more."""

    def check(self, *, is_private_allowed: bool) -> None:
        """Raise `ReceiverFault` for a field that cannot be right."""
        ...

    @property
    def hint(self) -> str:
        """A name by which its owner recognises it, without a secret."""
        ...

    def request(self, message: Message, now: datetime) -> Outgoing:
        """The request that delivers the message."""
        ...


def verdict(receiver: Receiver, answer: Answer) -> Verdict:
    """The verdict on an answer. A redirect is a refusal, as its target was not checked."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 - successes (RFC 9110 15.3)
        return Verdict.TAKEN
    if answer.status in receiver.GONE:
        return Verdict.GONE
    if answer.status in _MISSED or answer.status >= _SERVER:
        return Verdict.AWAY
    return Verdict.REFUSED


def require_url(name: str, url: str, *, is_private_allowed: bool) -> None:
    """Validate an address as far as that is possible without a request.

    What lies behind its name is looked at when a message is sent (`coinsphere.network.outbound`).

    Raises:
        ReceiverFault: it is none that messages are sent to.
    """
    if len(url) > _MOST_URL or not _VISIBLE.fullmatch(url):
        raise ReceiverFault(name, f"must be an address of at most {_MOST_URL} printable characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ReceiverFault(name, "is no address") from None
    schemes = ("https", "http") if is_private_allowed else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise ReceiverFault(name, "must be an address that begins with https://")
    if parts.username is not None or parts.password is not None:
        raise ReceiverFault(name, "must hold no user or password")
    if port not in (None, 443) and not is_private_allowed:
        raise ReceiverFault(name, "must use the port 443")


def require_text(name: str, text: str, pattern: re.Pattern[str], meaning: str) -> None:
    """Validate a field that is no address. Raises `ReceiverFault`."""
    if not pattern.fullmatch(text):
        raise ReceiverFault(name, f"must be {meaning}")


def host(url: str) -> str:
    """The host of an address that was checked."""
    return urlsplit(url).hostname or ""


def cut(text: str, most: int) -> str:
    """`text` with at most so many characters; what is left out is shown by an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"

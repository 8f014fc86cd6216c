"""Chats and push services: Telegram, Discord, Slack and ntfy, each by its own small interface."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from coinsphere.notify.channels.receiver import (
    Message,
    Outgoing,
    cut,
    host,
    require_text,
    require_url,
)

_DISCORD_MOST = 2000
_TELEGRAM_MOST = 4096
_SLACK_MOST = 4000
_NTFY_MOST = 1000
_BOT_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}")
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"[\x21-\x7e]{0,200}")


@dataclass(frozen=True, slots=True)
class Telegram:
    """A chat, by a bot of the user's own (https://core.telegram.org/bots/api#sendmessage)."""

    token: str
    chat_id: str
    server: str = "https://api.telegram.org"
    GONE: ClassVar[frozenset[int]] = frozenset((401, 403, 404))

    def check(self, *, is_private_allowed: bool) -> None:
        """Raise `ReceiverFault` for a field that cannot be right."""
        require_text("token", self.token, _BOT_TOKEN, "a bot's token, as 123456:ABC…")
        require_text("chatId", self.chat_id, _CHAT, "a chat's number, or @name of a channel")
        require_url("server", self.server, is_private_allowed=is_private_allowed)

    @property
    def hint(self) -> str:
        """The chat."""
        return self.chat_id

    def request(self, message: Message, now: datetime) -> Outgoing:  # noqa: ARG002  the interface has it
        """Plain text, so that nothing in it is taken for a format."""
        body = {"chat_id": self.chat_id, "text": _lines(message, _TELEGRAM_MOST)}
        return _post(f"{self.server.rstrip('/')}/bot{self.token}/sendMessage", body)


@dataclass(frozen=True, slots=True)
class _ByAddress:
    """A channel whose address is a secret: whoever knows it may write there."""

    url: str

    def check(self, *, is_private_allowed: bool) -> None:
        """Raise `ReceiverFault` for a field that cannot be right."""
        require_url("url", self.url, is_private_allowed=is_private_allowed)

    @property
    def hint(self) -> str:
        """Its host."""
        return host(self.url)


@dataclass(frozen=True, slots=True)
class Discord(_ByAddress):
    """A channel, by its webhook (https://discord.com/developers/docs/resources/webhook#execute-webhook)."""

    GONE: ClassVar[frozenset[int]] = frozenset((401, 403, 404))

    def request(self, message: Message, now: datetime) -> Outgoing:  # noqa: ARG002  the interface has it
        """A text in which nobody is mentioned, whatever a portfolio is called."""
        body = {
            "content": _lines(message, _DISCORD_MOST),
            "allowed_mentions": {"parse": []},
        }
        return _post(self.url, body)


@dataclass(frozen=True, slots=True)
class Slack(_ByAddress):
    """A channel, by its incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""

    GONE: ClassVar[frozenset[int]] = frozenset((403, 404, 410))

    def request(self, message: Message, now: datetime) -> Outgoing:  # noqa: ARG002  the interface has it
        """A text with the three signs escaped by which Slack marks mentions and links."""
        text = _lines(message, _SLACK_MOST)
        for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(sign, escaped)
        return _post(self.url, {"text": text, "mrkdwn": False})


@dataclass(frozen=True, slots=True)
class Ntfy:
    """A topic of ntfy.sh or of a server of one's own (https://docs.ntfy.sh/publish/#publish-as-json)."""

    topic: str
    token: str = ""
    server: str = "https://ntfy.sh"
    GONE: ClassVar[frozenset[int]] = frozenset()

    def check(self, *, is_private_allowed: bool) -> None:
        """Raise `ReceiverFault` for a field that cannot be right."""
        require_text("topic", self.topic, _TOPIC, "at most 64 letters, digits, _ and -")
        require_text("token", self.token, _TOKEN, "at most 200 printable characters")
        require_url("server", self.server, is_private_allowed=is_private_allowed)

    @property
    def hint(self) -> str:
        """The server alone: who knows a topic's name can read it."""
        return host(self.server)

    def request(self, message: Message, now: datetime) -> Outgoing:  # noqa: ARG002  the interface has it
        """Title and text apart."""
        body = {
            "topic": self.topic,
            "title": cut(message.title, 200),
            "message": cut(message.text, _NTFY_MOST),
        }
        return _post(
            self.server, body, {"authorization": f"Bearer {self.token}"} if self.token else {}
        )


def _lines(message: Message, most: int) -> str:
    return cut(f"{message.title}\n{message.text}".strip(), most)


def _post(url: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Outgoing:
    return Outgoing(
        url, msgspec.json.encode(body), {"content-type": "application/json", **(headers or {})}
    )

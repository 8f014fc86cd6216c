"""Request and response bodies of `/channels`."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from webapi.http.schema import Input, Line, Name, Output, Query

Kind = Literal["webhook", "telegram", "discord", "slack", "ntfy", "web_push"]
MOST_MINUTES = 7 * 24 * 60


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("is no time zone such as Europe/Berlin")
    return name


Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
Zone = Annotated[Line, StringConstraints(max_length=64), AfterValidator(_zone)]
Minutes = Annotated[int, Field(ge=1, le=MOST_MINUTES, strict=True)]
Text = Annotated[Line, StringConstraints(max_length=1000)]


class ChannelIn(Input):
    """A new channel.

    A webhook needs `url`, Telegram `token` and `chatId`, Discord and Slack `url`, ntfy `topic`; a browser that subscribed
    (`web_push`) its `url`, which is the subscription's endpoint, `p256dh` and `auth`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "webhook",
                "name": "My server",
                "url": "https://example.org/hooks/coinsphere",
                "quietFrom": "22:00",
                "quietUntil": "07:00",
                "zone": "Europe/Berlin",
            }
        }
    )

    kind: Kind
    name: Name
    url: Text | None = Field(
        None, description="Address of a webhook, also of Discord's and Slack's; https, port 443."
    )
    secret: Text | None = Field(
        None,
        description="Secret that webhooks are signed with, as `whsec_…`; one is made if none is given.",
    )
    token: Text | None = Field(
        None, description="Token of a Telegram bot, or of ntfy's access control."
    )
    chat_id: Text | None = Field(None, description="Chat that the Telegram bot writes to.")
    topic: Text | None = Field(None, description="Topic of ntfy.")
    server: Text | None = Field(
        None, description="Address of a server of one's own for Telegram's bots or for ntfy."
    )
    p256dh: Text | None = Field(
        None, description="Public key of a browser's subscription, in base64url."
    )
    auth: Text | None = Field(None, description="Secret of a browser's subscription, in base64url.")
    quiet_from: Clock | None = None
    quiet_until: Clock | None = None
    zone: Zone = "UTC"
    digest_minutes: Minutes | None = None


class ChannelChange(Input):
    """What is to change; the rest stays. Where messages go cannot be changed: delete the channel and add another."""

    model_config = ConfigDict(json_schema_extra={"example": {"digestMinutes": 60}})

    name: Name | None = None
    quiet_from: Clock | None = None
    quiet_until: Clock | None = None
    zone: Zone | None = None
    digest_minutes: Minutes | None = None
    is_active: bool | None = None


def _clock(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else value.strftime("%H:%M")


class ChannelOut(Output):
    """A channel, without what opens it."""

    id: UUID
    kind: str
    name: str
    hint: str
    is_active: bool
    quiet_from: Annotated[str | None, BeforeValidator(_clock)]
    quiet_until: Annotated[str | None, BeforeValidator(_clock)]
    zone: str
    digest_minutes: int | None
    failing_since: datetime | None
    retry_at: datetime | None
    last_error: str | None
    last_delivered_at: datetime | None
    created_at: datetime


CHANNEL: dict[str, Any] = {
    "id": "5b0f5f0e-8f5c-4d0b-9a63-0c1f3e0f7a11",
    "kind": "webhook",
    "name": "My server",
    "hint": "example.org",
    "isActive": True,
    "quietFrom": "22:00",
    "quietUntil": "07:00",
    "zone": "Europe/Berlin",
    "digestMinutes": None,
    "failingSince": None,
    "retryAt": None,
    "lastError": None,
    "lastDeliveredAt": "2026-11-24T08:00:00Z",
    "createdAt": "2026-11-24T07:59:00Z",
}


class ChannelsOut(Output):
    """One's channels, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"channels": [CHANNEL]}})

    channels: list[ChannelOut]


class OneChannelOut(Output):
    """One channel."""

    model_config = ConfigDict(json_schema_extra={"example": {"channel": CHANNEL}})

    channel: ChannelOut


class NewChannelOut(Output):
    """A new channel. The secret of a webhook is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"channel": CHANNEL, "secret": "whsec_Zk3v1Qb0…"}}
    )

    channel: ChannelOut
    secret: str | None


class MessagesQuery(Query):
    """How many messages."""

    limit: int = Field(50, ge=1, le=200)


class DeliveryOut(Output):
    """What became of a message."""

    id: UUID
    type: str
    title: str
    status: str
    attempts: int
    last_error: str | None
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None


_DELIVERY: dict[str, Any] = {
    "id": "7d7c6c0e-8f5c-4d0b-9a63-0c1f3e0f7a12",
    "type": "alert.fired",
    "title": "BTC: price is 100,250.00 USD",
    "status": "delivered",
    "attempts": 1,
    "lastError": None,
    "createdAt": "2026-11-24T08:00:00Z",
    "dueAt": "2026-11-24T08:00:00Z",
    "deliveredAt": "2026-11-24T08:00:01Z",
}


class DeliveriesOut(Output):
    """The newest messages to a channel."""

    model_config = ConfigDict(json_schema_extra={"example": {"messages": [_DELIVERY]}})

    messages: list[DeliveryOut]


class TestedChannelOut(Output):
    """A message that was written to try a channel; the worker sends it at once."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"messageId": "7d7c6c0e-8f5c-4d0b-9a63-0c1f3e0f7a12"}}
    )

    message_id: UUID


class PushKeyOut(Output):
    """The key that browsers of the caller subscribe for."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "publicKey": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
            }
        }
    )

    public_key: str = Field(description="`applicationServerKey` of `PushManager.subscribe`.")

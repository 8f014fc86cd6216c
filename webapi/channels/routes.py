"""Channels by which a user is told of alerts, beside mail. What belongs to somebody else does not exist."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.notify.channels import outbox, repository
from webapi.channels import schemas, use_cases
from webapi.http.schema import Message
from webapi.security import access, limits
from webapi.security.access import signed_in
from webapi.services import services

channels = APIBlueprint("channels", __name__, tag="Alerts")

_DELETED = {"message": "Channel deleted"}


@channels.get("")
@signed_in
@channels.output(schemas.ChannelsOut)
def list_channels() -> dict[str, Any]:
    """One's channels, the oldest first, each with how it fares; nobody has more than ten."""
    with services().database.connection() as conn:
        channels_of_user = repository.list_for(conn, access.principal().user_id)
    return {"channels": [use_cases.shown(each) for each in channels_of_user]}


@channels.post("")
@signed_in
@limits.weighs(10)
@channels.input(schemas.ChannelIn)
@channels.output(schemas.NewChannelOut, 201)
def add_channel(json_data: schemas.ChannelIn) -> dict[str, Any]:
    """Add a channel, and send it a first message; needs a confirmed address.

    Alerts use it once they choose it by `channelIds`. What opens it is stored sealed and never shown again; the
    secret of a webhook stands in this answer alone.
    """
    added = use_cases.add(json_data)
    return {"channel": use_cases.shown(added.channel), "secret": added.secret}


@channels.get("/push-key")
@signed_in
@channels.output(schemas.PushKeyOut)
def get_push_key() -> dict[str, str]:
    """The key that a browser subscribes for, before it is added as a channel of the kind `web_push`."""
    return {"publicKey": use_cases.push_key()}


@channels.patch("/<channel_id>")
@signed_in
@channels.input(schemas.ChannelChange)
@channels.output(schemas.OneChannelOut)
def change_channel(channel_id: str, json_data: schemas.ChannelChange) -> dict[str, Any]:
    """Change a channel's name, quiet hours or digest, or switch it off or on."""
    with services().database.connection() as conn:
        return {"channel": use_cases.shown(use_cases.change(conn, channel_id, json_data))}


@channels.delete("/<channel_id>")
@signed_in
@channels.output(Message, example=_DELETED)
def delete_channel(channel_id: str) -> dict[str, str]:
    """Delete a channel; what waits for it is dropped, and alerts that chose it lose it."""
    with services().database.connection() as conn:
        use_cases.delete(conn, channel_id)
    return _DELETED


@channels.post("/<channel_id>/test")
@signed_in
@limits.weighs(10)
@channels.output(schemas.TestedChannelOut, 202)
def test_channel(channel_id: str) -> dict[str, Any]:
    """Send a channel a message to try it; the list of its messages tells what became of it."""
    with services().database.connection() as conn:
        return {"message_id": use_cases.test(conn, channel_id)}


@channels.get("/<channel_id>/messages")
@signed_in
@channels.input(schemas.MessagesQuery, location="query")
@channels.output(schemas.DeliveriesOut)
def list_messages(channel_id: str, query_data: schemas.MessagesQuery) -> dict[str, Any]:
    """What became of the messages to a channel, the newest first; settled ones are kept for 30 days."""
    with services().database.connection() as conn:
        channel = use_cases.find(conn, channel_id)
        deliveries = outbox.newest(conn, channel.user_id, channel.id, query_data.limit)
    return {"messages": deliveries}

"""What users do with the channels that alerts are sent to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import time
from email.utils import parseaddr
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from coinsphere.analytics.events import ChannelAdded
from coinsphere.audit.events import Event
from coinsphere.billing.plans import PlanLimit
from coinsphere.i18n import gettext
from coinsphere.notify.channels import kinds, outbox, push, repository, webhooks
from coinsphere.notify.channels.hours import Habits
from coinsphere.notify.channels.receiver import Message, Receiver, ReceiverFault
from coinsphere.notify.channels.repository import Channel
from webapi.account.verifications import require_verified
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.channels import schemas
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import services

WHAT = "channel"
_OF_RECEIVER = ("url", "secret", "token", "chat_id", "topic", "server", "p256dh", "auth")
_TEST = "test"


@dataclass(frozen=True, slots=True)
class Added:
    """A new channel, and the secret that signs its messages where there is one."""

    channel: Channel
    secret: str | None


def add(body: schemas.ChannelIn) -> Added:
    """Store a channel, and send it a first message.

    Raises:
        errors.Problem: 400, a field is missing or cannot be right; 402, the plan is full; 403, the caller has confirmed no
            address; 409, there are too many.
    """
    require_verified()
    to, secret = _receiver(body)
    work, user_id = services(), access.principal().user_id
    habits = _habits(body.model_dump())
    with work.database.connection() as conn:
        guard.require_room(conn, PlanLimit.CHANNELS)
        channel = repository.create(
            conn, work.encryption_keys, user_id, kind=body.kind, name=body.name, receiver=to,
            habits=habits,
        )  # fmt: skip
        if channel is None:
            raise errors.Problem(
                409, f"nobody may have more than {repository.MOST} channels", code="channels-full"
            )
        details = {"kind": channel.kind, "hint": channel.hint}
        audit.record(
            conn, Event.CHANNEL_ADDED, actor_id=user_id, target=str(channel.id), details=details
        )
        happened(conn, ChannelAdded(channel.kind))
        _write_test(conn, channel)
    return Added(channel, secret)


def change(conn: Connection, channel_id: str, body: schemas.ChannelChange) -> Channel:
    """Change name, quiet hours or digest, or switch a channel off or on. Raises `errors.Problem`: 400 or 404."""
    stored = find(conn, channel_id)
    changes = body.model_dump(exclude_unset=True)
    for name in ("name", "zone", "is_active"):
        if name in changes and changes[name] is None:
            raise _fault(kinds.wire(name), "must not be null")
    habits = _habits(asdict(stored.habits) | changes)
    is_active = changes.get("is_active", stored.status == "active")
    name = changes.get("name", stored.name)
    changed = repository.change(conn, stored, name=name, habits=habits, is_active=is_active)
    return changed or stored


def delete(conn: Connection, channel_id: str) -> None:
    """Delete a channel; alerts that chose it lose it. Raises `errors.Problem` with status 404."""
    user_id, identity = access.principal().user_id, paths.uuid(channel_id, WHAT)
    kind = repository.delete(conn, user_id, identity)
    if kind is None:
        raise errors.not_found(WHAT)
    details = {"kind": kind}
    audit.record(
        conn, Event.CHANNEL_DELETED, actor_id=user_id, target=str(identity), details=details
    )


def test(conn: Connection, channel_id: str) -> UUID:
    """Write a test message to a channel, regardless of its quiet hours. Returns its id.

    Raises:
        errors.Problem: 404; 409 where the channel is switched off.
    """
    channel = find(conn, channel_id)
    if channel.status != "active":
        raise errors.Problem(
            409,
            "the channel is switched off",
            detail="Switch it on again, then try it.",
            code="channel-off",
        )
    return _write_test(conn, channel)


def find(conn: Connection, channel_id: str) -> Channel:
    """A channel of the caller. Raises `errors.Problem` with status 404."""
    channel = repository.get(conn, paths.uuid(channel_id, WHAT), access.principal().user_id)
    if channel is None:
        raise errors.not_found(WHAT)
    return channel


def require_own(conn: Connection, channel_ids: Sequence[UUID]) -> None:
    """Check channels that an alert chooses. Raises `errors.Problem` with status 400 for one that is not the caller's."""
    if not channel_ids:
        return
    own = {each.id for each in repository.list_for(conn, access.principal().user_id)}
    for place, each in enumerate(channel_ids):
        if each not in own:
            raise _fault(f"channelIds.{place}", "is none of your channels")


def push_key() -> str:
    """The public key that the caller's browsers subscribe with."""
    return push.public_key(_push_key())


def _push_key() -> str:
    return push.sender_key(services().encryption_keys.active.secret, access.principal().user_id)


def shown(channel: Channel) -> dict[str, Any]:
    """A channel as `ChannelOut` takes it."""
    return asdict(channel) | {"is_active": channel.status == "active"}


def _receiver(body: schemas.ChannelIn) -> tuple[Receiver, str | None]:
    fields = {name: getattr(body, name) for name in _OF_RECEIVER if getattr(body, name) is not None}
    if body.kind == "webhook":
        fields.setdefault("secret", webhooks.new_secret())
    if body.kind == "web_push":
        _, address = parseaddr(services().settings.mail_from)
        fields |= {"key": _push_key(), "contact": f"mailto:{address}"}
    is_private_allowed = services().settings.channel_private_networks
    try:
        receiver = kinds.make(body.kind, fields, is_private_allowed=is_private_allowed)
    except ReceiverFault as fault:
        raise _fault(fault.field, str(fault)) from None
    return receiver, fields.get("secret")


def _habits(fields: dict[str, Any]) -> Habits:
    begin, end = (_time(fields[name]) for name in ("quiet_from", "quiet_until"))
    if (begin is None) != (end is None):
        raise _fault("quietUntil" if end is None else "quietFrom", "is needed for quiet hours")
    if begin is not None and begin == end:
        raise _fault("quietUntil", "must not be when quiet hours begin")
    return Habits(begin, end, fields["zone"], fields["digest_minutes"])


def _time(value: str | time | None) -> time | None:
    return time.fromisoformat(value) if isinstance(value, str) else value


def _write_test(conn: Connection, channel: Channel) -> UUID:
    now = services().clock()
    message = Message(
        uuid4(), _TEST, now, gettext("Coinsphere: a test"),
        gettext("Alerts that choose the channel “%(name)s” are sent here.") % {"name": channel.name}, "{}",
    )  # fmt: skip
    outbox.write(conn, [(channel, message, None)], now, at_once=True)
    return message.id


def _fault(path: str, message: str) -> errors.Problem:
    return errors.invalid([{"path": path, "message": message, "code": "value_error"}])

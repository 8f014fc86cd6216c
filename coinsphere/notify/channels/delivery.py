"""The worker's part: what is due to a channel is handed over, one after another, until nothing is due or it rests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
from psycopg import Connection

from coinsphere import i18n
from coinsphere.clock import Clock
from coinsphere.i18n import gettext, ngettext
from coinsphere.network.retry_after import asked_pause
from coinsphere.notify import mail, templates
from coinsphere.notify.channels import outbox, receiver, repository, retries
from coinsphere.notify.channels.outbox import Waiting
from coinsphere.notify.channels.posting import NotReached
from coinsphere.notify.channels.receiver import Answer, Message, Outgoing, Receiver, Verdict
from coinsphere.notify.channels.repository import Channel
from coinsphere.security.symmetric_keys import SymmetricKeys

DIGEST = "alerts.digest"
_SHOWN = 20
_LOCALE = "select locale from app.users where id = %(id)s"
_OWNER = "select email, locale from app.users where id = %(id)s and is_active and email_verified"

Post = Callable[[Outgoing], Answer]


@dataclass(frozen=True, slots=True)
class Courier:
    """Hands over what is due.

    Attributes:
        conn: in autocommit, in the worker's role.
        keys: what receivers are sealed with.
        post: sends a request; raises `NotReached`.
        clock: the present.
    """

    conn: Connection
    keys: SymmetricKeys
    post: Post
    clock: Clock

    def deliver(self, channel_id: UUID) -> int:
        """Hand over what is due to a channel, unless it is gone, off or resting; how many requests were taken.

        Raises:
            SealError: what is stored of the receiver does not open.
        """
        taken = 0
        while (channel := self._ready(channel_id)) is not None:
            due = outbox.next_due(self.conn, channel, self.clock())
            to = repository.receiver(self.conn, self.keys, channel) if due else None
            if to is None:
                break
            with i18n.speaking(_locale(self.conn, channel)):
                taken += self._hand_over(channel, to, due)
        return taken

    def _hand_over(self, channel: Channel, to: Receiver, due: Sequence[Sequence[Waiting]]) -> int:
        """How many were taken, one after another, until one is not or the channel is switched off."""
        for count, each in enumerate(due):
            said, error, asked = self._posted(to, composed(each))
            if said is not Verdict.TAKEN:
                self._failed(channel.id, each, said, error or "", asked)
                return count
            if not outbox.taken(self.conn, channel.id, each, self.clock()):
                return count + 1
        return len(due)

    def _ready(self, channel_id: UUID) -> Channel | None:
        channel = repository.get(self.conn, channel_id)
        if channel is None or channel.status != "active":
            return None
        return None if channel.retry_at and channel.retry_at > self.clock() else channel

    def _failed(
        self,
        channel_id: UUID,
        sent: Sequence[Waiting],
        said: Verdict,
        error: str,
        asked: timedelta | None,
    ) -> None:
        # What was taken before it has changed how the channel fares.
        channel = repository.get(self.conn, channel_id)
        if channel is None:
            return
        now = self.clock()
        health, trial = retries.judged(channel.health, sent[0].trial, said, now, asked)
        with self.conn.transaction():
            outbox.failed(self.conn, sent, trial, error)
            repository.fared(self.conn, channel_id, health, error)
            if health.is_over:
                outbox.give_up(self.conn, channel_id, "the channel was switched off")
                _tell_owner(self.conn, channel, error)

    def _posted(
        self, to: Receiver, message: Message
    ) -> tuple[Verdict, str | None, timedelta | None]:
        """What an attempt came to, what is to be said of it, and for how long the receiver wants to rest."""
        try:
            answer = self.post(to.request(message, self.clock()))
        except NotReached as error:
            return Verdict.AWAY, str(error), None
        said = receiver.verdict(to, answer)
        if said is Verdict.TAKEN:
            return said, None, None
        pause = asked_pause(answer.headers, self.clock())
        asked = None if pause is None else timedelta(seconds=pause)
        return said, f"it answered with the status {answer.status}", asked


def composed(due: Sequence[Waiting]) -> Message:
    """What goes out as one, in the reader's language: a message as it is, or a digest, which names the first twenty."""
    if len(due) == 1 and due[0].batch_id is None:
        return due[0].message
    first = due[0]
    lines = [f"• {each.title}" for each in due[:_SHOWN]]
    if len(due) > _SHOWN:
        lines.append(f"… +{len(due) - _SHOWN}")
    data = msgspec.json.encode({"messages": [msgspec.Raw(each.data.encode()) for each in due]})
    return Message(
        first.batch_id or first.id,
        DIGEST,
        due[-1].at,
        ngettext("%(num)s alert fired", "%(num)s alerts fired", len(due)) % {"num": len(due)},
        "\n".join(lines),
        data.decode(),
    )


def _locale(conn: Connection, channel: Channel) -> str | None:
    row = conn.execute(_LOCALE, {"id": channel.user_id}).fetchone()
    return row[0] if row else None


def _tell_owner(conn: Connection, channel: Channel, error: str) -> None:
    """Write the mail that a channel is switched off; nothing where its owner has no confirmed address."""
    row = conn.execute(_OWNER, {"id": channel.user_id}).fetchone()
    if row is None:
        return
    with i18n.speaking(row[1]):
        message = templates.account_mail(
            gettext("Your channel “%(name)s” is switched off") % {"name": channel.name},
            gettext("It takes no messages any more, so alerts are no longer sent there."),
            gettext("Switch it on again on the page of your channels once that is mended."),
            facts=[(gettext("It said"), error)],
        )
    mail.enqueue(conn, row[0], message.subject, message.text, message.html, user_id=channel.user_id)

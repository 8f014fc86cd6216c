"""Delivers due messages: many channels at once, each channel in its order. Runs in the worker."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from uuid import UUID

import msgspec
from psycopg import Connection

from coinsphere import i18n, log
from coinsphere.clock import Clock
from coinsphere.errors import SealError
from coinsphere.i18n import gettext, ngettext
from coinsphere.network.retry_after import asked_pause
from coinsphere.notify import mail, templates
from coinsphere.notify.channels import outbox, receiver, repository, retries
from coinsphere.notify.channels.outbox import Waiting
from coinsphere.notify.channels.posting import NotReached
from coinsphere.notify.channels.receiver import Answer, Message, Outgoing, Receiver, Verdict
from coinsphere.notify.channels.repository import Channel, Claimed
from coinsphere.security.symmetric_keys import SymmetricKeys

DIGEST = "alerts.digest"
SIDE_BY_SIDE = 100
"""Channels that are served at once; who hangs holds one of these places."""
_SHOWN = 20
_LOOK_SECONDS = 1.0
"""After so long it is looked for more that is due, though nobody has finished."""
_BEGIN_SECONDS = 10.0
"""For so long channels are taken up; then a new job takes up the others, so that a worker can end."""
_OWNER = "select email, locale from app.users where id = %(id)s and is_active and email_verified"

Post = Callable[[Outgoing], Awaitable[Answer]]
Parcel = Sequence[Waiting]
_log = log.get("channels")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of an attempt: verdict, a reason, and the pause that the receiver asked for."""

    verdict: Verdict
    error: str = ""
    asked: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """The database's side of delivery, one statement at a time, outside the event loop.

    Attributes:
        conn: in autocommit, in the worker's role.
        clock: the present.
    """

    conn: Connection
    clock: Clock
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _taken: list[tuple[Parcel, asyncio.Future[bool]]] = field(default_factory=list)

    async def claim(self, most: int) -> list[tuple[Claimed, Sequence[Parcel]]]:
        """Channels to serve, each with its due messages."""
        async with self._turn:
            return await asyncio.to_thread(self._claim, most)

    async def release(self, channel_ids: Sequence[UUID]) -> None:
        """Leave these channels to whoever claims them next."""
        async with self._turn:
            await asyncio.to_thread(outbox.release, self.conn, channel_ids)

    async def taken(self, parcel: Parcel) -> bool:
        """Record delivered parcels in batches. Returns False where the channel is switched off or gone."""
        noted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._taken.append((parcel, noted))
        async with self._turn:
            if not noted.done():
                await self._note()
        return await noted

    async def failed(self, channel_id: UUID, parcel: Parcel, attempt: Attempt) -> None:
        """Record that a parcel was not delivered, and the health of its channel."""
        async with self._turn:
            await asyncio.to_thread(_failed, self.conn, self.clock, channel_id, parcel, attempt)

    def _claim(self, most: int) -> list[tuple[Claimed, Sequence[Parcel]]]:
        now = self.clock()
        channels = outbox.claim(self.conn, now, most)
        due = outbox.next_due(self.conn, channels, now) if channels else {}
        return [(channel, due[channel.id]) for channel in channels]

    async def _note(self) -> None:
        noted = self._taken[:]
        self._taken.clear()
        parcels = [parcel for parcel, _ in noted]
        are_on = await asyncio.to_thread(outbox.taken, self.conn, parcels, self.clock())
        for parcel, future in noted:
            future.set_result(parcel[0].channel_id in are_on)


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers due messages.

    Attributes:
        books: the database.
        keys: what receivers are sealed with.
        post: sends a request; raises `NotReached`.
    """

    books: Books
    keys: SymmetricKeys
    post: Post

    async def deliver(self) -> int:
        """Deliver to channels that nobody else serves until nothing is due. Returns how many requests succeeded."""
        taken, until = 0, monotonic() + _BEGIN_SECONDS
        serving: set[asyncio.Task[tuple[UUID, int]]] = set()
        while True:
            room = SIDE_BY_SIDE - len(serving) if monotonic() < until else 0
            for channel, parcels in await self.books.claim(room) if room else ():
                serving.add(asyncio.create_task(self._serve(channel, parcels)))
            if not serving:
                return taken
            done, serving = await asyncio.wait(
                serving, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            served = [task.result() for task in done]
            await self.books.release([channel_id for channel_id, _ in served])
            taken += sum(count for _, count in served)

    async def _serve(self, channel: Claimed, parcels: Sequence[Parcel]) -> tuple[UUID, int]:
        """How many were taken, one after another, until one is not or the channel is switched off."""
        with i18n.speaking(channel.locale):
            for count, parcel in enumerate(parcels):
                attempt = await self._attempt(channel, parcel)
                if attempt.verdict is not Verdict.TAKEN:
                    await self.books.failed(channel.id, parcel, attempt)
                    return channel.id, count
                if not await self.books.taken(parcel):
                    return channel.id, count + 1
        return channel.id, len(parcels)

    async def _attempt(self, channel: Claimed, parcel: Parcel) -> Attempt:
        try:
            to = repository.receiver(self.keys, channel, channel.sealed)
            answer = await self.post(to.request(composed(parcel), self.books.clock()))
        except NotReached as error:
            return Attempt(Verdict.AWAY, str(error))
        except SealError as error:
            _log.error(
                "a channel's receiver does not open", channel_id=str(channel.id), error=str(error)
            )
            return Attempt(Verdict.AWAY, "it cannot be read")
        except Exception:  # noqa: BLE001 - what is odd of one channel must not end the job of all
            _log.exception("a channel cannot be served", channel_id=str(channel.id))
            return Attempt(Verdict.AWAY, "it cannot be served")
        return _judged(to, answer, self.books.clock)


def _judged(to: Receiver, answer: Answer, clock: Clock) -> Attempt:
    verdict = receiver.verdict(to, answer)
    if verdict is Verdict.TAKEN:
        return Attempt(verdict)
    pause = asked_pause(answer.headers, clock())
    asked = None if pause is None else timedelta(seconds=pause)
    return Attempt(verdict, f"it answered with the status {answer.status}", asked)


def composed(due: Parcel) -> Message:
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


def _failed(
    conn: Connection, clock: Clock, channel_id: UUID, parcel: Parcel, attempt: Attempt
) -> None:
    # What was taken before it has changed how the channel fares.
    channel = repository.get(conn, channel_id)
    if channel is None:
        return
    health, trial = retries.judged(
        channel.health, parcel[0].trial, attempt.verdict, clock(), attempt.asked
    )
    with conn.transaction():
        outbox.failed(conn, parcel, trial, attempt.error)
        repository.fared(conn, channel_id, health, attempt.error)
        if health.is_over:
            outbox.give_up(conn, channel_id, "the channel was switched off")
            _tell_owner(conn, channel, attempt.error)
        elif health.retry_at is not None:
            outbox.rest(conn, channel_id, health.retry_at)


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

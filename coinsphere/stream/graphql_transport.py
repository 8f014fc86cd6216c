"""The protocol graphql-transport-ws: its messages, and connections with subscriptions.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from graphql import GraphQLError
from websockets.typing import Subprotocol

from coinsphere.stream import messages, subscriptions
from coinsphere.stream.feed import Feed
from coinsphere.stream.hub import SUBSCRIPTIONS, Client, Hub
from coinsphere.stream.subscriptions import Asked, Refused, Subscription

PROTOCOL = Subprotocol("graphql-transport-ws")
INIT_SECONDS = 10.0
"""Within which a client has to begin."""
MOST = 20
"""Subscriptions of one connection; each message is written for each of them."""
INVALID, UNAUTHORIZED, NO_INIT, TAKEN, INIT_TWICE = 4400, 4401, 4408, 4409, 4429

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Init(msgspec.Struct, tag="connection_init", frozen=True):
    """Begins a conversation; the user is known from the opening of the WebSocket."""

    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag="ping", frozen=True):
    """A client asks whether we are there."""

    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, tag="pong", frozen=True):
    """A client says that it is there."""

    payload: dict[str, Any] | None = None


class Query(msgspec.Struct, rename="camel", frozen=True):
    """A document with its variables."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, tag="subscribe", frozen=True):
    """A client subscribes, by an id of its own."""

    id: _Id
    payload: Query


class Complete(msgspec.Struct, tag="complete", frozen=True):
    """A client ends a subscription."""

    id: _Id


_decoder: msgspec.json.Decoder[Init | Ping | Pong | Subscribe | Complete] = msgspec.json.Decoder(
    Init | Ping | Pong | Subscribe | Complete
)


class Closing(Exception):
    """The protocol requires the connection to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class _Frame(str):
    """A text of the protocol as it goes out; what is none is a message of the stream."""

    __slots__ = ()


class SubscribingClient(Client):
    """A client that receives what its subscriptions select.

    Messages of the stream wait as they are, so that of prices the newest of each symbol is kept, and become answers as they
    are sent.
    """

    def __init__(
        self, user_id: UUID, session_id: UUID, drop: Callable[[], None], wake: Callable[[], object]
    ) -> None:
        super().__init__(user_id, session_id, drop, wake)
        self.has_begun = False
        self.subscriptions: dict[str, Subscription] = {}

    def offer(self, text: str, about: str | None = None) -> None:
        """Queue a text of the protocol, or a message that a subscription could be about."""
        if isinstance(text, _Frame) or messages.is_one_of(text, subscriptions.KINDS):
            super().offer(text, about)

    def frames(self, text: str) -> Iterator[str]:
        """The frames that are sent for a text that has waited."""
        if isinstance(text, _Frame):
            yield text
            return
        event = subscriptions.event(text)
        for name, subscription in list(self.subscriptions.items()):
            if subscription.wants(event):
                yield _frame("next", id=name, payload=subscription.answer(event))

    def symbols_of(self, subscription_ids: Iterable[str]) -> set[str]:
        """The symbols of some subscriptions."""
        return {symbol for each in subscription_ids for symbol in self.subscriptions[each].symbols}


class Conversation:
    """The conversation with one client.

    Args:
        client: whose.
        hub: where symbols are subscribed to.
        feed: knows which symbols there are, their last prices, and alerts that were missed.
        begin: does something that nobody waits for.
    """

    def __init__(
        self,
        client: SubscribingClient,
        hub: Hub,
        feed: Feed,
        begin: Callable[[Coroutine[Any, Any, object]], None],
    ) -> None:
        self._client, self._hub, self._feed, self._start = client, hub, feed, begin

    def hear(self, text: str | bytes) -> None:
        """Handle a client's message. Raises `Closing`."""
        try:
            message = messages.decoded(text, _decoder)
        except ValueError as error:
            raise Closing(INVALID, str(error)[:100]) from None
        match message:
            case Init():
                self._begin()
            case Ping():
                self._client.offer(_frame("pong"))
            case Subscribe():
                self._subscribe(message)
            case Complete():
                self._complete(message.id)

    def _begin(self) -> None:
        if self._client.has_begun:
            raise Closing(INIT_TWICE, "Too many initialisation requests")
        self._client.has_begun = True
        self._client.offer(_frame("connection_ack"))

    def _subscribe(self, message: Subscribe) -> None:
        client, query = self._client, message.payload
        if not client.has_begun:
            raise Closing(UNAUTHORIZED, "Unauthorized")
        if message.id in client.subscriptions:
            raise Closing(TAKEN, f"Subscriber for {message.id} already exists"[:100])
        try:
            asked = Asked(query.query, query.operation_name, query.variables)
            subscription = self._fitting(subscriptions.check(asked))
        except Refused as refused:
            self._refuse(message.id, refused)
            return
        client.subscriptions[message.id] = subscription
        self._hub.subscribe(client, subscription.symbols)
        self._feed.welcome(client, set(subscription.symbols))
        if subscription.since is not None:
            self._start(self._resume(message.id, subscription.since))

    async def _resume(self, name: str, since: datetime) -> None:
        """Tell what was missed, or end the subscription, whose client would believe that it was nothing."""
        if not await self._feed.resume(self._client, since):
            self._complete(name)
            self._refuse(name, _refused("the database is away: ask again"))

    def _refuse(self, name: str, refused: Refused) -> None:
        faults = [fault.formatted for fault in refused.faults]
        self._client.offer(_frame("error", id=name, payload=faults))

    def _fitting(self, subscription: Subscription) -> Subscription:
        """A subscription within the limits, of known symbols. Raises `Refused`."""
        unknown = sorted(subscription.symbols - self._feed.symbols)
        if unknown:
            raise _refused(f"not found: {', '.join(unknown)[:200]}")
        if len(self._client.subscriptions) >= MOST:
            raise _refused(f"a connection has at most {MOST} subscriptions")
        if len(self._hub.symbols_of(self._client) | subscription.symbols) > SUBSCRIPTIONS:
            raise _refused(f"a connection has at most {SUBSCRIPTIONS} symbols")
        return subscription

    def _complete(self, name: str) -> None:
        # The id of one that was refused, or that has been completed, is no fault.
        if name not in self._client.subscriptions:
            return
        gone = self._client.symbols_of([name])
        del self._client.subscriptions[name]
        self._hub.unsubscribe(
            self._client, gone - self._client.symbols_of(self._client.subscriptions)
        )


def _refused(message: str) -> Refused:
    return Refused([GraphQLError(message)])


def _frame(kind: str, **fields: Any) -> _Frame:
    return _Frame(msgspec.json.encode({"type": kind, **fields}).decode())

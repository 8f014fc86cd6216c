"""The hub: who is connected, and to whom a message goes. No I/O: a client's queue is emptied elsewhere."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

Key = TypeVar("Key")

QUEUE_MESSAGES = 256
"""Messages that wait for one client; one that is further behind is dropped, so that it holds up nobody's memory."""
CONNECTIONS_OF_A_USER = 5
SUBSCRIPTIONS = 200
"""Symbols of one client."""


class Client:
    """One connection of a user.

    Args:
        user_id: whose.
        session_id: by which they came in.
        drop: cuts it at once, without a farewell that a stuck peer would not read.
        wake: is called when something waits again where nothing did; what is not taken then has to be taken later unasked.
    """

    def __init__(
        self, user_id: UUID, session_id: UUID, drop: Callable[[], None], wake: Callable[[], object]
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self._texts: dict[object, str] = {}
        self._drop, self._wake = drop, wake

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._texts)

    def offer(self, text: str, about: str | None = None) -> None:
        """Queue a message, or drop a client that does not keep up.

        Args:
            text: the message.
            about: what it tells the state of. One about the same that still waits gives way to it, in its place: a client that
                is slow gets the newest price and not all.
        """
        key = object() if about is None else about
        if len(self._texts) >= QUEUE_MESSAGES and key not in self._texts:
            self._drop()
            return
        if not self._texts:
            self._wake()
        self._texts[key] = text

    def take(self) -> Iterable[str]:
        """All that waits, in order; after that nothing does."""
        # An emptied dictionary would keep its room; of thousands of clients nearly all wait for nothing.
        texts, self._texts = self._texts, {}
        return texts.values()

    def frames(self, text: str) -> Iterable[str]:
        """The frames that are sent for a message that has waited."""
        return (text,)


class Hub:
    """All clients of this process, by user and by symbol."""

    def __init__(self) -> None:
        self._by_user: defaultdict[UUID, set[Client]] = defaultdict(set)
        self._by_symbol: defaultdict[str, set[Client]] = defaultdict(set)

    @property
    def clients(self) -> list[Client]:
        """Everybody who is connected."""
        return [client for clients in self._by_user.values() for client in clients]

    @property
    def users(self) -> set[UUID]:
        """The users who have a connection."""
        return set(self._by_user)

    def has_room(self, user_id: UUID) -> bool:
        """Whether the user may have one more connection."""
        return len(self._by_user.get(user_id, ())) < CONNECTIONS_OF_A_USER

    def add(self, client: Client) -> None:
        """Add a client."""
        self._by_user[client.user_id].add(client)

    def remove(self, client: Client) -> None:
        """Remove a client."""
        self.unsubscribe(client, self.symbols_of(client))
        _discard(self._by_user, client.user_id, client)

    def subscribe(self, client: Client, symbols: Iterable[str]) -> None:
        """Send the client the prices of `symbols` from now on."""
        for symbol in symbols:
            self._by_symbol[symbol].add(client)

    def symbols_of(self, client: Client) -> set[str]:
        """The symbols whose prices the client is sent; looked for, as a set of each client's own would be the most of it."""
        return {symbol for symbol, clients in self._by_symbol.items() if client in clients}

    def unsubscribe(self, client: Client, symbols: Iterable[str]) -> None:
        """Send the client the prices of `symbols` no longer."""
        for symbol in symbols:
            _discard(self._by_symbol, symbol, client)

    def to_subscribers(self, symbol: str, text: str) -> None:
        """Queue the price of `symbol` for everybody who subscribed to it."""
        about = price_of(symbol)
        for client in list(self._by_symbol.get(symbol, ())):
            client.offer(text, about)

    def to_user(self, user_id: UUID, text: str, about: str | None = None) -> None:
        """Queue a message for all connections of one user; `about` as in `Client.offer`."""
        for client in list(self._by_user.get(user_id, ())):
            client.offer(text, about)


def price_of(symbol: str) -> str:
    """What the messages about the price of `symbol` are about."""
    return f"price {symbol}"


def _discard(index: dict[Key, set[Client]], key: Key, client: Client) -> None:
    """Remove, and leave no empty set behind: keys come from clients."""
    clients = index.get(key, set())
    clients.discard(client)
    if not clients:
        index.pop(key, None)

"""Opens clients of users' accounts, with the key's nonces from the database."""

import time
from collections.abc import Callable
from datetime import datetime

from coinsphere.clock import Clock
from coinsphere.exchanges.api import client, nonces
from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.api.limits import LimitsByExchange
from coinsphere.exchanges.api.nonces import Connect
from coinsphere.exchanges.errors import PermissionMissing
from coinsphere.exchanges.model import Credentials, KeyInfo, Permissions
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.market.sources.moments import to_milliseconds


class Accounts:
    """Makes clients of accounts.

    Args:
        base_url: takes the place of every exchange's own address.
        clock: where nonces begin to count.
        sleep: how to wait.
        patience: the longest that a call waits to be made again, in seconds; 0: it is made once.
        redis_url: where the exchanges' budgets are shared with other processes; None: they are this one's own.
    """

    def __init__(
        self,
        base_url: str | None,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        *,
        patience: float = 60.0,
        redis_url: str | None = None,
    ) -> None:
        self.limits = LimitsByExchange(redis_url, sleep)
        self.clock = clock
        self._base_url, self._sleep, self._patience = base_url, sleep, patience

    def open(self, connect: Connect, exchange: str, secret: Credentials) -> Client:
        """A client of the account, which the caller closes. `connect` opens the connection that nonces are taken by."""
        key_hash = nonces.fingerprint(exchange, secret.api_key)
        counter = nonces.counter(connect, key_hash, lambda: _microseconds(self.clock()))
        return client.connect(
            exchange,
            secret,
            self.limits.of(exchange),
            counter,
            base_url=self._base_url,
            sleep=self._sleep,
            patience=self._patience,
        )

    def look_at(self, connect: Connect, exchange: str, secret: Credentials) -> KeyInfo:
        """The permissions of a key. `connect` as for `open`.

        Raises:
            KeyRefused: the exchange does not accept it.
            RateLimited, Unavailable, BadPayload: see there.
        """
        opened = self.open(connect, exchange, secret)
        try:
            return key_info(exchange, opened)
        finally:
            opened.close()


def key_info(exchange: str, client: Client) -> KeyInfo:
    """The permissions of a key; unknown where the key may read, but not ask for them. Errors as `Accounts.look_at`."""
    venue = VENUES[exchange]
    try:
        return venue.key(client)
    except PermissionMissing:
        venue.balances(client)
        return KeyInfo(Permissions(None, None))


def _microseconds(moment: datetime) -> int:
    return to_milliseconds(moment) * 1000 + moment.microsecond % 1000

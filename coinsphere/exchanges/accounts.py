"""The way to an account: its client, with the key's nonces from the database."""

import time
from collections.abc import Callable
from datetime import datetime

from psycopg import Connection

from coinsphere.clock import Clock
from coinsphere.exchanges import client, nonces
from coinsphere.exchanges.client import Client
from coinsphere.exchanges.errors import PermissionMissing
from coinsphere.exchanges.gate import Gates
from coinsphere.exchanges.model import Credentials, KeyInfo, Permissions
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.market.sources.moments import to_milliseconds


class Accounts:
    """Makes clients of accounts, all of which share the budgets of this process.

    Args:
        base_url: takes the place of every exchange's own address.
        clock: where nonces begin to count.
        sleep: how to wait.
    """

    def __init__(
        self, base_url: str | None, clock: Clock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.gates = Gates(sleep)
        self.clock = clock
        self._base_url, self._sleep = base_url, sleep

    def open(self, conn: Connection, exchange: str, secret: Credentials) -> Client:
        """A client; close it. `conn` gives the nonces and must be in autocommit."""
        key_hash = nonces.fingerprint(exchange, secret.api_key)
        counter = nonces.counter(conn, key_hash, lambda: _microseconds(self.clock()))
        return client.connect(
            exchange,
            secret,
            self.gates.of(exchange),
            counter,
            base_url=self._base_url,
            sleep=self._sleep,
        )

    def look_at(self, conn: Connection, exchange: str, secret: Credentials) -> KeyInfo:
        """What a key may do. `conn` as for `open`.

        Raises:
            KeyRefused: the exchange does not accept it.
            RateLimited, Unavailable, BadPayload: see there.
        """
        opened = self.open(conn, exchange, secret)
        try:
            return key_info(exchange, opened)
        finally:
            opened.close()


def key_info(exchange: str, client: Client) -> KeyInfo:
    """What a key may do; unknown where it may not even ask for that, but can read. Errors as `Accounts.look_at`."""
    venue = VENUES[exchange]
    try:
        return venue.key(client)
    except PermissionMissing:
        venue.balances(client)
        return KeyInfo(Permissions(None, None))


def _microseconds(moment: datetime) -> int:
    return to_milliseconds(moment) * 1000 + moment.microsecond % 1000

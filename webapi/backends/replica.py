"""A standby of the server, which answers reads that allow a lag while it follows closely."""

import time
from datetime import timedelta

import psycopg
from psycopg_pool import PoolTimeout

from coinsphere import log
from coinsphere.db.pool import Database

WAIT_SECONDS = 0.5
"""For how long a read waits for the standby, before it goes to the primary."""
LOOKED_AT_SECONDS = 1.0
LAG = timedelta(minutes=1)
"""What is further behind answers nothing."""
# Something is written each few seconds, heartbeats at least: what was replayed last tells the lag. A server that was promoted has none.
_FOLLOWS = """
    select not pg_is_in_recovery() or coalesce(now() - pg_last_xact_replay_timestamp() < %(lag)s, false)
"""

_log = log.get("replica")


class Replica(Database):
    """The pool of a standby, and whether it follows."""

    def __init__(self, url: str, *, size: int) -> None:
        super().__init__(url, size=size, begins_itself=False, role_has_settings=True)
        self._follows, self._look_at = True, 0.0

    def follows(self) -> bool:
        """Whether it is there and close enough behind, as seen within the last second."""
        now = time.monotonic()
        if now >= self._look_at:
            # Whoever asks meanwhile goes by what was seen before.
            self._look_at = now + LOOKED_AT_SECONDS
            self._note(follows=self._is_near())
        return self._follows

    def lost(self) -> None:
        """Note that it did not give a connection, until it is looked at again."""
        self._note(follows=False)

    def _is_near(self) -> bool:
        try:
            with self.connection(WAIT_SECONDS) as conn:
                row = conn.execute(_FOLLOWS, {"lag": LAG}).fetchone()
        except (psycopg.Error, PoolTimeout):
            return False
        return row is not None and bool(row[0])

    def _note(self, *, follows: bool) -> None:
        if follows != self._follows:
            _log.warning("reads of the market", by="the replica" if follows else "the primary")
        self._follows = follows

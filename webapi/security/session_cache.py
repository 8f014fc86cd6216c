"""Caches principals of live sessions for a second, in Redis and in each process.

A session that ends leaves a tombstone in Redis, so that another request that read the row just before cannot bring it
back, and makes the processes of its API forget what they hold. A process on another machine holds it no longer than
Redis would have: what is left of the second comes with it.
"""

import time
from uuid import UUID

import msgspec

from webapi.backends.cache import Cache
from webapi.backends.memory import Changes, Memory
from webapi.security.admission import StoredSession
from webapi.security.sessions import Principal

CACHE_SECONDS = 1.0
TOMBSTONE = b"ended"
"""Kept where a session was, so that nobody brings it back who read it just before."""
TOMBSTONE_SECONDS = 5.0
_MOST_HERE = 10_000


class SessionCache:
    """Principals by session, for a second; dropping one is always safe."""

    def __init__(self, cache: Cache, changes: Changes) -> None:
        self._cache, self._changes = cache, changes
        self._here: Memory[UUID, Principal] = Memory(changes, _MOST_HERE)

    def here(self, session_id: UUID) -> Principal | None:
        """The principal in this process's cache; None if there is none."""
        return self._here.get(session_id)

    def take(self, session_id: UUID, kept: StoredSession) -> Principal | None:
        """The principal that Redis has, remembered as long as Redis does; None if it knows none, or an end."""
        if kept.value is None or kept.value == TOMBSTONE:
            return None
        principal = msgspec.json.decode(kept.value, type=Principal)
        self._here.put(session_id, principal, kept.seconds, kept.stamp)
        return principal

    def stamp(self) -> int:
        """A stamp for `keep`, taken before the session is read in the database."""
        return self._changes.stamp()

    def keep(self, principal: Principal, stamp: int) -> None:
        """Remember what the database said after `stamp` was taken: here unless an end was told since, in Redis unless it has one."""
        self._here.put(principal.session_id, principal, CACHE_SECONDS, stamp)
        self._cache.add(key(principal.session_id), msgspec.json.encode(principal), CACHE_SECONDS)

    def bury(self, *session_ids: UUID) -> None:
        """Drop sessions that have ended; call it after the commit, and before the answer.

        Where Redis cannot be told, another process may still read what it holds there: its life is waited for.
        """
        written = [
            self._cache.put(key(session_id), TOMBSTONE, TOMBSTONE_SECONDS)
            for session_id in session_ids
        ]
        self._changes.tell()
        if not all(written):
            time.sleep(CACHE_SECONDS)


def key(session_id: UUID) -> str:
    """The key of a session in Redis."""
    return f"session:{session_id}"

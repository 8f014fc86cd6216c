"""The API's connections to PostgreSQL: each transaction acts for the caller of the present request, and for nobody else."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, Self
from uuid import UUID

from flask import g, has_app_context
from psycopg import Connection, OperationalError
from psycopg_pool import PoolTimeout

from coinsphere.db import owner
from coinsphere.db.owner import Scope
from coinsphere.db.pool import WAIT_SECONDS, Database
from coinsphere.observability import requests
from webapi.backends import replica
from webapi.backends.replica import Replica

_ACTING = "acting"
_SHARED = "shared_transaction"


class Acting(NamedTuple):
    """The user and scope that a request's transactions act for; see `coinsphere.db.owner`."""

    user_id: UUID | None = None
    scope: Scope | None = None


def acts(user_id: UUID | None, scope: Scope | None = None) -> None:
    """Set whom the present request's transactions act for from now on."""
    setattr(g, _ACTING, Acting(user_id, scope))


class RequestDatabase(Database):
    """A pool whose transactions act for the caller of the present request.

    Outside a request, and before `acts` was called, they act for nobody and see no user's rows.
    """

    def __init__(
        self, url: str, *, size: int, prepares: bool = True, replica_url: str | None = None
    ) -> None:
        super().__init__(
            url, size=size, begins_itself=False, role_has_settings=True, prepares=prepares
        )
        self._replica = None if replica_url is None else Replica(replica_url, size=size)

    def open(self) -> Self:
        """Open the pools without waiting for the servers."""
        if self._replica is not None:
            self._replica.open()
        return super().open()

    def close(self) -> None:
        """Close every connection."""
        if self._replica is not None:
            self._replica.close()
        super().close()

    @contextmanager
    def connection(self, wait_seconds: float = WAIT_SECONDS) -> Iterator[Connection]:
        """A connection in a transaction; a savepoint of the shared one inside `shared`.

        Raises:
            psycopg_pool.PoolTimeout: no connection was free, or the server was away, for so long.
        """
        shared: Connection | None = g.get(_SHARED) if has_app_context() else None
        if shared is not None:
            with shared.transaction():
                yield shared
            return
        acting = _acting()
        with super().connection(wait_seconds) as conn:
            owner.begin(conn, acting.user_id, acting.scope, request_id=requests.current())
            yield conn

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for `asking`; beside it each statement is a transaction of its own that acts for nobody.

        So prices and rates can be read behind the answers, on the connection that these came by.

        Raises:
            psycopg_pool.PoolTimeout: as `connection`.
        """
        with super().connection() as conn:
            yield conn

    @contextmanager
    def asking(self, conn: Connection) -> Iterator[None]:
        """Statements that are one transaction, for the caller, and wait for none of each other; `conn` is of `reading`.

        Fetch what their cursors have behind the block: within it, each would be waited for.
        """
        acting = _acting()
        # Without `begin` a pipeline is a transaction up to its end (PostgreSQL, 55.2.4), to which the settings belong.
        with conn.pipeline():
            owner.act(conn, acting.user_id, acting.scope)
            yield

    @contextmanager
    def lagging(self) -> Iterator[Connection]:
        """A connection for reads of what belongs to nobody and may be a minute old: the replica's, where there is one that follows.

        Raises:
            psycopg_pool.PoolTimeout: as `connection`.
        """
        with ExitStack() as stack:
            yield self._of_replica(stack) or stack.enter_context(self.connection())

    def _of_replica(self, stack: ExitStack) -> Connection | None:
        is_shared = has_app_context() and _SHARED in g
        if self._replica is None or is_shared or not self._replica.follows():
            return None
        try:
            conn = stack.enter_context(self._replica.connection(replica.WAIT_SECONDS))
            owner.begin(conn, None, request_id=requests.current())
        except (OperationalError, PoolTimeout):
            self._replica.lost()
            return None
        return conn

    @contextmanager
    def connection_as(self, scope: Scope) -> Iterator[Connection]:
        """A connection in a transaction of its own, for no user, but with a scope."""
        with super().connection() as conn:
            owner.begin(conn, None, scope, request_id=requests.current())
            yield conn

    @contextmanager
    def shared(self) -> Iterator[Connection]:
        """A transaction that every `connection` of the present request joins until it ends."""
        with self.connection() as conn:
            setattr(g, _SHARED, conn)
            try:
                yield conn
            finally:
                g.pop(_SHARED)


def _acting() -> Acting:
    """For whom the present request acts; outside one, and before it is said, for nobody."""
    acting: Acting | None = g.get(_ACTING) if has_app_context() else None
    return acting or Acting()

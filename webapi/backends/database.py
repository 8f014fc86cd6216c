"""The API's connections to PostgreSQL: each transaction acts for the caller of the present request, and for nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from flask import g, has_app_context
from psycopg import Connection

from coinsphere.db import owner
from coinsphere.db.owner import Scope
from coinsphere.db.pool import Database
from coinsphere.observability import requests

_ACTING = "acting"
_SHARED = "shared_transaction"


@dataclass(frozen=True, slots=True)
class Acting:
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

    def __init__(self, url: str, *, size: int, prepares: bool = True) -> None:
        super().__init__(
            url, size=size, begins_itself=False, role_has_settings=True, prepares=prepares
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in a transaction; a savepoint of the shared one inside `shared`.

        Raises:
            psycopg_pool.PoolTimeout: no connection was free, or the server was away, for 3 s.
        """
        shared: Connection | None = g.get(_SHARED) if has_app_context() else None
        if shared is not None:
            with shared.transaction():
                yield shared
            return
        acting = _acting()
        with super().connection() as conn:
            owner.begin(conn, acting.user_id, acting.scope, request_id=requests.current())
            yield conn

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements are sent in one message and form one transaction; none may need another's answer.

        Fetch what their cursors have behind the block: within it, each would be waited for.

        Raises:
            psycopg_pool.PoolTimeout: as `connection`.
        """
        acting = _acting()
        # Without `begin` a pipeline is a transaction up to its end (PostgreSQL, 55.2.4), to which the settings belong.
        with super().connection() as conn, conn.pipeline():
            owner.act(conn, acting.user_id, acting.scope)
            yield conn

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

"""Says for which user a transaction acts: row-level security then shows it that user's rows, whatever its queries say."""

from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from psycopg import Connection, sql

_ACT = """
    select set_config('app.user_id', %(user_id)s, true), set_config('app.scope', %(scope)s, true)
"""


# In one message, as every request waits for it.
_BEGIN = sql.SQL(
    "begin; select set_config('app.user_id', {user_id}, true), set_config('app.scope', {scope}, true),"
    " set_config('app.request_id', "
)


class Scope(StrEnum):
    """What a transaction of the API's role may see beyond one user's rows."""

    AUTHENTICATION = "authentication"
    """Accounts, sessions and credentials, to find out whom what was presented belongs to."""
    ADMINISTRATION = "administration"
    """The same, for who administers accounts."""
    STREAM = "stream"
    """Sessions, firings and portfolios to read, for the process that fans them out."""


def act_for(conn: Connection, user_id: UUID) -> None:
    """Limit the present transaction to reading and writing the rows of `user_id`.

    The setting ends with the transaction, so a pooled connection never carries it to the next user. In autocommit it
    would end with this statement: open a transaction first.
    """
    act(conn, user_id)


def act(conn: Connection, user_id: UUID | None, scope: Scope | None = None) -> None:
    """Set the user and the scope of the present transaction; without either it sees nobody's rows."""
    conn.execute(_ACT, {"user_id": str(user_id or ""), "scope": scope or ""})


def begin(
    conn: Connection, user_id: UUID | None, scope: Scope | None = None, *, request_id: str = ""
) -> None:
    """Begin a transaction that acts as `act` says, in one round trip; `conn` is in autocommit, outside a transaction.

    Args:
        conn: the connection.
        user_id: see `act`.
        scope: see `act`.
        request_id: jobs that are enqueued in the transaction bear it.
    """
    conn.execute(_begun(user_id, scope) + sql.Literal(request_id).as_bytes(None) + b", true)")


@lru_cache(maxsize=1_000)
def _begun(user_id: UUID | None, scope: Scope | None) -> bytes:
    """All but what differs from one request to the next."""
    words = {"user_id": sql.Literal(str(user_id or "")), "scope": sql.Literal(str(scope or ""))}
    return _BEGIN.format(**words).as_bytes(None)

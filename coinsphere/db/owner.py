"""For whom a transaction acts: row-level security shows it the rows of that user, whatever its queries say."""

from uuid import UUID

from psycopg import Connection

_ACT_FOR = "select set_config('app.user_id', %(user_id)s, true)"


def act_for(conn: Connection, user_id: UUID) -> None:
    """Make the present transaction see and write the rows of `user_id` alone.

    The setting ends with the transaction, so a pooled connection never carries it to the next user. In autocommit it
    would end with this statement: open a transaction first.
    """
    conn.execute(_ACT_FOR, {"user_id": str(user_id)})

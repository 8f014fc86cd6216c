"""The columns that hold sealed values, and their rewrapping by a new key while the system runs.

Whoever seals or opens one of them takes its place from here: `envelope.seal(keys, secret, totp_secret(user_id))`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection, sql

from coinsphere.errors import SealError
from coinsphere.security import envelope
from coinsphere.security.envelope import Place
from coinsphere.security.symmetric_keys import SymmetricKeys

BATCH = 200
"""Rows re-wrapped in one transaction: they are locked for some milliseconds."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values in a table of the schema `app` whose primary key is `id`."""

    table: str
    field: str

    @property
    def name(self) -> str:
        """As people write it."""
        return f"app.{self.table}.{self.field}"

    def place(self, user_id: UUID, row_id: UUID) -> Place:
        """The place of the value in that row."""
        return Place(f"app.{self.table}", self.field, user_id, row_id)

    def query(self, text: str) -> sql.Composed:
        """`text` with the names of table and column put in."""
        return sql.SQL(text).format(
            table=sql.Identifier("app", self.table), field=sql.Identifier(self.field)
        )


_CREDENTIALS = SealedColumn("exchange_connections", "credentials")
_TOTP_SECRET = SealedColumn("users", "totp_secret")
_IDEMPOTENT_RESPONSE = SealedColumn("idempotency_keys", "response")
_CHANNEL_RECEIVER = SealedColumn("alert_channels", "receiver")
COLUMNS = (_CREDENTIALS, _TOTP_SECRET, _IDEMPOTENT_RESPONSE, _CHANNEL_RECEIVER)

_STALE = """
    select id, {field} from {table}
    where {field} is not null and substring({field} from 1 for 9) <> %(prefix)s
    order by id limit %(limit)s for no key update
"""
_STORE = "update {table} set {field} = %(sealed)s where id = %(id)s"
_COUNT = """
    select count(*) from {table}
    where {field} is not null and (substring({field} from 1 for 9) = %(prefix)s) = %(equal)s
"""


def exchange_credentials(user_id: UUID, connection_id: UUID) -> Place:
    """The place of an exchange connection's credentials."""
    return _CREDENTIALS.place(user_id, connection_id)


def totp_secret(user_id: UUID) -> Place:
    """The place of a user's TOTP secret."""
    return _TOTP_SECRET.place(user_id, user_id)


def idempotent_response(user_id: UUID, row_id: UUID) -> Place:
    """The place of the answer that is kept for an idempotency key."""
    return _IDEMPOTENT_RESPONSE.place(user_id, row_id)


def channel_receiver(user_id: UUID, channel_id: UUID) -> Place:
    """The place of what opens a channel that somebody is told by."""
    return _CHANNEL_RECEIVER.place(user_id, channel_id)


def rewrap(conn: Connection, keys: SymmetricKeys, *, batch: int = BATCH) -> Iterator[int]:
    """Wrap every value's data key by the active key; gives the number of rows after each committed batch.

    Interrupted, it has done whole batches; called again, it goes on with the rest. Reads never wait or fail.

    Args:
        conn: in autocommit.
        keys: the key-encryption keys, the old ones among them.
        batch: rows in one transaction.

    Raises:
        UnknownKey, SealBroken, MalformedSeal: a value cannot be moved; those before it are.
    """
    for column in COLUMNS:
        while moved := _rewrap_batch(conn, keys, column, batch):
            yield moved


def stale(conn: Connection, kid: str) -> int:
    """How many values need another key-encryption key than `kid`."""
    return _count(conn, kid, equal=False)


def in_use(conn: Connection, kid: str) -> int:
    """How many values need that key-encryption key."""
    return _count(conn, kid, equal=True)


def _rewrap_batch(conn: Connection, keys: SymmetricKeys, column: SealedColumn, batch: int) -> int:
    with conn.transaction():
        wanted = {"prefix": envelope.prefix(keys.active.kid), "limit": batch}
        rows = conn.execute(column.query(_STALE), wanted).fetchall()
        moved = [
            {"id": row_id, "sealed": _rewrapped(keys, sealed, f"{column.name} of {row_id}")}
            for row_id, sealed in rows
        ]
        conn.cursor().executemany(column.query(_STORE), moved)
    return len(moved)


def _rewrapped(keys: SymmetricKeys, sealed: bytes, name: str) -> bytes:
    try:
        return envelope.rewrap(keys, sealed)
    except SealError as error:
        raise type(error)(f"{name}: {error}") from error


def _count(conn: Connection, kid: str, *, equal: bool) -> int:
    parameters = {"prefix": envelope.prefix(kid), "equal": equal}
    counts = [conn.execute(column.query(_COUNT), parameters).fetchone() for column in COLUMNS]
    return sum(row[0] for row in counts if row)

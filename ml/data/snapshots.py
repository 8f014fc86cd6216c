"""`model.snapshots`: what forecasts were computed from, under its digest. Nobody may change a row."""

from datetime import date

from psycopg import Connection

from ml.errors import ModelError

_RECORD = """
    insert into model.snapshots (digest, first_day, last_day, content)
    values (%(digest)s, %(first_day)s, %(last_day)s, %(content)s)
    on conflict (digest) do nothing
"""
_CONTENT = "select content from model.snapshots where digest = %(digest)s"


def record(conn: Connection, digest: str, first_day: date, last_day: date, content: bytes) -> None:
    """Keep the content; one that is there already stays as it is."""
    conn.execute(
        _RECORD,
        {"digest": digest, "first_day": first_day, "last_day": last_day, "content": content},
    )


def content(conn: Connection, digest: str) -> bytes:
    """What is kept under a digest; whoever reads it compares it with the digest.

    Raises:
        ModelError: nothing is.
    """
    row = conn.execute(_CONTENT, {"digest": digest}).fetchone()
    if row is None:
        raise ModelError(f"the candles {digest} are not kept")
    return bytes(row[0])

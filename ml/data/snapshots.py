"""What models learned from and forecasts were computed from, under its digest. Nobody may change a row.

`model.training_sets` names every set that was trained on, `model.snapshots` keeps the candles of forecasts themselves.
"""

from datetime import date
from typing import Protocol
from uuid import UUID

from psycopg import Connection

from ml.data import panel
from ml.data.panel import Panel
from ml.errors import ModelError

_RECORD = """
    insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
    values (%(digest)s, %(token_id)s, %(first_day)s, %(last_day)s, %(rows)s, %(price_source)s, %(location)s)
    on conflict (digest) do nothing
"""
_KEEP = """
    insert into model.snapshots (digest, first_day, last_day, content)
    values (%(digest)s, %(first_day)s, %(last_day)s, %(content)s)
    on conflict (digest) do nothing
"""
_CONTENT = "select content from model.snapshots where digest = %(digest)s"


class Snapshot(Protocol):
    """An immutable set of days, of one token or of all."""

    @property
    def digest(self) -> str:
        """SHA-256 of its content."""
        ...

    @property
    def first_day(self) -> date:
        """The first day."""
        ...

    @property
    def last_day(self) -> date:
        """The last day."""
        ...

    @property
    def rows(self) -> int:
        """How many days of all its tokens are known."""
        ...

    @property
    def price_source(self) -> str:
        """Where the prices come from."""
        ...

    @property
    def location(self) -> str:
        """Where they were read."""
        ...


def record(conn: Connection, snapshot: Snapshot, token_id: UUID | None = None) -> None:
    """Write the row of a training set, of one token or of all; one that is there already stays as it is."""
    row = {
        name: getattr(snapshot, name)
        for name in ("digest", "first_day", "last_day", "rows", "price_source", "location")
    }
    conn.execute(_RECORD, {**row, "token_id": token_id})


def keep(conn: Connection, snapshot: Snapshot, content: bytes) -> None:
    """Store the content under its digest; does nothing where it is stored already."""
    row = {name: getattr(snapshot, name) for name in ("digest", "first_day", "last_day")}
    conn.execute(_KEEP, {**row, "content": content})


def content(conn: Connection, digest: str) -> bytes:
    """The stored content of a digest, unverified: the caller compares it with the digest.

    Raises:
        ModelError: nothing is.
    """
    row = conn.execute(_CONTENT, {"digest": digest}).fetchone()
    if row is None:
        raise ModelError(f"the candles {digest} are not kept")
    return bytes(row[0])


def kept_panel(conn: Connection, digest: str) -> Panel:
    """The panel stored under a digest, after comparing it with it.

    Raises:
        ModelError: it is not kept, or was changed.
    """
    kept = panel.from_npz(content(conn, digest))
    if kept.digest != digest:
        raise ModelError(f"the candles {digest} were changed: their digest is {kept.digest}")
    return kept

"""Exports: every current transaction as a row that imports back, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import IO, NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere import arrow_files
from coinsphere.clock import iso
from coinsphere.parsing.decimals import plain
from coinsphere.portfolio.imports.formats.row_readers import OWN_COLUMNS, guarded

_ROWS = """
    select
        t.occurred_at as date, t.type, token.symbol as token, t.amount, t.price, t.currency, t.fee,
        fee_token.symbol as fee_token, counter.symbol as counter_token, t.counter_amount, t.exchange, t.tx_hash, t.notes,
        coalesce(t.external_id, 'coinsphere:' || t.fact_id) as external_id, t.source
    from app.transactions t
    join market.tokens token on token.id = t.token_id
    left join market.tokens fee_token on fee_token.id = t.fee_token_id
    left join market.tokens counter on counter.id = t.counter_token_id
    where t.user_id = %(user_id)s and t.portfolio_id = %(portfolio_id)s and t.superseded_at is null
    order by t.occurred_at, t.place
"""
_PORTION = 2_000


class Row(NamedTuple):
    """A transaction by the columns of our format."""

    date: datetime
    type: str
    token: str
    amount: Decimal
    price: Decimal | None
    currency: str
    fee: Decimal | None
    fee_token: str | None
    counter_token: str | None
    counter_amount: Decimal | None
    exchange: str | None
    tx_hash: str | None
    notes: str | None
    external_id: str
    source: str


assert Row._fields == OWN_COLUMNS

_NUMBERS = frozenset(("amount", "price", "fee", "counter_amount"))
COLUMNS = tuple(
    (
        name,
        arrow_files.INSTANT
        if name == "date"
        else arrow_files.DECIMAL
        if name in _NUMBERS
        else arrow_files.TEXT,
    )
    for name in OWN_COLUMNS
)
"""The columns with their types, for Arrow and Parquet."""


def rows(conn: Connection, user_id: UUID, portfolio_id: UUID) -> Iterator[Row]:
    """All current transactions, the oldest first, read in portions."""
    with conn.cursor(name="export") as cursor:
        cursor.itersize = _PORTION
        parameters = {"user_id": user_id, "portfolio_id": portfolio_id}
        for row in cursor.execute(_ROWS, parameters):
            yield Row._make(row)


def write_csv(conn: Connection, user_id: UUID, portfolio_id: UUID, out: IO[str]) -> int:
    """Write the transactions as CSV (RFC 4180), row by row. Returns how many they are.

    Numbers are bare, so that they stay numbers; texts are guarded.
    """
    writer = csv.writer(out)
    writer.writerow(OWN_COLUMNS)
    written = 0
    for row in rows(conn, user_id, portfolio_id):
        writer.writerow([_cell(value) for value in row])
        written += 1
    return written


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso(value)
    return plain(value) if isinstance(value, Decimal) else guarded(str(value))

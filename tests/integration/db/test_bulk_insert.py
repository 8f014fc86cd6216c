"""What is inserted by arrays comes back as it was."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from psycopg import errors

from coinsphere.db.bulk_insert import Rows
from coinsphere.portfolio.model import Kind

TEXTS = ['say "a\\b"', "{1,2}", "NULL", "", " two\nlines\t", "\\", '"', "it's ₿", None]


def test_texts_numbers_and_times_survive(pipeline):
    pipeline.execute(
        "create temporary table kept (n integer, t text, a numeric, u uuid, at timestamptz, d date)"
    )
    columns = {
        "n": "integer", "t": "text", "a": "numeric", "u": "uuid", "at": "timestamptz", "d": "date",
    }  # fmt: skip
    moment = datetime(2024, 2, 29, 12, 30, 1, 999999, tzinfo=UTC)
    rows = [
        (n, text, Decimal("1E-18") if n else None, UUID(int=n), moment, date(2024, 2, 29))
        for n, text in enumerate([*TEXTS, Kind.BUY])
    ]
    Rows("pg_temp", "kept", columns).insert(pipeline, rows)
    assert pipeline.execute("select * from kept order by n").fetchall() == rows


def test_a_zero_byte_is_refused(pipeline):
    pipeline.execute("create temporary table kept (t text)")
    with pytest.raises(errors.DataError):
        Rows("pg_temp", "kept", {"t": "text"}).insert(pipeline, [("a\0b",)])

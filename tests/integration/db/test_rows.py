"""Rows as tuples with typed fields, and as mappings with other names."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest

from coinsphere.db import rows


class Pair(NamedTuple):
    left: int
    right: int


@pytest.fixture
def conn(module_database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database.api) as connection:
        yield connection


def test_rows_are_tuples_of_the_kind(conn) -> None:
    cursor = conn.cursor(row_factory=rows.tuples(Pair))
    assert cursor.execute('select 1 as left, 2 as "right"').fetchall() == [Pair(1, 2)]


@pytest.mark.parametrize("columns", ["2 as right, 1 as left", "1 as left", "1 as left, 2 as other"])
def test_columns_in_another_order_are_refused(conn, columns) -> None:
    """Else a cost would be taken for a price."""
    cursor = conn.cursor(row_factory=rows.tuples(Pair))
    with pytest.raises(TypeError, match="other fields"):
        cursor.execute(f"select {columns}")


def test_names_are_made_from_the_columns(conn) -> None:
    with conn.pipeline():
        cursor = conn.cursor(row_factory=rows.renamed(str.upper)).execute("select 1 as a")
    assert cursor.fetchall() == [{"A": 1}]

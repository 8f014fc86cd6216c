"""Reads the marts that dbt builds. Before its first build they are missing, which is no error."""

from collections.abc import Mapping
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.errors import InvalidSchemaName, UndefinedTable
from psycopg.rows import class_row

Row = TypeVar("Row")


def rows(
    conn: Connection, statement: str, parameters: Mapping[str, Any], row: type[Row]
) -> list[Row] | None:
    """The rows of `statement` as `row`; None while one of its marts is not built."""
    try:
        with conn.transaction():
            return conn.cursor(row_factory=class_row(row)).execute(statement, parameters).fetchall()
    except (UndefinedTable, InvalidSchemaName):
        return None

"""Row factories for what is read often: tuples with typed fields, and mappings with other names than the columns'."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from psycopg import Cursor
from psycopg.rows import RowFactory, RowMaker

Named = TypeVar("Named", bound=NamedTuple)


def tuples(kind: type[Named]) -> RowFactory[Named]:
    """Makes rows of `kind`, whose fields are the columns in their order.

    Raises:
        TypeError: when a result comes, the columns are others, or in another order.
    """

    def maker(cursor: Cursor[Any]) -> RowMaker[Named]:
        names = tuple(columns(cursor))
        # Of a statement that was sent in a pipeline nothing is known yet.
        if names and names != kind._fields:
            raise TypeError(f"{kind.__name__} has other fields than the columns {names}")
        return kind._make

    return maker


def renamed(rename: Callable[[str], str]) -> RowFactory[dict[str, Any]]:
    """Makes mappings whose names are what `rename` makes of the columns'."""

    def maker(cursor: Cursor[Any]) -> RowMaker[dict[str, Any]]:
        names = [rename(name) for name in columns(cursor)]
        return lambda values: dict(zip(names, values, strict=True))

    return maker


def columns(cursor: Cursor[Any]) -> list[str]:
    """The names of the columns; none before there is a result."""
    result = cursor.pgresult
    if result is None:
        return []
    return [(result.fname(place) or b"").decode() for place in range(result.nfields)]

"""Rows as Arrow's file format or Parquet, portion by portion; decimals keep every digit.

https://arrow.apache.org/docs/format/Columnar.html, https://parquet.apache.org/docs/file-format/
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, Literal

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no types

Form = Literal["parquet", "arrow"]
PORTION = 10_000
"""Rows of a group."""
DECIMAL = pa.decimal128(38, 18)
INSTANT = pa.timestamp("us", tz="UTC")
DAY = pa.date32()
TEXT = pa.string()
COUNT = pa.int32()
FLAG = pa.bool_()


class TooGreat(ValueError):
    """A number has more digits than the format's 38; CSV and JSON have it whole."""


def write(
    rows: Iterable[Sequence[Any]],
    columns: Sequence[tuple[str, pa.DataType]],
    out: IO[bytes],
    form: Form,
) -> int:
    """Write rows and return how many they are. Raises `TooGreat`."""
    schema = pa.schema(list(columns))
    written, left = 0, iter(rows)
    with _writer(out, schema, form) as writer:
        for portion in _portions(left):
            writer.write_batch(_batch(portion, schema))
            written += len(portion)
    return written


def _writer(out: IO[bytes], schema: pa.Schema, form: Form) -> Any:
    if form == "parquet":
        return pq.ParquetWriter(out, schema, compression="zstd")
    return pa.ipc.new_file(out, schema)


def _portions(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    while portion := list(islice(rows, PORTION)):
        yield portion


def _batch(portion: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    try:
        arrays = [
            pa.array(column, kind)
            for column, kind in zip(zip(*portion, strict=True), schema.types, strict=True)
        ]
    except pa.ArrowInvalid as error:
        raise TooGreat("a number has more digits than this format can hold") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)

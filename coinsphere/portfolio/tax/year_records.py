"""The records of a token's book that the report of one year needs: a whole book of 400,000 facts would fill the memory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from coinsphere.portfolio.lots.book_records import BookRecords
from coinsphere.portfolio.model import Lot, LotUse

Row = TypeVar("Row")


class Wanted(list[Row]):
    """A list that keeps only the appended rows that are wanted."""

    def __init__(self, is_wanted: Callable[[Row], bool]) -> None:
        super().__init__()
        self._is_wanted = is_wanted

    def append(self, row: Row, /) -> None:
        """Keep a row if it is wanted."""
        if self._is_wanted(row):
            super().append(row)


class Acquired(list[Lot]):
    """Keeps of each lot only the instant it was acquired at."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, datetime] = {}

    def append(self, lot: Lot, /) -> None:
        """Keep the lot's instant."""
        self.at[lot.number] = lot.acquired_at


def year_records(is_of_year: Callable[[LotUse], bool]) -> tuple[BookRecords, Acquired]:
    """Records that take the uses of a year, and when lots were acquired; neither days nor findings."""
    acquired = Acquired()
    nothing = Wanted[Any](lambda _: False)
    records = BookRecords(
        acquired,
        Wanted(is_of_year),
        positions=nothing,
        flows=nothing,
        findings=nothing,
    )
    return records, acquired

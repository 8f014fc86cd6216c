"""A token's book without what no report of one year needs: a book of 400,000 facts is held in memory otherwise."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from coinsphere.portfolio.lots.book_records import BookRecords
from coinsphere.portfolio.model import Lot, LotUse

Row = TypeVar("Row")


class Wanted(list[Row]):
    """Takes only what is wanted of what is appended."""

    def __init__(self, is_wanted: Callable[[Row], bool]) -> None:
        super().__init__()
        self._is_wanted = is_wanted

    def append(self, row: Row, /) -> None:
        """Take a row, or let it go."""
        if self._is_wanted(row):
            super().append(row)


class Acquired(list[Lot]):
    """Takes of lots only when each was acquired."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, datetime] = {}

    def append(self, lot: Lot, /) -> None:
        """Note a lot."""
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

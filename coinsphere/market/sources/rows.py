"""Reads the rows of a response one by one: a faulty row is noted, and the others are used."""

from collections.abc import Callable, Iterable, Sized
from typing import Protocol, TypeVar

from coinsphere.errors import BadPayload, ProviderError


class Named(Protocol):
    """The subject of a row: a token, or one market of it."""

    @property
    def symbol(self) -> str:
        """Its name in a note."""
        ...


N = TypeVar("N", bound=Named)
T = TypeVar("T")
NONSENSE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What reading a row of another shape stumbles over; numbers and times past all bounds are of the last kind."""
_MOST_NOTED = 50


class Noted:
    """Keeps the faulty rows of a provider until they are taken."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._problems: list[ProviderError] = []
        self._more = 0

    def note(self, what: str, row: object) -> None:
        """Note a faulty row; of very many only the first, and how many more."""
        if len(self._problems) < _MOST_NOTED:
            self._problems.append(BadPayload(self._source, what, repr(row)))
        else:
            self._more += 1

    def readable(
        self, rows: Iterable[tuple[N, object]], read: Callable[[N, object], T | None]
    ) -> list[T]:
        """The results of `read` for the rows, without those that give none; faulty rows are noted."""
        values: list[T] = []
        for named, row in rows:
            try:
                value = read(named, row)
            except NONSENSE as error:
                self.note(f"{named.symbol}: {type(error).__name__}: {error}", row)
            else:
                values += [] if value is None else [value]
        return values

    def require(self, values: Sized) -> None:
        """Raise where a response gave nothing and had faulty rows.

        Raises:
            BadPayload: no row at all could be read: then it is another answer than the one that was asked for.
        """
        if not values and self._problems:
            raise self.take()[0]

    def understood(
        self, rows: Iterable[tuple[N, object]], read: Callable[[N, object], T | None]
    ) -> list[T]:
        """Like `readable`, for a response as a whole.

        Raises:
            BadPayload: see `require`.
        """
        values = self.readable(rows, read)
        self.require(values)
        return values

    def take(self) -> list[ProviderError]:
        """What was noted since the last call."""
        problems, self._problems = self._problems, []
        if self._more:
            problems.append(BadPayload(self._source, f"{self._more} more rows make no sense"))
        self._more = 0
        return problems

"""Rows of an answer about many tokens, each for itself: one that makes no sense is noted, and the others are taken."""

from collections.abc import Callable, Iterable
from decimal import InvalidOperation
from typing import TypeVar

from coinsphere.errors import BadPayload, ProviderError
from coinsphere.market.model import Token

T = TypeVar("T")
NONSENSE = (TypeError, ValueError, KeyError, IndexError, AttributeError, InvalidOperation)
"""What reading a row of another shape stumbles over."""


class Noted:
    """Rows that a provider gave and that made no sense, until somebody asks for them."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._problems: list[ProviderError] = []

    def note(self, what: str, row: object) -> None:
        """Keep a row that makes no sense."""
        self._problems.append(BadPayload(self._source, what, repr(row)))

    def understood(
        self, rows: Iterable[tuple[Token, object]], read: Callable[[Token, object], T | None]
    ) -> list[T]:
        """What `read` makes of the rows, without those of which it makes nothing; nonsense is noted.

        Raises:
            BadPayload: of an answer with nonsense in it no row at all could be read: then it is another answer than
                the one that was asked for.
        """
        made: list[T] = []
        for token, row in rows:
            try:
                found = read(token, row)
            except NONSENSE as error:
                self.note(f"{token.symbol}: {type(error).__name__}: {error}", row)
            else:
                made += [] if found is None else [found]
        if not made and self._problems:
            raise self.take()[0]
        return made

    def take(self) -> list[ProviderError]:
        """What was noted since the last call."""
        problems, self._problems = self._problems, []
        return problems

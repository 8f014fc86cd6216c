"""Reads an exchange's rows one by one; one that cannot be read is set aside with its id and the reason."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from coinsphere import log
from coinsphere.errors import BadPayload
from coinsphere.exchanges.model import Page, Position, Unread
from coinsphere.parsing import decimals
from coinsphere.portfolio.imports.statements.record import Record
from coinsphere.portfolio.model import EXACT

NONSENSE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What reading a row raises that is not as its exchange documents it."""
_LONGEST_NAME = 100
_LONGEST_REASON = 200
_LONGEST_ROW = 2_000
_TOO_MUCH = Decimal(10) ** 20
"""What numeric(38, 18) cannot hold."""
_log = log.get("exchanges")

Row = Any
"""A row as it was told: an object, if all is well."""


class Told(NamedTuple):
    """The records of some rows, and the rows that cannot be read."""

    records: list[Record]
    unread: list[Unread]

    def joined(self, other: "Told") -> "Told":
        """Both results together."""
        return Told([*self.records, *other.records], [*self.unread, *other.unread])

    def page(self, position: Position, asked: Position, *, is_last: bool) -> Page:
        """The result as a page of a stream, which is asked for again by `asked`."""
        return Page(self.records, position, is_last, self.placed(asked).unread)

    def placed(self, asked: Position) -> "Told":
        """The same; what cannot be read is asked for again there, where it has no place of its own."""
        return Told(
            self.records, [each._replace(asked=each.asked or asked) for each in self.unread]
        )


def read(
    venue: str,
    rows: Iterable[Row],
    name: Callable[[Row], str],
    meant: Callable[[Row], Iterable[Record | None]],
) -> Told:
    """The records of each row.

    Args:
        venue: whose rows these are.
        rows: as they were told.
        name: what the record of a row is called.
        meant: its records.
    """
    result = Told([], [])
    for row in rows:
        try:
            records = [record for record in meant(row) if record is not None]
            for record in records:
                require_sense(record)
            result.records.extend(records)
        except (BadPayload, *NONSENSE) as error:
            result.unread.append(unread(venue, row, name, why(error)))
    return result


def require_sense(record: Record) -> None:
    """Check that a record can be stored: its numbers fit, and its names are readable text.

    Raises:
        ValueError: says what cannot.
    """
    for asset, amount in filter(None, (record.sent, record.received, record.fee)):
        if not amount.is_finite() or abs(amount) >= _TOO_MUCH:
            raise ValueError(f"an amount of {str(amount)[:40]}")
        if not asset.strip() or not asset.isprintable():
            raise ValueError("an asset without a name")
    if record.price is not None and not (
        record.price.is_finite() and abs(record.price) < _TOO_MUCH
    ):
        raise ValueError(f"a price of {str(record.price)[:40]}")
    if not f"{record.native_id}{record.tx_hash or ''}".isprintable():
        raise ValueError("an id that cannot be read")


def unread(
    venue: str, row: Row, name: Callable[[Row], str], reason: str, at: datetime | None = None
) -> Unread:
    """A row as one that cannot be read, with the reason."""
    shown = json.dumps(row, default=str)
    try:
        known = name(row)
        if not known.isprintable():
            raise ValueError("an id that cannot be read")
    except (BadPayload, *NONSENSE):
        known = f"row-{hashlib.sha256(shown.encode()).hexdigest()[:16]}"
    _log.warning("row cannot be read", exchange=venue, row=known[:_LONGEST_NAME], reason=reason)
    return Unread(known[:_LONGEST_NAME], reason, shown[:_LONGEST_ROW], at)


def why(error: Exception) -> str:
    """The fault of a row in a few words."""
    if isinstance(error, BadPayload):
        return str(error).removeprefix(f"{error.source}: ")[:_LONGEST_REASON]
    if isinstance(error, KeyError):
        return f"it lacks {str(error.args[0])[:40]!r}"
    if type(error) is ValueError:
        return str(error)[:_LONGEST_REASON]
    return f"it makes no sense ({type(error).__name__})"


def number(text: object) -> Decimal:
    """An amount.

    Raises:
        ValueError: it is none, or infinite.
    """
    value = decimals.read(str(text))
    if not value.is_finite():
        raise ValueError(f"{str(text)[:40]!r} is not finite")
    return value


def bounds(venue: str, rows: Sequence[Row], place: Callable[[Row], int]) -> tuple[int, int]:
    """The least and the greatest value by which pages are ordered, of the rows that have a readable one.

    Raises:
        BadPayload: none of the rows tells it, so that nobody knows what follows.
    """
    values = []
    for row in rows:
        try:
            values.append(place(row))
        except NONSENSE:
            continue
    if not values:
        raise BadPayload(venue, "no row of a page can be read", repr(rows)[:_LONGEST_ROW])
    return min(values), max(values)


def holdings(
    venue: str, rows: Iterable[Row], balance_of: Callable[[Row], tuple[str, Decimal]]
) -> dict[str, Decimal]:
    """The sum of the rows' amounts, by asset.

    Raises:
        BadPayload: one cannot be read; what the account holds is not known then.
    """
    balances: dict[str, Decimal] = {}
    for row in rows:
        try:
            asset, amount = balance_of(row)
            balances[asset] = EXACT.add(balances.get(asset, Decimal(0)), amount)
        except NONSENSE as error:
            raise BadPayload(venue, f"a balance: {why(error)}", repr(row)) from error
    return balances

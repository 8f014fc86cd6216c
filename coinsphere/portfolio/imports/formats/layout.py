"""The description of a format: its columns, the grouping of its rows, and the function that reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from coinsphere.portfolio.imports.formats.balances import Balance
from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.row import Cells, Parsed

Groups = Callable[[Sequence[Cells]], list[list[int]]]
"""Which rows, by index, belong together, in the order of the first of each."""


class Members(NamedTuple):
    """A JSON file's transactions: the list's name, our column for each member, and members that are not read, with the reason.

    Texts that are guarded have a quote before what a spreadsheet would take for a formula, as in our own CSV.
    """

    name: str
    columns: Mapping[str, str]
    unread: Mapping[str, str] = MappingProxyType({})
    is_guarded: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A format.

    `told` gives the columns from which the parts of a transaction come, to name them in problems; `identity` is the
    column that names a row for all time, `shares_names_with` the format that gives the same events the same names; `members` are those of a JSON file; `contradiction` gives the column of a row that does not follow from its others,
    and why; `caution` tells what to know of rows that are booked, such as that they are one side of an exchange.
    """

    columns: tuple[Column, ...]
    read: Callable[[Sequence[Cells]], list[Parsed]]
    told: Callable[[Parsed], Mapping[str, str]]
    groups: Groups | None = None
    customs: Customs = field(default_factory=Customs)
    balance: Balance | None = None
    identity: str | None = None
    shares_names_with: str | None = None
    contradiction: Callable[[Cells], tuple[str, str] | None] | None = None
    caution: Callable[[Sequence[Cells]], str | None] | None = None
    members: Members | None = None


def single(read: Callable[[Cells], list[Parsed]]) -> Callable[[Sequence[Cells]], list[Parsed]]:
    """The reader of a format in which each row is a transaction by itself."""
    return lambda rows: read(rows[0])


def always(**columns: str) -> Callable[[Parsed], Mapping[str, str]]:
    """The columns of the parts, whatever the transaction."""
    return lambda _: columns

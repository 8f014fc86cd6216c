"""Formats in which some rows tell one side of an exchange: rows of one event are read together."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from coinsphere.portfolio.imports.formats import records
from coinsphere.portfolio.imports.formats.one_row import OneRow
from coinsphere.portfolio.imports.formats.row import Cells, Parsed, WrongCell, moment, number, text
from coinsphere.portfolio.imports.statements.grouping import HALF, exchanged, is_one_sided
from coinsphere.portfolio.imports.statements.record import Entry
from coinsphere.portfolio.model import EXACT, ZERO


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """A format's rows.

    `sides` gives, for each kind of row that is a side of an exchange, its family: rows of one family whose cells in `by` are
    the same are one exchange; of a column in `told`, what its expression finds in the cell is compared. `signs` of a kind say
    which way its amount went, where that has no sign, 0 that it is the exchange's fee; `fees` are kinds whose amount, which has a sign, is that fee. With `is_net`, the amount has its fee taken
    off already. All else, and how columns are read, says `rows`.
    """

    rows: OneRow
    sides: Mapping[str, str]
    by: tuple[str, ...]
    told: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    signs: Mapping[str, int] | None = None
    fees: frozenset[str] = frozenset()
    is_net: bool = False

    def groups(self, rows: Sequence[Cells]) -> list[list[int]]:
        """The rows, by index, of each event."""
        events: dict[object, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            family = self.sides.get(self.rows.kind_of(row))
            if family is None:
                events[place].append(place)
            else:
                events[family, *(self._compared(row, column) for column in self.by)].append(place)
        return list(events.values())

    def _compared(self, row: Cells, column: str) -> object:
        """What tells the exchange of a row."""
        cell = text(row, column) or ""
        found = self.told[column].search(cell) if column in self.told else None
        return cell if found is None else found.groups()

    def read(self, rows: Sequence[Cells]) -> list[Parsed]:
        """The transactions of the rows of one event. Raises `Nothing`, `WrongCell`."""
        if self.rows.kind_of(rows[0]) not in self.sides:
            return self.rows.read(rows[0])
        with records.columns(self.rows.parts()):
            name = self.rows.cell(rows[0], self.rows.identity) or ""
            parsed = records.parsed(exchanged(name, self._entries(rows)), self.rows.exchange)
        wallet = self.rows.wallet_of(rows[0])
        notes = self.rows.cell(rows[0], self.rows.notes)
        return [replace(each, exchange=wallet, notes=notes) for each in parsed]

    def caution(self, rows: Sequence[Cells]) -> str | None:
        """A warning about rows that were read; None where there is none."""
        if self.rows.kind_of(rows[0]) not in self.sides:
            return self.rows.caution(rows)
        return HALF if is_one_sided(self._entries(rows)) else None

    def _entries(self, rows: Sequence[Cells]) -> list[Entry]:
        return records.entries(self._entry, rows)

    def _entry(self, row: Cells) -> Entry:
        at, kind = self.rows.amount, self.rows.kind_of(row)
        assert at is not None
        entry = Entry(
            "",
            "",
            moment(row, self.rows.at),
            "",
            self.rows.asset(row, at),
            records.given(row, at.number),
        )
        if kind in self.fees:
            return entry._replace(change=ZERO, fee=EXACT.minus(entry.change))
        if self.signs is not None:
            sign, size = self.signs[kind], abs(entry.change)
            entry = entry._replace(change=size * sign, fee=ZERO if sign else size)
        return entry if entry.fee else self._with_fee(row, entry)

    def _with_fee(self, row: Cells, entry: Entry) -> Entry:
        """With the fee that the row tells beside its amount."""
        fee = ZERO
        if self.rows.fee is not None and number(row, self.rows.fee.number):
            if self.rows.asset(row, self.rows.fee) != entry.asset:
                raise WrongCell(self.rows.fee.number, f"is in another asset than {entry.asset}")
            fee = records.given(row, self.rows.fee.number) * self.rows.fee_sign
        change = EXACT.add(entry.change, fee) if self.is_net else entry.change
        return entry._replace(change=change, fee=fee)

"""Formats with one row a transaction, described as data: the columns of its sides, its fee and its kind.

Nothing is guessed: a kind that the table does not have, a side that does not fit the kind, and a fee or an amount without
its asset are refused with the column and the reason.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from coinsphere.portfolio.imports.formats import records, row_readers
from coinsphere.portfolio.imports.formats.meanings import At, Kinds, Meaning, Way
from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    WrongCell,
    agreed,
    amount,
    moment,
    number,
    required,
    text,
)
from coinsphere.portfolio.imports.statements.grouping import Sums, alone, traded
from coinsphere.portfolio.imports.statements.record import Record, Side
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Kind

__all__ = ["At", "OneRow", "Pair"]


class Pair(NamedTuple):
    """A market such as `BTC/USD`: its first asset was traded for its second.

    `between` parts the two, an expression. What the trade was worth stands in `worth`, else it is the amount times `price`.
    """

    column: str
    between: str
    amount: str
    worth: str | None = None
    price: str = ""


@dataclass(frozen=True, slots=True)
class OneRow:
    """A format's row. Each text names a column by our name of it.

    `kind` are columns whose cells, parted by a space, name the row's kind. Amounts stand in `amount` and, of trades, in
    `worth` or in `pair`; with `has_sides`, `amount` is what left and `worth` what came. A fee that was paid is below zero
    where `fee_sign` is -1, and stands within the amount that left where `has_fee_within`; with `is_fee_in_worth` it is in what
    the pair is traded for. `names` are assets that the program calls otherwise. `named` gives the kind of one that is told in
    free text, in lower case.
    """

    exchange: str
    at: str
    kind: tuple[str, ...]
    kinds: Kinds
    amount: At | None = None
    worth: At | None = None
    pair: Pair | None = None
    fee: At | None = None
    fee_sign: int = 1
    has_fee_within: bool = False
    is_fee_in_worth: bool = False
    has_sides: bool = False
    status: str | None = None
    identity: str | None = None
    wallet: str | None = None
    tx_hash: str | None = None
    notes: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    named: Callable[[str], str] = str

    def read(self, cells: Cells) -> list[Parsed]:
        """The transaction of a row. Raises `Nothing`, `WrongCell`."""
        if self.status is not None:
            row_readers.require_done(cells, self.status)
        meaning = self._meaning(cells)
        with records.columns(self.parts()):
            parsed = records.parsed(self._records(cells, meaning), self.exchange)
        wallet = self.wallet_of(cells)
        notes, tx_hash = self.cell(cells, self.notes), self.cell(cells, self.tx_hash)
        return [replace(each, exchange=wallet, notes=notes, tx_hash=tx_hash) for each in parsed]

    def caution(self, rows: Sequence[Cells]) -> str | None:
        """A warning about a row that was read; None where there is none."""
        return self._meaning(rows[0]).caution

    def told(self, parsed: Parsed) -> Mapping[str, str]:
        """The columns from which the parts of a transaction come."""
        is_worth = self.has_sides and parsed.kind not in row_readers.OUTGOING
        first = self.worth if is_worth and self.worth else self._first()
        other = (
            At(self.pair.worth or self.pair.price, self.pair.column) if self.pair else self.worth
        )
        columns = {
            "symbol": first.asset or first.number, "amount": first.number, "occurred_at": self.at,
            "price": other.number if other else first.number, "currency": (other.asset or other.number) if other else first.number,
        }  # fmt: skip
        if other is not None:
            columns |= {
                "counter_symbol": other.asset or other.number,
                "counter_amount": other.number,
            }
        if self.fee is not None:
            columns |= {"fee": self.fee.number, "fee_symbol": self.fee.asset or self.fee.number}
        return columns

    def _first(self) -> At:
        if self.pair is not None:
            return At(self.pair.amount, self.pair.column)
        assert self.amount is not None
        return self.amount

    def parts(self) -> Mapping[str, str]:
        """The columns of what can be wrong with the records of a row."""
        column = self._first().number
        fee = self.fee.number if self.fee else column
        return {"amount": column, "change": column, "fee": fee, "kind": (*self.kind, column)[0]}

    def cell(self, cells: Cells, column: str | None) -> str | None:
        """The text of a column; None where the format has none."""
        return None if column is None else text(cells, column)

    def wallet_of(self, cells: Cells) -> str:
        """The account of a row."""
        return self.cell(cells, self.wallet) or self.exchange

    def kind_of(self, cells: Cells) -> str:
        """What names the kind of a row, in lower case."""
        told = " ".join(found.lower() for column in self.kind if (found := text(cells, column)))
        return self.named(" ".join(told.split()))

    def _meaning(self, cells: Cells) -> Meaning:
        kind = self.kind_of(cells)
        meaning = self.kinds.get(kind)
        if meaning is None:
            raise WrongCell(
                (*self.kind, self._first().number)[0], f"{kind[:40]!r} is no kind that we know" if kind else "is empty"
            )  # fmt: skip
        if isinstance(meaning, str):
            raise Nothing(meaning)
        return meaning

    # Sides and fees

    def _records(self, cells: Cells, meaning: Meaning) -> Sequence[Record]:
        name = self.cell(cells, self.identity) or ""
        fees = self._fees(cells) if meaning.pays else {}
        sent, received = self._sides(cells, meaning)
        at = moment(cells, self.at)
        if sent and received:
            return list(traded(Record(name, Kind.SWAP, at, sent, received), fees))
        changes = self._changes(sent, received, fees)
        parsed = list(alone(name, at, changes, fees, (meaning.come, meaning.go)))
        if not parsed:
            raise Nothing("an amount of zero")
        return parsed

    def _changes(self, sent: Side | None, received: Side | None, fees: Sums) -> Sums:
        """The amounts received or sent by asset, apart from the fee."""
        if sent is None:
            return {} if received is None else dict((received,))
        asset, sent_amount = sent
        within = max(fees.get(asset, ZERO), ZERO) if self.has_fee_within else ZERO
        if within > sent_amount:
            raise WrongCell(self.parts()["fee"], "is more than what left, which has it within")
        left = EXACT.subtract(sent_amount, within)
        return {asset: -left} if left else {}

    def _sides(self, cells: Cells, meaning: Meaning) -> tuple[Side | None, Side | None]:
        """What left and what came."""
        if meaning.way is Way.COSTS:
            return None, None
        if self.has_sides:
            return self._told_sides(cells, meaning)
        if meaning.way in (Way.BOUGHT, Way.SOLD, Way.SIGNED):
            return self._trade(cells, meaning)
        first, change = self._first(), records.given(cells, self._first().number)
        way = meaning.way
        if way is Way.MOVED:
            way = Way.COMES if change > 0 else Way.GOES
        if way is Way.COMES and change < 0:
            raise WrongCell(first.number, f"is negative, which does not fit {meaning.come}")
        side = (self.asset(cells, first), abs(change))
        return (None, side) if way is Way.COMES else (side, None)

    def _told_sides(self, cells: Cells, meaning: Meaning) -> tuple[Side | None, Side | None]:
        assert self.amount is not None
        assert self.worth is not None
        left, came = (self._side(cells, at) for at in (self.amount, self.worth))
        wants = (meaning.way in (Way.TRADED, Way.GOES), meaning.way in (Way.TRADED, Way.COMES))
        for at, side, is_wanted in ((self.amount, left, wants[0]), (self.worth, came, wants[1])):
            if (side is not None) is not is_wanted:
                kind = " ".join(cells[column] for column in self.kind)[:40]
                raise WrongCell(
                    at.number, f"is {'empty' if is_wanted else 'told'}, which does not fit {kind!r}"
                )
        return left, came

    def _side(self, cells: Cells, at: At) -> Side | None:
        return self._required_side(cells, at) if number(cells, at.number) else None

    def _required_side(self, cells: Cells, at: At) -> Side:
        return self.asset(cells, at), amount(cells, at.number)

    def _trade(self, cells: Cells, meaning: Meaning) -> tuple[Side, Side]:
        way = meaning.way
        change = records.given(cells, self._first().number)
        if way is Way.SIGNED:
            way = Way.BOUGHT if change > 0 else Way.SOLD
        first, other = self._market(cells, meaning.worth)
        return (other, first) if way is Way.BOUGHT else (first, other)

    def _market(self, cells: Cells, worth: At | None) -> tuple[Side, Side]:
        if self.pair is None:
            worth = worth or self.worth
            assert worth is not None
            return self._required_side(cells, self._first()), self._required_side(cells, worth)
        first, other = self._assets(cells, self.pair)
        traded_amount = amount(cells, self.pair.amount)
        return (first, traded_amount), (other, self._pair_worth(cells, traded_amount))

    def _assets(self, cells: Cells, pair: Pair) -> tuple[str, str]:
        """The two of a market."""
        market = required(cells, pair.column)
        parts = re.split(pair.between, market.strip())
        if len(parts) != 2 or not all(parts):  # noqa: PLR2004 - a pair
            raise WrongCell(pair.column, f"{market[:40]!r} is no pair of assets")
        return self._named(parts[0]), self._named(parts[1])

    def _pair_worth(self, cells: Cells, traded_amount: Decimal) -> Decimal:
        assert self.pair is not None
        if self.pair.worth is not None:
            return amount(cells, self.pair.worth)
        worth = EXACT.multiply(traded_amount, amount(cells, self.pair.price))
        return worth.quantize(UNIT, context=EXACT)

    def _fees(self, cells: Cells) -> Sums:
        paid = number(cells, self.fee.number) if self.fee else None
        if not paid or self.fee is None:
            return {}
        if self.is_fee_in_worth and self.pair is not None:
            return {self._assets(cells, self.pair)[1]: paid * self.fee_sign}
        return {self.asset(cells, self.fee): paid * self.fee_sign}

    def asset(self, cells: Cells, at: At) -> str:
        """The asset of an amount. Raises `WrongCell` where nothing names it, or its unit is another."""
        cell = text(cells, at.asset) if at.asset else None
        symbol = agreed(cells, at.number, cell.upper() if cell else None)
        if symbol is None:
            raise WrongCell(at.asset or at.number, "does not tell what the amount is of")
        return self._named(symbol)

    def _named(self, asset: str) -> str:
        return self.names.get(asset.strip().upper(), asset.strip().upper())

"""Turns the facts of one token into the lines of a tax report. No I/O; run it in the decimal context `EXACT`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from functools import cached_property
from itertools import chain
from uuid import UUID

from coinsphere.i18n import N_
from coinsphere.portfolio.lots import conversions
from coinsphere.portfolio.lots.book_records import (
    BookRecords,
    Carried,
    CarriedLot,
    Conversion,
    Entry,
)
from coinsphere.portfolio.lots.cost_basis import Book
from coinsphere.portfolio.lots.movements import Acquire, Dispose, fee_in, movements_of, value
from coinsphere.portfolio.model import (
    INCOME,
    UNIT,
    ZERO,
    Fact,
    Kind,
    LotUse,
    Market,
    Rules,
    Use,
)
from coinsphere.portfolio.tax import pools
from coinsphere.portfolio.tax.judgements import LEFT_OUT, is_no_sale, judged
from coinsphere.portfolio.tax.pools import Change, Matched
from coinsphere.portfolio.tax.regimes import Matching, Regime
from coinsphere.portfolio.tax.report import Disposal, Earned, Paid, Question
from coinsphere.portfolio.tax.year_records import year_records
from coinsphere.portfolio.valuer import Valuer

_REALISED = (Use.SALE, Use.SWAP, Use.FEE, Use.LOST)


@dataclass(frozen=True)
class Token:
    """One token of a person in a tax year.

    Attributes:
        token_id, symbol: the token.
        entries: all its facts since the beginning, in the order of booking; gone through more than once.
        rules: how each portfolio is booked.
        market: prices and rates.
        regime, year, currency: of the report.
        successions: the renames and swaps in which the token takes part.
        ends: conversions of this token into another one, or into another unit of itself.
        carried: lots converted from other tokens, as their `given` returns them, in this token's unit.
        is_converted: whether its lots go on in other tokens, so that all of its book is needed.
    """

    token_id: UUID
    symbol: str
    entries: Iterable[Entry]
    rules: Mapping[UUID, Rules]
    market: Market
    regime: Regime
    year: int
    currency: str
    successions: conversions.Successions = field(default_factory=dict)
    ends: Sequence[Conversion] = ()
    carried: Sequence[Carried] = ()
    is_converted: bool = False
    # Noted on the way, where facts are matched: what of them the report tells besides.
    _of_year: list[Entry] = field(default_factory=list, init=False, repr=False)
    _undecided: list[Disposal] = field(default_factory=list, init=False, repr=False)

    @cached_property
    def records(self) -> BookRecords:
        """The whole book by the rules of the regime."""
        return self._booked(BookRecords(), has_totals=True)

    def _booked(self, records: BookRecords, *, has_totals: bool) -> BookRecords:
        rules = self.regime.applied(self.rules, self.currency)
        book = Book(
            self.token_id, rules, self.market, successions=self.successions, records=records,
            has_totals=has_totals,
        )  # fmt: skip
        steps = conversions.in_order(self.token_id, self._noting(), self.ends, self.carried)
        return book.book(steps)

    def _noting(self) -> Iterator[Entry]:
        """All entries; those of the year are noted on the way."""
        self._of_year.clear()
        for entry in self.entries:
            if self._is_in_year(entry.fact.occurred_at):
                self._of_year.append(entry)
            yield entry

    @cached_property
    def _uses(self) -> tuple[Sequence[LotUse], Mapping[int, datetime]]:
        """The uses of the year, and when lots were acquired."""
        if self._is_of_events:
            acquired = {lot.number: lot.acquired_at for lot in self.records.lots}
            return self.records.uses, acquired
        records, lots = year_records(lambda use: self._is_in_year(use.used_at))
        return self._booked(records, has_totals=False).uses, lots.at

    @property
    def _is_of_events(self) -> bool:
        return self.is_converted or bool(self.ends or self.successions or self.carried)

    def _year(self) -> Sequence[Entry]:
        """The entries of the year, noted where all are matched."""
        _ = self._pooled if self.regime.matching is Matching.POOL else self._uses
        return self._of_year

    def given(self) -> list[Carried]:
        """Lots converted into other tokens, in this token's unit, with their cost by the regime."""
        carried = self._ended()
        return self._out_of_pool(carried) if self.regime.matching is Matching.POOL else carried

    def disposals(self) -> Iterator[Disposal | Question]:
        """The disposals of the year; what is unknown or undecided comes as a question."""
        by_pool = self.regime.matching is Matching.POOL
        for disposal in self._by_pool() if by_pool else self._by_lots():
            yield judged(disposal, self.regime)

    def income(self) -> Iterator[Earned | Question]:
        """The income of the year; income of unknown value comes as a question."""
        valuer = Valuer(self.market, self.currency)
        for fact in self._own():
            if fact.kind not in INCOME:
                continue
            worth, on = value(fact, valuer), self.regime.day(fact.occurred_at)
            quantity = fact.amount - fee_in(fact, self.token_id)
            if worth is None:
                yield Question(
                    on, self.symbol, quantity, N_("income of unknown value"), fact.fact_id
                )
            else:
                yield Earned(
                    self.symbol, fact.exchange or "", on, fact.kind, quantity, worth, fact.fact_id
                )

    def fees(self) -> Iterator[Paid]:
        """The fees of the token's own facts in the year."""
        valuer = Valuer(self.market, self.currency)
        for fact in self._own():
            if fact.fee:
                day = fact.occurred_at.date()
                worth = (
                    valuer.money(fact.fee, fact.currency, day)
                    if fact.fee_token_id is None
                    else valuer.worth(fact.fee_token_id, fact.fee, day)
                )
                yield Paid(self.regime.day(fact.occurred_at), fact.kind, worth, fact.fact_id)

    def questions(self) -> Iterator[Question]:
        """Transfers in the year whose other side nobody knows."""
        for entry in self._year():
            fact = entry.fact
            is_out = fact.kind in (Kind.TRANSFER_OUT, Kind.WITHDRAWAL)
            is_lone = is_out and entry.arrival is None
            if is_lone and fact.token_id == self.token_id:
                on, reason = self.regime.day(fact.occurred_at), LEFT_OUT[Use.WITHDRAWAL]
                yield Question(on, self.symbol, fact.amount, reason, fact.fact_id)

    def _by_lots(self) -> Iterator[Disposal]:
        uses, acquired = self._uses
        for use in uses:
            if not self._is_in_year(use.used_at) or use.kind not in (*_REALISED, Use.GIFT):
                continue
            since = acquired.get(use.lot_number) if use.lot_number is not None else None
            yield Disposal(
                self.symbol, use.account, None if since is None else self.regime.day(since),
                self.regime.day(use.used_at), use.kind, use.quantity, use.cost, use.proceeds, "lot", use.fact_id,
            )  # fmt: skip

    def _by_pool(self) -> Iterator[Disposal]:
        first = self.regime.first_day(self.year)
        last = self.regime.first_day(self.year + 1)
        for matched in self._pooled:
            if first <= matched.sold_on < last and matched.legacy is None:
                yield Disposal(
                    self.symbol, "", matched.bought_on, matched.sold_on, Use.SALE, self._in_unit_of(matched), matched.cost,
                    matched.proceeds, matched.rule, None,
                )  # fmt: skip
        yield from self._undecided

    @cached_property
    def _pooled(self) -> list[Matched]:
        return pools.match(chain(self._changes(), self._inherited(), self._left()))

    def _changes(self) -> Iterator[Change]:
        self._undecided.clear()
        for entry, move in self._moves():
            self._note_undecided(entry, move)
            on, quantity = self.regime.day(entry.at), move.quantity * self._scale(entry.at)
            if isinstance(move, Acquire):
                yield Change(on, quantity, move.cost, is_in=True)
            else:
                is_sale = move.use in self.regime.counts and move.proceeds != ZERO
                yield Change(on, quantity, move.proceeds, is_in=False, is_sale=is_sale)

    # The pool across changes of name and unit

    @cached_property
    def _units(self) -> list[Conversion]:
        """The token's changes of unit, each once: they happen at one instant in all portfolios."""
        own = {
            conversion.event_id: conversion
            for conversion in self.ends
            if conversion.heir == self.token_id
        }
        return list(own.values())

    def _scale(self, at: datetime | date) -> Decimal:
        """What a unit of an instant, or of the end of a day, counts in the pool, which has one unit for all time.

        It is chosen so that no amount has to be rounded: where 1,000 became 1, an old unit counts 1, a new one 1,000.
        """
        scale = Decimal(1)
        for conversion in self._units:
            is_new = (
                conversion.at <= at
                if isinstance(at, datetime)
                else self.regime.day(conversion.at) <= at
            )
            scale *= conversion.ratio.old if is_new else conversion.ratio.new
        return scale

    def _in_unit_of(self, matched: Matched) -> Decimal:
        scale = self._scale(matched.sold_on)
        return matched.quantity if scale == 1 else (matched.quantity / scale).quantize(UNIT)

    def _inherited(self) -> Iterator[Change]:
        for carried in self.carried:
            on, scale = self.regime.day(carried.at), self._scale(carried.at)
            for lot in carried.lots:
                yield Change(on, lot.quantity * scale, lot.cost, is_in=True, legacy=0)

    def _ended(self) -> list[Carried]:
        if not self._is_of_events:
            return []
        units = {conversion.event_id for conversion in self._units}
        return [
            carried for carried in conversions.given(self.records) if carried.fact_id not in units
        ]

    def _left(self) -> Iterator[Change]:
        for number, carried in enumerate(self._ended()):
            quantity = sum((lot.quantity for lot in carried.lots), ZERO) * self._scale(carried.at)
            yield Change(self.regime.day(carried.at), quantity, None, is_in=False, legacy=number)

    def _out_of_pool(self, handed_on: Sequence[Carried]) -> list[Carried]:
        """Converted lots with their share of the pool's cost, as far as the pool had them."""
        shares = {each.legacy: each for each in self._pooled if each.legacy is not None}
        carried_lots = []
        for number, each in enumerate(handed_on):
            if share_of_lot := shares.get(number):
                units = (share_of_lot.quantity / self._scale(each.at)).quantize(UNIT, ROUND_DOWN)
                carried_lots.append(
                    each._replace(lots=(CarriedLot(units, share_of_lot.cost, None),))
                )
        return carried_lots

    def _note_undecided(self, entry: Entry, move: Acquire | Dispose) -> None:
        """Losses, gifts and bare fees of the year, which are no sales."""
        if isinstance(move, Dispose) and is_no_sale(move) and self._is_in_year(entry.at):
            self._undecided.append(
                Disposal(
                    self.symbol, "", None, self.regime.day(entry.at), move.use, move.quantity, None,
                    move.proceeds, "section 104", entry.fact.fact_id,
                )
            )  # fmt: skip

    def _moves(self) -> Iterator[tuple[Entry, Acquire | Dispose]]:
        """What each fact does to the token; of a transfer between own accounts only its fee leaves."""
        valuer = Valuer(self.market, self.currency)
        for entry in self._noting():
            if conversions.is_of_event(entry.fact, self.successions):
                fee = fee_in(entry.fact, self.token_id)
                if fee and self.token_id != entry.fact.counter_token_id:
                    yield entry, Dispose(fee, Use.FEE, ZERO)
                continue
            if entry.arrival is None:
                for move in movements_of(entry.fact, self.token_id, valuer).moves:
                    yield entry, move
                continue
            fee = entry.fact.amount - entry.arrival.amount + fee_in(entry.fact, self.token_id)
            if fee > 0:
                yield entry, Dispose(fee, Use.FEE, ZERO)

    def _own(self) -> Iterator[Fact]:
        """The facts of the year that are of this token itself, not of its fees or its counterpart."""
        for entry in self._year():
            if entry.fact.token_id == self.token_id:
                yield entry.fact

    @cached_property
    def _bounds(self) -> tuple[datetime, datetime]:
        return self.regime.bounds(self.year)

    def _is_in_year(self, at: datetime) -> bool:
        return self._bounds[0] <= at < self._bounds[1]

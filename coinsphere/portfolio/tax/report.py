"""A tax report: its lines, and the sums that follow from them. No I/O; use it with the decimal context `EXACT`."""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from coinsphere.i18n import N_
from coinsphere.portfolio.model import ZERO, Use
from coinsphere.portfolio.tax.regimes import Limit, Regime, Taxes


class Disposal(NamedTuple):
    """A part that was sold, spent or lost, with its cost; None is unknown.

    `rule` says how it found its cost: `lot`, or of the United Kingdom `same day`, `30 days`, `section 104`.
    """

    symbol: str
    account: str
    acquired_on: date | None
    disposed_on: date
    use: Use
    quantity: Decimal
    cost: Decimal | None
    proceeds: Decimal | None
    rule: str
    fact_id: UUID | None

    @property
    def gain(self) -> Decimal | None:
        """The proceeds less the cost."""
        return None if self.cost is None or self.proceeds is None else self.proceeds - self.cost

    @property
    def is_long(self) -> bool:
        """Whether it was held for more than a year: sold after the day on which a year was over."""
        return self.acquired_on is not None and self.disposed_on > a_year_after(self.acquired_on)


class Earned(NamedTuple):
    """Income: a reward, interest, an airdrop, at its value on that day; None is unknown."""

    symbol: str
    account: str
    on: date
    kind: str
    quantity: Decimal
    value: Decimal | None
    fact_id: UUID


class Paid(NamedTuple):
    """A fee of a transaction, in money, at its value on that day. It is part of costs and proceeds already."""

    on: date
    kind: str
    value: Decimal | None
    fact_id: UUID


class Question(NamedTuple):
    """A question that the report cannot answer; its amount is in no sum."""

    on: date
    symbol: str
    quantity: Decimal
    reason: str
    fact_id: UUID | None


class Sum(NamedTuple):
    """A total of lines whose numbers are known."""

    name: str
    lines: int
    proceeds: Decimal
    cost: Decimal
    gain: Decimal


class Bounded(NamedTuple):
    """A sum against a limit: `counted` is what is left to be taxed; None where the limit of that year is not known."""

    name: str
    of: str
    amount: Decimal | None
    sum: Decimal
    counted: Decimal | None


@dataclass(frozen=True, slots=True)
class Report:
    """A person's tax year; `unknown` stands first, as nothing that follows includes it."""

    regime: Regime
    year: int
    currency: str
    unknown: Sequence[Question]
    disposals: Sequence[Disposal]
    income: Sequence[Earned]
    fees: Sequence[Paid]

    @property
    def sums(self) -> list[Sum]:
        """Totals of gains: of short and long terms where the regime tells them apart."""
        if not self.regime.splits_after_a_year:
            return [_summed(N_("all"), self.disposals)]
        return [
            _summed(N_("up to a year"), [each for each in self.disposals if not each.is_long]),
            _summed(N_("more than a year"), [each for each in self.disposals if each.is_long]),
        ]

    @property
    def earned(self) -> Decimal:
        """The income whose value is known."""
        return sum((each.value for each in self.income if each.value is not None), ZERO)

    @property
    def fees_paid(self) -> Decimal:
        """The fees whose value is known."""
        return sum((each.value for each in self.fees if each.value is not None), ZERO)

    @property
    def taxed_gain(self) -> Decimal:
        """The gains that are not tax-free by their holding period."""
        counted = self.sums[:1] if self.regime.frees_after_a_year else self.sums
        return sum((each.gain for each in counted), ZERO)

    @property
    def limits(self) -> list[Bounded]:
        """The taxable rest of gains and income after the regime's limits."""
        sums = {Taxes.GAINS: self.taxed_gain, Taxes.INCOME: self.earned}
        return [_bounded(each, self.year, sums[each.of]) for each in self.regime.limits]


def a_year_after(day: date) -> date:
    """The day on which a year is over that began after `day`; of 29 February the 28th (BGB § 188 (3), so too the IRS)."""
    last = calendar.monthrange(day.year + 1, day.month)[1]
    return date(day.year + 1, day.month, min(day.day, last))


def _summed(name: str, lines: Iterable[Disposal]) -> Sum:
    known = [each for each in lines if each.gain is not None]
    proceeds = sum((each.proceeds or ZERO for each in known), ZERO)
    cost = sum((each.cost or ZERO for each in known), ZERO)
    return Sum(name, len(known), proceeds, cost, proceeds - cost)


def _bounded(limit: Limit, year: int, total: Decimal) -> Bounded:
    amount = limit.amount(year)
    counted = None
    if amount is not None:
        above = max(total - amount, ZERO)
        is_free = total < amount if limit.is_cliff else total <= amount
        counted = ZERO if is_free else total if limit.is_cliff else above
    return Bounded(limit.name, limit.of, amount, total, counted)

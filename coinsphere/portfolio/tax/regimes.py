"""Tax rules of countries as data. A new one is an entry here and a worked case in the tests.

Sources: Germany: EStG § 22 Nr. 3, § 23 (1) Nr. 2, (3), and the letter of the Federal Ministry of Finance of 6 March 2025; United
States: IRC §§ 1012, 1222, Rev. Proc. 2024-28, Form 8949; United Kingdom: TCGA 1992 ss. 104, 105, 106A, HMRC CRYPTO22200.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from coinsphere.i18n import N_
from coinsphere.portfolio.model import LotMethod, LotScope, Rules, Use


class Matching(StrEnum):
    """How the cost of a sale is found."""

    LOTS = "lots"
    POOL = "pool"
    """The United Kingdom's: the same day, the next 30 days, then the pool of all."""


class Taxes(StrEnum):
    """The sum that a limit is about."""

    GAINS = "gains"
    INCOME = "income"


@dataclass(frozen=True, slots=True)
class Limit:
    """The part of a sum that stays free of tax.

    Attributes:
        name: where it stands in the law.
        of: which sum.
        from_year: amounts by the first tax year in which each holds.
        is_cliff: a sum that reaches it is taxed from the first unit on; else only what lies above.
    """

    name: str
    of: Taxes
    from_year: Mapping[int, Decimal]
    is_cliff: bool

    def amount(self, year: int) -> Decimal | None:
        """The limit of a tax year; None where it is not known here."""
        known = [first for first in self.from_year if first <= year]
        return self.from_year[max(known)] if known else None


@dataclass(frozen=True, slots=True)
class Regime:
    """A country's rules.

    Attributes:
        code: as it stands in addresses.
        name: for people.
        currency: that the report is in; empty: the one that is asked for.
        zone: by whose clock a day begins.
        begins: month and day of the tax year's first day.
        matching: how sales find costs.
        method, scope: of lots; None: as each portfolio is booked.
        splits_after_a_year: whether what was held for more than a year is told apart.
        frees_after_a_year: whether it is free then.
        counts: uses that realise a gain or a loss.
        limits: what stays free.
        boxes: of Form 8949 by the first year: of short and of long terms.
        says: what the report points out.
    """

    code: str
    name: str
    currency: str
    zone: str
    begins: tuple[int, int] = (1, 1)
    matching: Matching = Matching.LOTS
    method: LotMethod | None = LotMethod.FIFO
    scope: LotScope | None = LotScope.ACCOUNT
    splits_after_a_year: bool = False
    frees_after_a_year: bool = False
    counts: frozenset[Use] = frozenset((Use.SALE, Use.SWAP, Use.FEE))
    limits: tuple[Limit, ...] = ()
    boxes: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    says: tuple[str, ...] = ()

    def first_day(self, year: int) -> date:
        """The day on which a tax year begins; it is named after the calendar year of that day."""
        return date(year, *self.begins)

    def bounds(self, year: int) -> tuple[datetime, datetime]:
        """The start and the end of a tax year, in UTC; the end is exclusive."""
        zone = ZoneInfo(self.zone)
        first, last = (
            datetime.combine(self.first_day(each), time(), zone).astimezone(UTC)
            for each in (year, year + 1)
        )
        return first, last

    def applied(self, rules: Mapping[UUID, Rules], currency: str) -> dict[UUID, Rules]:
        """The booking rules of portfolios by the regime, in a currency."""
        return {
            key: replace(
                own,
                currency=currency,
                method=self.method or own.method,
                scope=self.scope or own.scope,
            )
            for key, own in rules.items()
        }

    def day(self, at: datetime) -> date:
        """The day of an instant."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def box(self, year: int, *, is_long: bool) -> str | None:
        """The box of Form 8949 for what no broker reported; None where there is no such form."""
        known = [first for first in self.boxes if first <= year]
        return self.boxes[max(known)][is_long] if known else None


def _amounts(**by_year: int) -> dict[int, Decimal]:
    return {int(name.removeprefix("from_")): Decimal(amount) for name, amount in by_year.items()}


GENERIC = Regime(
    "generic", N_("Generic"), "", "UTC", method=None, scope=None, splits_after_a_year=True,
    counts=frozenset((Use.SALE, Use.SWAP, Use.FEE, Use.LOST)),
    says=(N_("Lots are used as each portfolio is set to; what was lost counts as a loss."),),
)  # fmt: skip
GERMANY = Regime(
    "de", N_("Germany"), "EUR", "Europe/Berlin", splits_after_a_year=True, frees_after_a_year=True,
    limits=(
        Limit("§ 23 (3) EStG", Taxes.GAINS, _amounts(from_2009=600, from_2024=1000), is_cliff=True),
        Limit("§ 22 Nr. 3 EStG", Taxes.INCOME, _amounts(from_2009=256), is_cliff=True),
    ),
    says=(
        N_("First in, first out within each exchange or wallet; what was held for more than a year is free."),
        N_("The limits are of all private sales, and of all other income, of a person, not of crypto alone."),
    ),
)  # fmt: skip
UNITED_STATES = Regime(
    "us", N_("United States"), "USD", "America/New_York", splits_after_a_year=True,
    boxes={2009: ("C", "F"), 2025: ("I", "L")},
    says=(
        N_("First in, first out within each exchange or wallet. The rule of wash sales (IRC § 1091) is not applied."),
        N_("The boxes are those of sales that no broker has reported on a Form 1099."),
    ),
)  # fmt: skip
UNITED_KINGDOM = Regime(
    "uk", N_("United Kingdom"), "GBP", "Europe/London", begins=(4, 6), matching=Matching.POOL,
    scope=LotScope.PORTFOLIO,
    limits=(
        Limit("annual exempt amount", Taxes.GAINS,
              _amounts(from_2017=11300, from_2018=11700, from_2019=12000, from_2020=12300, from_2023=6000, from_2024=3000),
              is_cliff=False),
        Limit("trading and miscellaneous income allowance", Taxes.INCOME, _amounts(from_2017=1000), is_cliff=False),
    ),
    says=(N_("The same day, the next 30 days, then the section 104 pool, of all accounts together."),),
)  # fmt: skip
REGIMES = {each.code: each for each in (GENERIC, GERMANY, UNITED_STATES, UNITED_KINGDOM)}
"""All regimes by their codes."""

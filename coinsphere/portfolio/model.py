"""The model of a portfolio: facts (transactions as they happened), lots, positions and flows.

Quantities are in units of the token. Money is in the currency of the portfolio unless a name says otherwise; None is
unknown, never zero.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)
"""Sums and products of numeric(38, 18) come out exact; only a division rounds, and says where."""

UNIT = Decimal(1).scaleb(-18)
ZERO = Decimal(0)


class Kind(StrEnum):
    """What happened. `gift` is given away; what is received as a gift is a deposit with the giver's cost."""

    BUY = "buy"
    SELL = "sell"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FEE = "fee"
    REWARD = "reward"
    STAKING = "staking"
    AIRDROP = "airdrop"
    INTEREST = "interest"
    SWAP = "swap"
    GIFT = "gift"
    LOST = "lost"
    OPENING_BALANCE = "opening_balance"


INCOME = frozenset({Kind.REWARD, Kind.STAKING, Kind.AIRDROP, Kind.INTEREST})
ARRIVALS = frozenset({Kind.DEPOSIT, Kind.TRANSFER_IN, Kind.OPENING_BALANCE})
DEPARTURES = frozenset({Kind.WITHDRAWAL, Kind.TRANSFER_OUT, Kind.GIFT})
LOSSES = frozenset({Kind.FEE, Kind.LOST})
ACQUISITIONS = frozenset({Kind.BUY}) | INCOME | ARRIVALS


class LotMethod(StrEnum):
    """Which lots a sale uses first."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"


class LotScope(StrEnum):
    """Whether lots of one exchange or wallet are kept apart from those of another."""

    PORTFOLIO = "portfolio"
    ACCOUNT = "account"


class Use(StrEnum):
    """What a lot, or a part of it, was used for. The first four realise a gain or a loss."""

    SALE = "sale"
    SWAP = "swap"
    FEE = "fee"
    LOST = "lost"
    GIFT = "gift"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    POOLED = "pooled"
    CONVERSION = "conversion"


REALISING = frozenset({Use.SALE, Use.SWAP, Use.FEE, Use.LOST})


class IssueKind(StrEnum):
    """What a person has to look at."""

    NEGATIVE_BALANCE = "negative_balance"
    MISSING_COST = "missing_cost"
    UNMATCHED_TRANSFER = "unmatched_transfer"
    UNPRICED_ASSET = "unpriced_asset"
    BALANCE_DIFFERENCE = "balance_difference"


class Fact(NamedTuple):
    """One transaction as it happened. A named tuple, as a rebuild makes hundreds of thousands of them.

    `price` and a `fee` without `fee_token_id` are in `currency`. A swap gives `amount` of `token_id` and receives
    `counter_amount` of `counter_token_id`. `exchange` names the account, None where none is known.
    """

    fact_id: UUID
    portfolio_id: UUID
    kind: Kind
    token_id: UUID
    amount: Decimal
    price: Decimal | None
    currency: str
    fee: Decimal | None
    fee_token_id: UUID | None
    counter_token_id: UUID | None
    counter_amount: Decimal | None
    exchange: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """How a portfolio is booked."""

    portfolio_id: UUID
    currency: str
    method: LotMethod = LotMethod.FIFO
    scope: LotScope = LotScope.PORTFOLIO


class Market(Protocol):
    """Prices and exchange rates of the past; None where there is none on that day or before it."""

    def close(self, token_id: UUID, day: date) -> Decimal | None:
        """US dollars for one unit at the end of `day`, or at the last close before."""
        ...

    def per_dollar(self, currency: str, day: date) -> Decimal | None:
        """Units of `currency` for one US dollar on `day`."""
        ...


class Lot(NamedTuple):
    """Units acquired at once, as a row: never changed except for `closed_at`, the instant the last was used."""

    number: int
    portfolio_id: UUID
    account: str
    fact_id: UUID
    acquired_at: datetime
    opened_at: datetime
    quantity: Decimal
    cost: Decimal | None


class LotUse(NamedTuple):
    """A use of a lot. `lot_number` is None where more was used than was held; then the cost is unknown."""

    number: int
    lot_number: int | None
    portfolio_id: UUID
    account: str
    fact_id: UUID
    kind: Use
    used_at: datetime
    quantity: Decimal
    cost: Decimal | None
    proceeds: Decimal | None


class Position(NamedTuple):
    """A portfolio's holding at the end of `day`; `cost` is that of all but `uncosted` units."""

    portfolio_id: UUID
    day: date
    amount: Decimal
    cost: Decimal
    uncosted: Decimal


class Flow(NamedTuple):
    """The amounts that entered and left a position on a day.

    `money_*` were paid or received from outside; `amount_*` are units that came or went at no price, to be valued at
    the close; `swap_*` is what the units of a swap were worth; `income` was earned.
    """

    portfolio_id: UUID
    day: date
    money_in: Decimal = ZERO
    money_out: Decimal = ZERO
    amount_in: Decimal = ZERO
    amount_out: Decimal = ZERO
    swap_in: Decimal = ZERO
    swap_out: Decimal = ZERO
    income: Decimal = ZERO


class Finding(NamedTuple):
    """An issue of one fact; `amount` is how many units it is about."""

    kind: IssueKind
    portfolio_id: UUID
    fact_id: UUID
    amount: Decimal

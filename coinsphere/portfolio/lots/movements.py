"""The effect of a fact on one token: units that come or go, their cost or proceeds, and external flows.

Each token is booked by itself: the cost of what a swap received is what was given at its market value, so no token
waits for the lots of another. Only a transfer between a user's own accounts carries cost, and that within one token.
"""

from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from coinsphere.portfolio.lots.pool import share
from coinsphere.portfolio.model import (
    ACQUISITIONS,
    ARRIVALS,
    DEPARTURES,
    INCOME,
    LOSSES,
    ZERO,
    Fact,
    Kind,
    Use,
)
from coinsphere.portfolio.valuer import Valuer


class Acquire(NamedTuple):
    """Units that come; `cost` is None where it is unknown."""

    quantity: Decimal
    cost: Decimal | None


class Dispose(NamedTuple):
    """Units that go, what for, and their proceeds; None where unknown or where nothing is realised."""

    quantity: Decimal
    use: Use
    proceeds: Decimal | None


class ExternalFlow(NamedTuple):
    """What the fact adds to the day's flow, by the names of `Flow`."""

    money_in: Decimal = ZERO
    money_out: Decimal = ZERO
    amount_in: Decimal = ZERO
    amount_out: Decimal = ZERO
    swap_in: Decimal = ZERO
    swap_out: Decimal = ZERO
    income: Decimal = ZERO


class Movements(NamedTuple):
    """All effects of a fact on one token."""

    moves: tuple[Acquire | Dispose, ...]
    external_flow: ExternalFlow = ExternalFlow()


_USES = {
    Kind.WITHDRAWAL: Use.WITHDRAWAL,
    Kind.TRANSFER_OUT: Use.WITHDRAWAL,
    Kind.GIFT: Use.GIFT,
    Kind.FEE: Use.FEE,
    Kind.LOST: Use.LOST,
}


def movements_of(fact: Fact, token_id: UUID, valuer: Valuer) -> Movements:
    """The effect of `fact`, which is no matched transfer, on the token `token_id`."""
    if token_id == fact.token_id:
        return _of_token(fact, valuer)
    if token_id == fact.counter_token_id:
        return _received(fact, valuer)
    return _fee_alone(fact, valuer)


def value(fact: Fact, valuer: Valuer) -> Decimal | None:
    """The worth of the fact's amount: by its price, else by the market; for a swap also by the received side."""
    day = fact.occurred_at.date()
    if fact.price is not None:
        return valuer.money(fact.amount * fact.price, fact.currency, day)
    worth = valuer.worth(fact.token_id, fact.amount, day)
    if worth is None and fact.counter_token_id is not None and fact.counter_amount is not None:
        return valuer.worth(fact.counter_token_id, fact.counter_amount, day)
    return worth


def stated(fact: Fact, valuer: Valuer) -> Decimal | None:
    """The cost or proceeds of the fact's amount by its own price."""
    if fact.price is None:
        return None
    return valuer.money(fact.amount * fact.price, fact.currency, fact.occurred_at.date())


def fee_in(fact: Fact, token_id: UUID) -> Decimal:
    """The part of the fee that was paid in units of the token."""
    return fact.fee if fact.fee is not None and fact.fee_token_id == token_id else ZERO


def outgoing(fact: Fact, token_id: UUID) -> Decimal:
    """The number of units of the token that `fact` takes; a fee out of what it brings takes none."""
    if token_id == fact.counter_token_id:
        return ZERO
    if token_id != fact.token_id:
        return fee_in(fact, token_id)
    return ZERO if fact.kind in ACQUISITIONS else fact.amount + fee_in(fact, token_id)


def other_fee(fact: Fact, valuer: Valuer) -> Decimal:
    """The cost of a fee in money, or in a third token; a fee of unknown worth adds nothing."""
    if not fact.fee or _is_of_the_trade(fact):
        return ZERO
    day = fact.occurred_at.date()
    if fact.fee_token_id is None:
        return valuer.money(fact.fee, fact.currency, day) or ZERO
    return valuer.worth(fact.fee_token_id, fact.fee, day) or ZERO


def unseen(move: Dispose, missing: Decimal, left: ExternalFlow) -> ExternalFlow:
    """The flow of units that left without being known: they must have come in before, at the worth they left for.

    Without it all that they brought would be a gain of money that was never put in.

    Args:
        move: how they left.
        missing: how many of its units nobody knew of.
        left: what crossed the border as they left.
    """
    brought = left.money_out or left.swap_out
    if move.use in {Use.SALE, Use.SWAP} and brought:
        return ExternalFlow(money_in=share(brought, missing, move.quantity))
    return ExternalFlow(amount_in=missing)


def _is_of_the_trade(fact: Fact) -> bool:
    """Whether the fee is in a token that the fact trades: then it changes how much was traded."""
    return fact.fee_token_id is not None and fact.fee_token_id in (
        fact.token_id,
        fact.counter_token_id,
    )


def _money_fee(fact: Fact, valuer: Valuer) -> Decimal:
    if not fact.fee or fact.fee_token_id is not None:
        return ZERO
    return valuer.money(fact.fee, fact.currency, fact.occurred_at.date()) or ZERO


def _of_token(fact: Fact, valuer: Valuer) -> Movements:
    kind = fact.kind
    if kind is Kind.BUY:
        return _bought(fact, valuer)
    if kind is Kind.SELL:
        return _sold(fact, valuer)
    if kind is Kind.SWAP:
        return _given(fact, valuer)
    if kind in INCOME:
        return _earned(fact, valuer)
    if kind in ARRIVALS:
        return _arrived(fact, valuer)
    assert kind in DEPARTURES | LOSSES
    return _departed(fact)


def _bought(fact: Fact, valuer: Valuer) -> Movements:
    quantity = fact.amount - fee_in(fact, fact.token_id)
    paid = stated(fact, valuer)
    cost = None if paid is None else paid + other_fee(fact, valuer)
    if paid is None:
        return Movements((Acquire(quantity, cost),), ExternalFlow(amount_in=quantity))
    return Movements(
        (Acquire(quantity, cost),), ExternalFlow(money_in=paid + _money_fee(fact, valuer))
    )


def _sold(fact: Fact, valuer: Valuer) -> Movements:
    quantity = fact.amount + fee_in(fact, fact.token_id)
    got = stated(fact, valuer)
    proceeds = None if got is None else got - other_fee(fact, valuer)
    move = Dispose(quantity, Use.SALE, proceeds)
    if got is None:
        return Movements((move,), ExternalFlow(amount_out=quantity))
    net = got - _money_fee(fact, valuer)
    # A fee above the proceeds is money put in.
    return Movements(
        (move,), ExternalFlow(money_out=net) if net >= 0 else ExternalFlow(money_in=-net)
    )


def _given(fact: Fact, valuer: Valuer) -> Movements:
    worth = value(fact, valuer)
    quantity = fact.amount + fee_in(fact, fact.token_id)
    external_flow = ExternalFlow() if worth is None else ExternalFlow(swap_out=worth)
    return Movements((Dispose(quantity, Use.SWAP, worth),), external_flow)


def _received(fact: Fact, valuer: Valuer) -> Movements:
    assert fact.counter_token_id is not None
    assert fact.counter_amount is not None
    worth = value(fact, valuer)
    quantity = fact.counter_amount - fee_in(fact, fact.counter_token_id)
    if worth is None:
        return Movements((Acquire(quantity, None),))
    fee = _money_fee(fact, valuer)
    move = Acquire(quantity, worth + other_fee(fact, valuer))
    return Movements((move,), ExternalFlow(swap_in=worth, money_in=fee))


def _earned(fact: Fact, valuer: Valuer) -> Movements:
    """Income costs what it was worth when it came: that was taxed, and is no gain of the later sale."""
    quantity = fact.amount - fee_in(fact, fact.token_id)
    worth = value(fact, valuer)
    income = ExternalFlow() if worth is None else ExternalFlow(income=worth)
    return Movements((Acquire(quantity, worth),), income)


def _arrived(fact: Fact, valuer: Valuer) -> Movements:
    quantity = fact.amount - fee_in(fact, fact.token_id)
    paid = stated(fact, valuer)
    cost = None if paid is None else paid + other_fee(fact, valuer)
    return Movements((Acquire(quantity, cost),), ExternalFlow(amount_in=quantity))


def _departed(fact: Fact) -> Movements:
    """Gifts and withdrawals realise nothing; what is lost, or paid as a fee for no trade, loses its cost."""
    is_loss = fact.kind in LOSSES
    moves = [Dispose(fact.amount, _USES[fact.kind], ZERO if is_loss else None)]
    fee = fee_in(fact, fact.token_id)
    if fee:
        moves.append(Dispose(fee, Use.FEE, ZERO))
    external_flow = ExternalFlow() if is_loss else ExternalFlow(amount_out=fact.amount)
    return Movements(tuple(moves), external_flow)


def _fee_alone(fact: Fact, valuer: Valuer) -> Movements:
    """A fee in a third token: a trade's is spent at market value, any other brings nothing."""
    if not fact.fee or fact.fee_token_id is None:
        return Movements(())
    is_trade = fact.kind in (Kind.BUY, Kind.SELL, Kind.SWAP)
    day = fact.occurred_at.date()
    proceeds = valuer.worth(fact.fee_token_id, fact.fee, day) if is_trade else ZERO
    return Movements((Dispose(fact.fee, Use.FEE, proceeds),))

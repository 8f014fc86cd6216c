"""Builds a transaction from what was sent and what was received at once."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext

from coinsphere.portfolio.imports.formats.row import Nothing, Parsed, WrongCell
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.model import EXACT, UNIT, Kind


class Sides:
    """What was sent and what was received at once, each a symbol and an amount."""

    def __init__(
        self,
        sent: tuple[str | None, Decimal] | None,
        received: tuple[str | None, Decimal] | None,
    ) -> None:
        self.sent = None if sent is None or sent[0] is None else (sent[0], sent[1])
        self.received = (
            None if received is None or received[0] is None else (received[0], received[1])
        )

    def parsed(
        self,
        *,
        occurred_at: datetime,
        fee: tuple[Decimal, str] | None,
        worth: tuple[Decimal, str] | None,
        incoming: Kind,
        outgoing: Kind,
    ) -> Parsed:
        """The transaction. Raises `Nothing` where only a currency moved, which we do not keep."""
        fee_part = _fee(fee)
        if self.sent is not None and self.received is not None:
            parsed = self._trade(occurred_at, fee_part, worth)
        else:
            parsed = self._move(
                occurred_at, fee_part, worth, incoming if self.received else outgoing
            )
        if fee is None or fee[1] not in MONEY or fee[1] == parsed.currency:
            return parsed
        if parsed.price is not None:
            raise WrongCell("Fee Currency", f"{fee[1]} is not that of the price, {parsed.currency}")
        return replace(parsed, currency=fee[1])

    def _move(
        self,
        occurred_at: datetime,
        fee: tuple[Decimal | None, str | None],
        worth: tuple[Decimal, str] | None,
        kind_of: Kind,
    ) -> Parsed:
        side = self.sent or self.received
        if side is None or side[0] in MONEY:
            if fee[0] is not None and fee[1] is not None:
                return Parsed(Kind.FEE, fee[1], fee[0], occurred_at)
            raise Nothing("moves a currency alone, which we do not keep")
        price, currency = _unit_price(worth, side[1])
        return Parsed(kind_of, side[0], side[1], occurred_at, price, currency, *fee)

    def _trade(
        self,
        occurred_at: datetime,
        fee: tuple[Decimal | None, str | None],
        worth: tuple[Decimal, str] | None,
    ) -> Parsed:
        assert self.sent is not None
        assert self.received is not None
        (sent_symbol, sent_amount), (received_symbol, received_amount) = self.sent, self.received
        if sent_symbol in MONEY and received_symbol in MONEY:
            raise Nothing("changes a currency into another, which we do not keep")
        if sent_symbol in MONEY:
            price, _ = _unit_price((sent_amount, sent_symbol), received_amount)
            return Parsed(
                Kind.BUY, received_symbol, received_amount, occurred_at, price, sent_symbol, *fee
            )
        if received_symbol in MONEY:
            price, _ = _unit_price((received_amount, received_symbol), sent_amount)
            return Parsed(
                Kind.SELL, sent_symbol, sent_amount, occurred_at, price, received_symbol, *fee
            )
        price, currency = _unit_price(worth, sent_amount)
        return Parsed(
            Kind.SWAP, sent_symbol, sent_amount, occurred_at, price, currency, *fee,
            counter_symbol=received_symbol, counter_amount=received_amount,
        )  # fmt: skip


def _fee(fee: tuple[Decimal, str] | None) -> tuple[Decimal | None, str | None]:
    """A fee and the token that it was paid in; None for the token where it was money."""
    if fee is None:
        return None, None
    return fee[0], None if fee[1] in MONEY else fee[1]


def _unit_price(worth: tuple[Decimal, str] | None, units: Decimal) -> tuple[Decimal | None, str]:
    if worth is None:
        return None, "USD"
    with localcontext(EXACT):
        return (worth[0] / units).quantize(UNIT), worth[1]

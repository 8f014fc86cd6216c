"""Converts money of a transaction to the currency of a portfolio, at the rates of the transaction's day."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from coinsphere.portfolio.model import (
    UNIT,
    Market,
)


class Valuer:
    """Converts money of a fact to the currency of a portfolio, at the rates of the fact's day."""

    def __init__(self, market: Market, currency: str) -> None:
        self._market = market
        self._currency = currency

    def money(self, amount: Decimal, currency: str, day: date) -> Decimal | None:
        """`amount` of `currency` in the portfolio's currency."""
        if currency == self._currency:
            return amount.quantize(UNIT)
        ours = self._market.per_dollar(self._currency, day)
        theirs = self._market.per_dollar(currency, day)
        if ours is None or theirs is None:
            return None
        return (amount * ours / theirs).quantize(UNIT)

    def worth(self, token_id: UUID, amount: Decimal, day: date) -> Decimal | None:
        """`amount` of a token at the day's close."""
        close = self._market.close(token_id, day)
        return None if close is None else self.money(amount * close, "USD", day)

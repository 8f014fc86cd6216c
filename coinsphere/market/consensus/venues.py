"""The protocol of sources that quote by venue, and the asset behind each quote currency."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

from coinsphere.market.consensus.model import CURRENCIES, DOLLAR, Asset, VenueQuote
from coinsphere.market.model import Token


@runtime_checkable
class VenueSource(Protocol):
    """A source of quotes by venue, which `coinsphere.market.consensus` makes one price of."""

    def venue_quotes(self, tokens: Sequence[Token]) -> Sequence[VenueQuote]:
        """The present quotes of every market of the tokens, and of the currencies that they are quoted in."""
        ...


def currencies(tokens: Sequence[Token]) -> dict[str, Asset]:
    """The asset behind each quote currency: the token that is pegged to a dollar, else the currency's own code."""
    pegged: dict[str, Asset] = {
        token.symbol: token.id
        for token in tokens
        if token.leads_symbol and token.peg_usd == Decimal(1)
    }
    return {code: pegged.get(code, code) for code in CURRENCIES if code != DOLLAR}

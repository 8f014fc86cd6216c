"""Venues that quote one asset, minute by minute."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinsphere.market.consensus import rule
from coinsphere.market.consensus.model import Consensus, Rules, VenueQuote

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = Rules()
DOLLARS = {"USD": Decimal(1)}


def says(venue: str, price: object, **changes: object) -> VenueQuote:
    """A quote of `venue` with a book of two basis points around it."""
    price = Decimal(str(price))
    usual = VenueQuote(
        "X",
        venue,
        "USD",
        price,
        NOW,
        bid=price * Decimal("0.9999"),
        ask=price * Decimal("1.0001"),
        volume=Decimal(1000),
    )
    return replace(usual, **changes)


@pytest.fixture
def minutes() -> Callable[..., list[Consensus]]:
    """What is agreed on, minute by minute, where each minute is a list of quotes."""

    def run(*spoken: list[VenueQuote], rates=DOLLARS, rules=RULES) -> list[Consensus]:
        agreed: list[Consensus] = []
        for number, quotes in enumerate(spoken):
            now = NOW + number * MINUTE
            # Each says it now, unless it was made to say when.
            fresh = [replace(q, observed_at=now) if q.observed_at == NOW else q for q in quotes]
            before = agreed[-1] if agreed else None
            agreed.append(rule.agree("X", fresh, rates, before, now, rules))
        return agreed

    return run

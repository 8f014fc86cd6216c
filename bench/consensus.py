"""What a minute's consensus costs: 31 tokens at nine venues, the rule alone."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bench.measure import Measure
from coinsphere.market.consensus import rule
from coinsphere.market.consensus.model import Asset, Consensus, Rules, VenueQuote
from coinsphere.settings import Settings

_TOKENS = 31
_ROUNDS = 30
_NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
_BOOK = Decimal("0.0001")


def run() -> list[Measure]:
    """CPU of one minute, once venues have a past: the least of some rounds, as a shared machine only adds to it."""
    agreed: dict[Asset, Consensus] = {}
    costs = []
    for minute in range(_ROUNDS):
        now = _NOW + timedelta(minutes=minute)
        quotes = _quotes(minute, now)
        began = time.process_time()
        agreed = rule.agree_on_all(quotes, agreed, {"USDT": "USDT"}, {}, now, Rules())
        costs.append(1000 * (time.process_time() - began))
    return [Measure("consensus of 31 tokens at 9 venues", min(costs), "ms of CPU", target=20)]


def _quotes(minute: int, now: datetime) -> list[VenueQuote]:
    """Each venue some basis points from the others, every second one in USDT."""
    quotes = []
    for token in range(_TOKENS):
        asset = f"T{token}" if token else "USDT"
        for place, venue in enumerate(Settings().market_exchanges):
            currency = "USDT" if token and place % 2 else "USD"
            price = (Decimal(100 * token or 1) * (10_000 + place + minute)) / 10_000
            book = price * (1 - _BOOK), price * (1 + _BOOK)
            volume = Decimal(1000 + place)
            quotes.append(VenueQuote(asset, venue, currency, price, now, *book, volume))
    return quotes

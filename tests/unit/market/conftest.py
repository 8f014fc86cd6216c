"""Small factories of market data."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.market.model import Candle, Interval, Quote, Token

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
TOKEN_ID = UUID(int=1)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def candle() -> Callable[..., Candle]:
    def make(**changes: object) -> Candle:
        usual = {
            "token_id": TOKEN_ID,
            "interval": Interval.DAY,
            "opened_at": datetime(2026, 3, 1, tzinfo=UTC),
            "open": Decimal(10),
            "high": Decimal(12),
            "low": Decimal(9),
            "close": Decimal(11),
            "volume": Decimal(1000),
            "source": "file:BTC.csv",
            "is_final": True,
            "observed_at": NOW,
        }
        return Candle(**usual | changes)

    return make


@pytest.fixture
def quote() -> Callable[..., Quote]:
    def make(**changes: object) -> Quote:
        usual = {
            "token_id": TOKEN_ID,
            "price": Decimal(100),
            "volume_24h": Decimal(5),
            "market_cap": None,
            "change_24h": Decimal("-1.5"),
            "source": "binance",
            "observed_at": NOW,
        }
        return Quote(**usual | changes)

    return make


@pytest.fixture
def token() -> Callable[..., Token]:
    def make(symbol: str = "BTC", coingecko_id: str | None = "bitcoin", peg: str | None = None):
        return Token(
            TOKEN_ID, symbol, symbol, "Bitcoin", coingecko_id, None, Decimal(peg) if peg else None
        )

    return make

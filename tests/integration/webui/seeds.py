"""A market to look at: a year of daily candles of some tokens that wander, quotes of now, forecasts of four horizons."""

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from coinsphere.clock import iso
from tests.integration.webapi.conftest import OPTIONS, quote
from tests.integration.webapi.test_predictions import forecast

PRICES = {
    "BTC": "91234.56",
    "ETH": "3105.2",
    "SOL": "142.71",
    "ADA": "0.4213",
    "SHIB": "0.00000912",
}
CAPS = {"BTC": "1820000000000", "ETH": "374000000000", "SOL": "79000000000", "ADA": "15000000000"}
DAYS = 400


def market(url: str, now: datetime | None = None) -> None:
    """Candles that end today, and quotes of a minute ago; the last candle is at the quote."""
    now = now or datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with psycopg.connect(url, autocommit=True, options=OPTIONS) as conn:
        for symbol, price in PRICES.items():
            closes = walk(float(price), symbol)
            rows = [
                (symbol, today - timedelta(days=age), closes[-1 - age], closes[-2 - age])
                for age in range(DAYS - 1)
            ]
            conn.cursor().executemany(
                """
                insert into market.price_data
                    (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
                select id, '1d', %(at)s, %(open)s, greatest(%(open)s, %(close)s) * 1.01,
                    least(%(open)s, %(close)s) * 0.99, %(close)s, 1000, 'binance', true, %(at)s
                from market.tokens where symbol = %(symbol)s
                """,
                [{"symbol": s, "at": at, "close": c, "open": o} for s, at, c, o in rows],
            )
            change = Decimal(str(round(100 * (float(closes[-1]) / float(closes[-2]) - 1), 2)))
            cap = Decimal(CAPS[symbol]) if symbol in CAPS else None
            at = now - timedelta(minutes=1)
            quote(
                conn, symbol, price, change=change, cap=cap, at=at, volume=Decimal(31_000_000_000)
            )


def walk(last: float, seed: str) -> list[Decimal]:
    """`DAYS` closes that end at `last`."""
    chance = random.Random(seed)
    logs = [0.0]
    for _ in range(DAYS - 1):
        logs.append(logs[-1] + chance.gauss(0.0008, 0.024))
    return [Decimal(f"{last * math.exp(each - logs[-1]):.12f}") for each in logs]


def forecasts(answers: dict[str, tuple[int, Any]], now: datetime | None = None) -> None:
    """Forecasts of BTC whose ranges widen with the root of time."""
    now = now or datetime.now(UTC)
    price = float(PRICES["BTC"])
    for days in (1, 7, 14, 30):
        spread = 0.027 * math.sqrt(days)
        levels = {"0.025": -1.96, "0.1": -1.28, "0.5": 0.05, "0.9": 1.28, "0.975": 1.96}
        answers[f"BTC?{days}"] = (
            200,
            forecast(
                days=days,
                referencePrice=price,
                quantiles={q: round(price * math.exp(z * spread), 2) for q, z in levels.items()},
                originAt=iso(now),
                issuedAt=iso(now),
                anchoredAt=iso(now),
                targetAt=iso(now + timedelta(days=days)),
                expiresAt=iso(now + timedelta(days=1)),
            ),
        )

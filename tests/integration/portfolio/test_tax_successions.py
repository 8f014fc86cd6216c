"""A tax year across changes of a token's name and unit, out of the ledger, by every country's rules."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from coinsphere.market.reference import asset_events
from coinsphere.market.reference.asset_events import EventKind, NewEvent
from coinsphere.portfolio.tax import reading
from coinsphere.portfolio.tax.regimes import REGIMES
from tests.integration.portfolio.conftest import World

CURRENCIES = {"generic": "USD", "de": "EUR", "us": "USD", "uk": "GBP"}
POL, UNIT = datetime(2024, 9, 4, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)


def happen(world: World, kind: str, symbol: str, ratio: str, *, at: datetime, heir=None):
    other = world.tokens[heir] if heir else None
    units = asset_events.ratio(ratio)
    new = NewEvent(EventKind(kind), world.tokens[symbol], at, "a test", other, *units)
    with world.conn.transaction():
        asset_events.add(world.conn, new, "tester")


@pytest.fixture
def ledger(world: World, owner):
    """Facts in few words, without the events of the seeds."""
    owner.execute(
        "update market.asset_events set removed_at = now(), removed_by = 'tester', removal_reason = 'a test'"
    )

    def record(code: str, *lines) -> None:
        world.record(
            *(
                replace(
                    world.new(kind, symbol, amount, price, exchange=exchange, currency=CURRENCIES[code], **more),
                    occurred_at=datetime.fromisoformat(f"{day}T12:00Z"),
                )
                for day, kind, symbol, amount, price, exchange, more in lines
            )
        )  # fmt: skip

    return record


def report(world: World, code: str, year: int):
    with world.conn.transaction():
        return reading.read(world.conn, world.user, REGIMES[code], year, "USD")


def lines(found) -> list[tuple]:
    return [
        (each.symbol, each.acquired_on, each.quantity, each.cost, each.gain, each.is_long)
        for each in found.disposals
    ]


MATIC = (
    ("2022-01-01", "buy", "MATIC", 50, 9, "ledger", {}),
    ("2023-03-01", "buy", "MATIC", 100, "0.80", "kraken", {}),
    ("2024-08-01", "buy", "MATIC", 100, "1.20", "kraken", {}),
)
SALE = ("2025-02-01", "sell", "POL", 150, "0.50", "kraken", {})
OWN = ("2024-10-20", "swap", "MATIC", 200, None, "kraken",
       {"counter_token": "POL", "counter_amount": 200})  # fmt: skip
BY_WALLET = [  # 100 x (0.50 - 0.80) = -30, held since 2023; 50 x (0.50 - 1.20) = -35; the wallet's dear ones stay.
    ("POL", date(2023, 3, 1), 100, 80, -30, True), ("POL", date(2024, 8, 1), 50, 60, -35, False),
]  # fmt: skip
RENAMED = {
    # All accounts are one: 50 x (0.50 - 9) = -425 first, then 100 x (0.50 - 0.80).
    "generic": [("POL", date(2022, 1, 1), 50, 450, -425, True), ("POL", date(2023, 3, 1), 100, 80, -30, True)],
    "de": BY_WALLET,
    "us": BY_WALLET,
    # 250 cost 450 + 80 + 120 = 650: 150 of them 390; 75 - 390.
    "uk": [("POL", None, 150, 390, -315, False)],
}  # fmt: skip


@pytest.mark.parametrize("own", [(), (OWN,)], ids=["by the event", "by the exchange's own record"])
@pytest.mark.parametrize("code", RENAMED)
def test_matic_of_2023_that_became_pol_is_sold_in_2025(world, ledger, code, own) -> None:
    happen(world, "swap", "MATIC", "1:1", at=POL, heir="POL")
    ledger(code, *MATIC, *own, SALE)
    sold_in = 2024 if code == "uk" else 2025
    found = report(world, code, sold_in)
    assert (lines(found), found.unknown) == (RENAMED[code], [])
    before = report(world, code, sold_in - 1)
    assert (before.disposals, before.unknown) == ([], []), "the event itself is no sale"


@pytest.mark.parametrize("code", CURRENCIES)
def test_one_that_became_a_thousand_is_sold_in_part(world, ledger, code) -> None:
    happen(world, "redenomination", "PEPE", "1:1000", at=UNIT)
    ledger(
        code,
        ("2024-03-01", "buy", "PEPE", 3, 10, "kraken", {}),
        ("2024-05-01", "buy", "PEPE", 1, 20, "kraken", {}),
        ("2025-03-15", "sell", "PEPE", 3500, "0.02", "kraken", {}),
    )
    found = report(world, code, 2024 if code == "uk" else 2025)
    assert found.unknown == []
    if code == "uk":  # 4,000 cost 50: 3,500 of them 43.75; 70 - 43.75.
        assert lines(found) == [("PEPE", None, 3500, Decimal("43.75"), Decimal("26.25"), False)]
    else:  # 3,000 x 0.02 - 30 = 30, held for more than a year; 500 x 0.02 - 20 / 2 = 0.
        assert lines(found) == [
            ("PEPE", date(2024, 3, 1), 3000, 30, 30, True), ("PEPE", date(2024, 5, 1), 500, 10, 0, False),
        ]  # fmt: skip


@pytest.mark.parametrize("code", CURRENCIES)
def test_a_line_of_two_names_and_a_split(world, ledger, code) -> None:
    """MKR became SKY, which nobody traded, and that S; of a sale before all that nothing goes over."""
    happen(world, "swap", "MKR", "1:24000", at=POL, heir="SKY")
    happen(world, "swap", "SKY", "1:1", at=POL.replace(month=11), heir="S")
    happen(world, "split", "ETH", "1:1", at=POL, heir="ETC")
    ledger(
        code,
        ("2023-03-01", "buy", "MKR", 2, 1200, "kraken", {}),
        ("2023-04-01", "sell", "MKR", 1, 1300, "kraken", {}),
        ("2023-05-01", "buy", "ETH", 3, 2000, "kraken", {}),
        ("2025-02-01", "sell", "S", 12_000, "0.06", "kraken", {}),
        ("2025-02-02", "sell", "ETC", 2, 20, "kraken", {}),
    )
    found = report(world, code, 2024 if code == "uk" else 2025)
    since = None if code == "uk" else date(2023, 3, 1)
    # Half of one MKR's 1,200 is 600: 720 - 600. The split's coins cost nothing: 2 x 20.
    assert found.unknown == []
    assert [each[:5] for each in lines(found)] == [
        ("S", since, 12_000, 600, 120), ("ETC", since and REGIMES[code].day(POL), 2, 0, 40),
    ]  # fmt: skip

"""What a record is booked as."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.exchanges.model import LedgerAccount, Record
from coinsphere.exchanges.sync.resolution import resolve
from coinsphere.exchanges.venues.ccxt_records import trades, transfer
from coinsphere.portfolio.model import Kind

NOW = datetime(2024, 6, 1, tzinfo=UTC)
AT = datetime(2024, 5, 1, tzinfo=UTC)
KNOWN = {name: UUID(int=n) for n, name in enumerate(("BTC", "USDT", "BNB", "ETH"), 1)}
ACCOUNT = LedgerAccount(UUID(int=99), "binance", "77", "binance:main")


def swap(sent: tuple[str, str], received: tuple[str, str], **more) -> Record:
    sides = [(asset, Decimal(amount)) for asset, amount in (sent, received)]
    return Record("T1", Kind.SWAP, AT, *sides, **more)


def booked(record: Record):
    (fact,), unbooked = resolve([record], ACCOUNT, KNOWN, NOW)
    assert unbooked == []
    return fact


def test_money_for_a_token_is_a_purchase_at_the_price_that_was_told():
    fact = booked(swap(("EUR", "4000.01"), ("BTC", "0.1"), price=Decimal("40000.1")))
    assert (fact.kind, fact.amount, fact.price, fact.currency) == (
        Kind.BUY,
        Decimal("0.1"),
        Decimal("40000.1"),
        "EUR",
    )
    assert fact.external_id == "binance:77:T1"


def test_a_market_of_money_in_a_token_has_its_price_turned_round():
    fact = booked(swap(("USDT", "110"), ("EUR", "100"), price=Decimal("1.1")))
    assert (fact.kind, fact.token_id, fact.currency) == (Kind.SELL, KNOWN["USDT"], "EUR")
    assert fact.price == Decimal("0.909090909090909091")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (swap(("DOGE", "1"), ("BTC", "1")), "token: no token has the symbol 'DOGE'"),
        (swap(("BTC", "1"), ("ETH", "1"), fee=("DOGE", Decimal(1))), "token: no token has the symbol 'DOGE'"),
        (swap(("EUR", "1"), ("ETH", "1"), fee=("USD", Decimal(1))), "fee: is in USD, the price in EUR"),
        (swap(("BTC", "1"), ("ETH", "1"), fee=("ETH", Decimal(2))), "fee: is not less than what was received"),
        (swap(("EUR", "1"), ("ETH", "0")), "amount: must be greater than 0"),
        (swap(("BTC", "1"), ("ETH", "1"))._replace(at=datetime(2024, 6, 2, tzinfo=UTC)), "occurred_at: lies in the future"),
    ],
)  # fmt: skip
def test_what_cannot_be_booked_is_kept_with_its_reason(record, reason):
    facts, (kept,) = resolve([record], ACCOUNT, KNOWN, NOW)
    assert facts == []
    assert kept == (record, reason)


def test_what_moved_money_only_is_no_fact():
    record = transfer("D1", AT, "EUR", Decimal(100))
    assert record is not None
    assert resolve([record, swap(("EUR", "1"), ("USD", "1"))], ACCOUNT, KNOWN, NOW) == ([], [])


def test_a_fee_in_money_beside_a_swap_keeps_its_currency():
    fact = booked(swap(("BTC", "1"), ("ETH", "20"), fee=("EUR", Decimal("1.5"))))
    assert (fact.fee, fact.fee_token_id, fact.currency) == (Decimal("1.5"), None, "EUR")


def test_krakens_names_are_those_of_its_files():
    account = LedgerAccount(UUID(int=9), "kraken", None, "kraken")
    assert account.external_id("TXID-1") == "kraken:TXID-1"


def test_a_rebate_is_a_reward_beside_the_trade():
    parsed = {
        "timestamp": 1_700_000_000_000, "symbol": "BTC/USDT", "amount": "1", "price": "2", "cost": None,
        "side": "sell", "fee": {"cost": "-0.01", "currency": "USDT"},
    }  # fmt: skip
    trade, rebate = trades("okx", parsed, "F1")
    assert (trade.sent, trade.received, trade.fee) == (("BTC", 1), ("USDT", 2), None)
    assert (rebate.native_id, rebate.kind, rebate.received) == (
        "F1:rebate",
        Kind.REWARD,
        ("USDT", Decimal("0.01")),
    )


def test_of_a_trade_no_fee_is_lost():
    """Of several, those in what it trades change the sides; one without an asset is named."""
    fees = [
        {"cost": cost, "currency": asset}
        for cost, asset in (
            ("1", "USDT"),
            ("0.1", "BTC"),
            ("0.2", "BNB"),
            ("0.3", None),
            ("-2", "ETH"),
        )
    ]
    parsed = {
        "timestamp": 1_700_000_000_000, "symbol": "BTC/USDT", "amount": "1", "price": "100", "side": "buy", "fees": fees,
    }  # fmt: skip
    made = {record.native_id: record for record in trades("x", parsed, "T")}
    assert (made["T"].sent, made["T"].received) == (("USDT", 101), ("BTC", Decimal("0.9")))
    assert (made["T"].fee, made["T"].price) == (("BNB", Decimal("0.2")), None)
    assert made["T:rebate"].received == ("ETH", 2)
    assert made["T:fee"].refused == "a fee of 0.3 in an asset that is not told"
    assert len(made) == 3

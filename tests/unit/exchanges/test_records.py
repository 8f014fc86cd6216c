"""A row of an exchange that makes no sense is named by itself, and takes no other with it."""

import pytest

from coinsphere.errors import BadPayload
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.portfolio.model import Kind

TRADE = {
    "timestamp": 1773100800000,
    "symbol": "BTC/USDT",
    "amount": "2",
    "price": "10",
    "cost": "20",
    "side": "buy",
    "fee": {"currency": "USDT", "cost": "0.1"},
}
TRANSFER = {
    "timestamp": 1773100800000,
    "status": "ok",
    "type": "deposit",
    "id": "7",
    "txid": "0xabc",
    "currency": "BTC",
    "amount": "2",
}


@pytest.mark.parametrize(
    "nonsense",
    [
        {"amount": "much"},
        {"amount": None},
        {"price": "x"},
        {"side": "sideways"},
        {"side": []},
        {"fee": {"currency": "USDT", "cost": "x"}},
        {"fee": "none"},
        {"amount": "1e99999999", "cost": None, "price": "1e99999999"},
    ],
)
def test_a_trade_that_makes_no_sense_is_listed_and_never_booked(nonsense) -> None:
    (record,) = ccxt_records.trades("binance", TRADE | nonsense, "BTCUSDT-7")
    assert (record.native_id, record.kind, record.sent, record.received) == (
        "BTCUSDT-7", Kind.SWAP, None, None,
    )  # fmt: skip
    assert "makes no sense" in (record.refused or "")


@pytest.mark.parametrize(
    "nonsense", [{"amount": "much"}, {"amount": None}, {"currency": ""}, {"fee": {"cost": "x"}}]
)
def test_a_transfer_that_makes_no_sense_takes_no_other_with_it(nonsense) -> None:
    first, second = ccxt_records.transfers("binance", [TRANSFER | nonsense, TRANSFER | {"id": "8"}])
    assert (first.native_id, first.kind, first.received) == ("deposit-7", Kind.TRANSFER_IN, None)
    assert "makes no sense" in (first.refused or "")
    assert (second.native_id, second.refused) == ("deposit-8", None)


@pytest.mark.parametrize("timestamp", [None, "soon", 10**20])
def test_a_row_without_a_time_has_no_place_among_the_others(timestamp) -> None:
    with pytest.raises(BadPayload, match="no time"):
        list(ccxt_records.trades("binance", TRADE | {"timestamp": timestamp}, "BTCUSDT-7"))
    with pytest.raises(BadPayload, match="no time"):
        list(ccxt_records.transfers("binance", [TRANSFER | {"timestamp": timestamp}]))

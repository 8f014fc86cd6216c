"""A row of an exchange that makes no sense is named by itself, and takes no other with it."""

from decimal import Decimal
from operator import itemgetter

import pytest

from coinsphere.errors import BadPayload
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.rows import Told, read

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
        {"amount": "-2"},
        {"price": "-10"},
        {"price": "x"},
        {"side": "sideways"},
        {"side": []},
        {"fee": {"currency": "USDT", "cost": "x"}},
        {"fee": "none"},
        {"amount": "1e99999999", "cost": None, "price": "1e99999999"},
    ],
)
def test_a_trade_that_makes_no_sense_is_listed_and_never_booked(nonsense) -> None:
    rows = [TRADE | nonsense, TRADE | {"amount": "3"}]
    told = read(
        "binance",
        rows,
        lambda row: f"BTCUSDT-{rows.index(row)}",
        lambda row: ccxt_records.trades("binance", row, f"BTCUSDT-{rows.index(row)}"),
    )
    assert [each.native_id for each in told.records] == ["BTCUSDT-1"]
    ((name, reason, row, *_),) = told.unread
    assert (name, bool(reason), "BTC/USDT" in row) == ("BTCUSDT-0", True, True)


@pytest.mark.parametrize(
    "nonsense", [{"amount": "much"}, {"amount": None}, {"currency": ""}, {"fee": {"cost": "x"}}]
)
def test_a_transfer_that_makes_no_sense_takes_no_other_with_it(nonsense) -> None:
    told = moved(TRANSFER | nonsense, TRANSFER | {"id": "8"})
    assert [(each.native_id, each.refused) for each in told.records] == [("deposit-8", None)]
    assert [each.native_id for each in told.unread] == ["deposit-7"]
    assert told.unread[0].reason


@pytest.mark.parametrize("timestamp", [None, "soon", 10**20])
def test_a_row_without_a_time_is_named_as_such(timestamp) -> None:
    with pytest.raises(BadPayload, match="no time"):
        list(ccxt_records.trades("binance", TRADE | {"timestamp": timestamp}, "BTCUSDT-7"))
    (unread,) = moved(TRANSFER | {"timestamp": timestamp}).unread
    assert unread.reason == "it has no time that can be read"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "", "txid": ""}, "a part is missing"),
        ({"amount": "Infinity"}, "its amount is 'Infinity'"),
        ({"amount": "-2"}, "its amount is '-2'"),
        ({"amount": "-2", "type": "withdrawal"}, "its amount is '-2'"),
        ({"fee": {"cost": "-1"}}, "it makes no sense"),
        ({"amount": "100000000000000000000"}, "an amount of 1"),
        ({"currency": "B\0TC"}, "an asset without a name"),
        ({"id": "7\ud800"}, "an id that cannot be read"),
        ({"status": "eaten"}, "its status is 'eaten'"),
        ({"type": "gift"}, "it makes no sense"),
    ],
)
def test_what_could_not_be_stored_is_never_tried(change, reason: str) -> None:
    told = moved(TRANSFER | change)
    assert told.records == []
    assert reason in told.unread[0].reason or "row-" in told.unread[0].native_id
    assert told.unread[0].native_id.isprintable()


@pytest.mark.parametrize("row", [None, 7, [], "x", {}])
def test_a_row_that_is_none_has_a_name_by_its_content(row) -> None:
    told = read("okx", [row], itemgetter("id"), lambda row: [row["record"]])
    assert told.unread[0].native_id.startswith("row-")


@pytest.mark.parametrize("status", ["pending", "failed", "canceled"])
def test_what_is_under_way_or_failed_is_nothing(status: str) -> None:
    assert moved(TRANSFER | {"status": status}) == Told([], [])


def moved(*rows) -> Told:
    return read(
        "binance", rows, ccxt_records.moved_name, lambda row: ccxt_records.moved("binance", row)
    )


def test_the_fee_of_a_transfer_is_in_what_it_was_paid_in() -> None:
    fees = [
        {"cost": "1"},
        {"cost": "1", "currency": "USDT"},
        {"cost": "0", "currency": "USDT"},
        None,
    ]
    told = moved(*(TRANSFER | {"fee": fee} for fee in fees)).records
    assert [each.fee for each in told] == [("BTC", Decimal(1)), ("USDT", Decimal(1)), None, None]


@pytest.mark.parametrize("cost", [None, "0.00000", "20"])
def test_what_a_trade_cost_follows_from_its_price_where_it_was_rounded_to_nothing(cost) -> None:
    (made,) = ccxt_records.trades("kraken", TRADE | {"cost": cost}, "T1")
    assert made.sent == ("USDT", Decimal(20))


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "BTC/USD:BTC-241227"])
def test_a_contract_is_no_trade_of_its_coin(symbol: str) -> None:
    (made,) = ccxt_records.trades("okx", TRADE | {"symbol": symbol}, "T1")
    assert (made.sent, made.received) == (None, None)
    assert "is a contract" in (made.refused or "")

"""Files of Bitstamp, Bitfinex and KuCoin: what each row is booked as, what it leaves, and what is refused."""

from datetime import UTC, datetime

from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.decisions import Answers
from tests.unit.portfolio.imports.ledgers import balances, said

BITSTAMP = "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,Rate,Rate currency,Fee,Fee currency,Order ID"
BITSTAMP_BEFORE = "Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type"


def test_bitstamp() -> None:
    found = files.read(
        f"{BITSTAMP}\n"
        "1001,Main Account,Deposit,,2025-01-02T10:00:00Z,5000.00,EUR,,,,,,,\n"
        "1002,Main Account,Market,Buy,2025-01-02T10:05:30Z,0.05,BTC,4500.00,EUR,90000.00,EUR,18.00,EUR,77\n"
        "1003,Main Account,Market,Sell,2025-01-03T10:05:30Z,0.01,BTC,910.00,EUR,91000.00,EUR,3.64,EUR,78\n"
        "1004,Main Account,Market,Buy,2025-01-04T10:05:30Z,1.5,LTC,0.0015,BTC,0.001,BTC,,,79\n"
        "1005,Main Account,Staking reward,,2025-01-05T00:00:00Z,0.001,ETH,,,,,,,\n"
        "1006,Main Account,Withdrawal,,2025-01-06T09:00:00Z,0.02,BTC,,,,,0.0001,BTC,\n"
        "1007,Main Account,Sub Account Transfer,,2025-01-07T09:00:00Z,0.01,BTC,,,,,,,\n",
        "bitstamp",
    )
    assert said(found) == [
        "buy 0.05 BTC at 90000 EUR fee 18 EUR", "sell 0.01 BTC at 91000 EUR fee 3.64 EUR", "swap 0.0015 BTC for 1.5 LTC",
        "staking 0.001 ETH", "transfer_out 0.02 BTC fee 0.0001 BTC",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.0184", "ETH": "0.001", "LTC": "1.5"}
    assert [(each.line, each.message) for each in found.left_out] == [
        (2, "moves a currency alone, which we do not keep")
    ]
    assert [(each.line, each.column) for each in found.problems] == [(8, "Type")]
    assert found.parsed[0][1].external_id == "bitstamp:1002"
    assert [each.column for each in found.unread] == ["Rate", "Rate currency", "Order ID"]


def test_bitstamp_with_units_in_its_cells() -> None:
    found = files.read(
        f"{BITSTAMP_BEFORE}\n"
        'Deposit,"Jan. 02, 2021, 06:30 PM",Main Account,1.00000000 ETH,,,,\n'
        'Market,"Jan. 03, 2021, 11:05 AM",Main Account,0.25000000 ETH,190.00 USD,760.00 USD,0.95 USD,Sell\n'
        'Market,"Jan. 03, 2021, 11:06 AM",Main Account,0.10000000 ETH,76.00 USD,760.00 USD,0.38 USD,Buy\n'
        'Withdrawal,"Jan. 04, 2021, 12:00 AM",Main Account,0.50000000 ETH,,,,\n',
        "bitstamp",
    )
    assert said(found) == [
        "transfer_in 1 ETH", "sell 0.25 ETH at 760 USD fee 0.95 USD", "buy 0.1 ETH at 760 USD fee 0.38 USD", "transfer_out 0.5 ETH",
    ]  # fmt: skip
    assert balances(found) == {"ETH": "0.35"}
    assert found.parsed[0][1].occurred_at == datetime(2021, 1, 2, 18, 30, tzinfo=UTC)
    assert found.problems == []


BITFINEX = "#,PAIR,AMOUNT,PRICE,FEE,FEE PERC,FEE CURRENCY,DATE,ORDER ID"
CLOCK = Answers(time_zone="UTC")


def test_bitfinex_trades() -> None:
    content = (
        f"{BITFINEX}\n"
        "501,BTC/USD,0.5,40000,-0.001,0.2,BTC,2025-03-01 10:00:00,9\n"
        "502,BTC/UST,-0.1,41000,-8.2,0.2,UST,2025-03-02 10:00:00,10\n"
        "503,DUSK:USD,100,0.25,0.01,0.1,USD,2025-03-03 10:00:00,11\n"
        "504,XYZ,1,1,0,0,XYZ,2025-03-04 10:00:00,12\n"
    )
    (asked,) = files.read(content, "bitfinex_trades").questions
    assert (asked.option, asked.columns) == ("timeZone", ("DATE",))
    found = files.read(content, "bitfinex_trades", answers=Answers(time_zone="+02:00"))
    assert said(found) == [
        "buy 0.5 BTC at 40000 USD fee 0.001 BTC", "swap 0.1 BTC for 4100 USDT fee 8.2 USDT", "buy 100 DUSK at 0.2499 USD",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.399", "DUSK": "100", "USDT": "4091.8"}
    assert found.parsed[0][1].occurred_at == datetime(2025, 3, 1, 8, tzinfo=UTC)
    assert [(each.line, each.column, each.message) for each in found.problems] == [
        (5, "PAIR", "'XYZ' is no pair of assets")
    ]


def test_bitfinex_movements() -> None:
    found = files.read(
        "#,STARTED,UPDATED,CURRENCY,STATUS,AMOUNT,FEES,DESCRIPTION,TRANSACTION ID,NOTE\n"
        "11,2025-03-01 09:00:00,2025-03-01 09:30:00,BTC,COMPLETED,1.5,0,bc1q,abc,\n"
        "12,2025-03-02 09:00:00,2025-03-02 09:30:00,BTC,COMPLETED,-0.5,-0.0004,bc1p,def,to myself\n"
        "13,2025-03-03 09:00:00,2025-03-03 09:30:00,BTC,CANCELED,-0.5,-0.0004,bc1p,,\n"
        "14,2025-03-04 09:00:00,2025-03-04 09:30:00,USD,COMPLETED,1000,-1,bank,,\n",
        "bitfinex_movements",
        answers=CLOCK,
    )
    assert said(found) == ["transfer_in 1.5 BTC", "transfer_out 0.5 BTC fee 0.0004 BTC"]
    assert balances(found) == {"BTC": "0.9996"}
    assert found.parsed[1][1].tx_hash == "def"
    assert [each.line for each in found.left_out] == [4, 5]
    assert found.problems == []


KUCOIN = (
    "UID,Account Type,Order ID,Order Time(UTC+02:00),Symbol,Side,Order Type,Order Price,Order Amount,Avg. Filled Price,"
    "Filled Amount,Filled Volume,Filled Volume (USDT),Filled Time(UTC+02:00),Fee,Fee Currency,Tax,Status"
)


def test_kucoin_trades() -> None:
    found = files.read(
        f"{KUCOIN}\n"
        "*1,mainAccount,o1,2025-05-01 11:59:58,BTC-USDT,BUY,limit,60000,0.1,60000,0.1,6000,6000,2025-05-01 12:00:00,6,USDT,,deal\n"
        "*1,mainAccount,o2,2025-05-02 11:59:58,KCS-BTC,SELL,market,,10,0.0002,10,0.002,120,2025-05-02 12:00:00,0.000002,BTC,,deal\n"
        "*1,mainAccount,o2,2025-05-02 11:59:58,KCS-BTC,SELL,market,,10,0.0002,10,0.002,120,2025-05-02 12:00:00,0.000002,BTC,,deal\n"
        "*1,mainAccount,o3,2025-05-03 11:59:58,KCS-BTC,HOLD,market,,10,0.0002,10,0.002,120,2025-05-03 12:00:00,0,BTC,,deal\n",
        "kucoin_trades",
    )
    assert said(found) == [
        "swap 6000 USDT for 0.1 BTC fee 6 USDT", *["swap 10 KCS for 0.002 BTC fee 0.000002 BTC"] * 2,
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.103996", "KCS": "-20", "USDT": "-6006"}
    assert found.parsed[0][1].occurred_at == datetime(2025, 5, 1, 10, tzinfo=UTC)
    assert [(each.line, each.column) for each in found.problems] == [(5, "Side")]


def test_kucoin_moves() -> None:
    deposits = files.read(
        "UID,Account Type,Time(UTC),Coin,Amount,Fee,Hash,Deposit Address,Transfer Network,Status,Remarks\n"
        "*1,mainAccount,2025-05-01 12:00:00,USDT,7000,0,0xaa,T123,TRX,SUCCESS,Deposit\n"
        "*1,mainAccount,2025-05-01 13:00:00,USDT,7,0,0xab,T123,TRX,FAILURE,Deposit\n",
        "kucoin_deposits",
    )
    assert said(deposits) == ["transfer_in 7000 USDT"]
    assert [each.line for each in deposits.left_out] == [3]
    withdrawals = files.read(
        "UID,Account Type,Time(UTC),Coin,Amount,Fee,Withdrawal Address/Account,Transfer Network,Status,Remarks\n"
        "*1,mainAccount,2025-05-04 12:00:00,BTC,0.05,0.0005,bc1q,BTC,SUCCESS,mine\n",
        "kucoin_withdrawals",
    )
    assert said(withdrawals) == ["transfer_out 0.05 BTC fee 0.0005 BTC"]
    assert balances(withdrawals) == {"BTC": "-0.0505"}

"""Histories of Binance, Kraken and Coinbase Pro: what each row is booked as, what it leaves, and what is refused."""

import pytest

from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.recognition import format_of
from tests.unit.portfolio.imports.ledgers import balances, said

KRAKEN = (
    "txid,ordertxid,pair,aclass,subclass,time,type,ordertype,price,cost,fee,vol,margin,misc,ledgers"
)


def kraken(*rows: str) -> files.Content:
    return files.read("\n".join([KRAKEN, *rows]) + "\n", "kraken_trades")


def test_binance_with_units_in_its_cells() -> None:
    found = files.read(
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
        '2021-05-01 10:00:00,BTCUSDT,BUY,"57,000.00",0.1000000000BTC,"5,700.00000000USDT",0.0001000000BTC\n'
        "2021-05-01 10:00:01,ETHBTC,SELL,0.05,2.0000000000ETH,0.10000000BTC,0.0000500000BNB\n"
        "2021-05-02 10:00:01,BTCEUR,SELL,50000,0.0100000000BTC,500.00000000EUR,0.5000000000EUR\n"
        "2021-05-03 10:00:01,BTCEUR,SWAP,50000,0.0100000000BTC,500.00000000EUR,0.5000000000EUR\n"
        "2021-05-04 10:00:01,BTCEUR,SELL,50000,0.0100000000,500.00000000EUR,0.5000000000EUR\n",
        "binance_trades",
    )
    assert said(found) == [
        "swap 5700 USDT for 0.1 BTC fee 0.0001 BTC", "swap 2 ETH for 0.1 BTC fee 0.00005 BNB", "sell 0.01 BTC at 50000 EUR fee 0.5 EUR",
    ]  # fmt: skip
    assert balances(found) == {
        "BNB": "-0.00005",
        "BTC": "0.1899",
        "ETH": "-2",
        "USDT": "-5700",
    }
    assert [(each.line, each.column) for each in found.problems] == [(5, "Side"), (6, "Executed")]


def test_binance_the_market_tells_where_a_number_ends_and_its_unit_begins() -> None:
    """`10.01INCH` is 10.01 of INCH, or 10.0 of 1INCH."""
    found = files.read(
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
        "2021-05-01 10:00:00,1INCHUSDT,BUY,3,10.01INCH,30.03USDT,0.011INCH\n"
        "2021-05-01 11:00:00,1000SATSUSDT,SELL,0.002,500.01000SATS,1.0USDT,0.0001BNB\n"
        "2021-05-01 12:00:00,C98USDT,BUY,3,10C98,30USDT,0.01C98\n"
        "2021-05-01 13:00:00,INCHUSDT,BUY,3,10.01INCH,30.03USDT,0.01INCH\n",
        "binance_trades",
    )
    assert said(found) == [
        "swap 30.03 USDT for 10 1INCH fee 0.01 1INCH", "swap 500 1000SATS for 1 USDT fee 0.0001 BNB", "swap 30 USDT for 10 C98 fee 0.01 C98",
        "swap 30.03 USDT for 10.01 INCH fee 0.01 INCH",
    ]  # fmt: skip
    assert found.problems == []


def test_binance_with_its_market_parted() -> None:
    found = files.read(
        "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin\n"
        "2018-01-01 10:00:00,TRXBTC,BUY,0.00000321,1000,0.00321,1,TRX\n"
        "2018-01-02 10:00:00,BNBUSDT,SELL,10.5,3,31.5,0.0315,USDT\n"
        "2018-01-03 10:00:00,BTCXYZ,SELL,10.5,3,31.5,0.0315,XYZ\n",
        "binance_trades_before",
    )
    assert said(found) == [
        "swap 0.00321 BTC for 1000 TRX fee 1 TRX",
        "swap 3 BNB for 31.5 USDT fee 0.0315 USDT",
    ]
    assert [(each.line, each.column) for each in found.problems] == [(4, "Market")]


def test_kraken_trades_have_the_names_of_the_ledger() -> None:
    trades = kraken(
        'TA-1,O-1,XBT/EUR,forex,crypto,2025-03-01 10:00:00.1234,sell,limit,80000.0,800.0,2.08,0.01,0.0,,"L-1,L-2"',
        "TA-2,O-2,ETHXBT,forex,crypto,2025-03-01 11:00:00.5,buy,market,0.05,0.5,0.0013,10,0.0,initiated,",
        "TA-3,O-3,XXBTZUSD,forex,crypto,2025-03-01 12:00:00.5,buy,market,80000,800,2,0.01,160.0,initiated,",
    )
    assert said(trades) == [
        "sell 0.01 BTC at 80000 EUR fee 2.08 EUR",
        "swap 0.5 BTC for 10 ETH fee 0.0013 BTC",
    ]
    assert [(each.line, each.column) for each in trades.problems] == [(4, "margin")]
    ledger = files.read(
        "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\n"
        "L-1,TA-1,2025-03-01 10:00:00,trade,,currency,XXBT,-0.01,0,0.99\n"
        "L-2,TA-1,2025-03-01 10:00:00,trade,,currency,ZEUR,800,2.08,797.92\n",
        "kraken",
    )
    assert said(ledger) == said(trades)[:1]
    assert ledger.parsed[0][1].external_id == trades.parsed[0][1].external_id


@pytest.mark.parametrize(
    ("pair", "first", "other"),
    [
        ("XXBTZUSD", "BTC", "USD"), ("XTZUSD", "XTZ", "USD"), ("USDTZUSD", "USDT", "USD"), ("XETHXXBT", "ETH", "BTC"),
        ("XXDGZEUR", "DOGE", "EUR"), ("DOTPYUSD", "DOT", "PYUSD"), ("AUDIOETH", "AUDIO", "ETH"), ("1INCHEUR", "1INCH", "EUR"),
        ("SOL/USDC", "SOL", "USDC"),
    ],
)  # fmt: skip
def test_the_markets_of_kraken(pair: str, first: str, other: str) -> None:
    ((_, made),) = kraken(f"T,O,{pair},,,2025-03-01 10:00:00,sell,limit,2,20,0,10,0,,").parsed
    assert (made.symbol, made.counter_symbol or made.currency) == (first, other)


def test_a_market_of_kraken_that_is_none() -> None:
    assert [
        each.column
        for each in kraken("T,O,EUR,,,2025-03-01 10:00:00,sell,limit,2,20,0,10,0,,").problems
    ] == ["pair"]


def test_coinbase_pro() -> None:
    found = files.read(
        "portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n"
        "default,1,BTC-EUR,BUY,2021-01-01T10:00:00.123Z,0.01,BTC,25000,1.25,-251.25,EUR\n"
        "default,2,ETH-BTC,SELL,2021-01-02T10:00:00.123Z,2,ETH,0.03,0.00018,0.05982,BTC\n"
        "default,3,ETH,SELL,2021-01-02T10:00:00.123Z,2,ETH,0.03,0.00018,0.05982,BTC\n",
        "coinbase_pro_fills",
    )
    assert said(found) == [
        "buy 0.01 BTC at 25000 EUR fee 1.25 EUR",
        "swap 2 ETH for 0.06 BTC fee 0.00018 BTC",
    ]
    assert [(each.line, each.column) for each in found.problems] == [(4, "product")]


STATEMENT = "portfolio,type,time,amount,balance,amount/balance unit,transfer id,trade id,order id"


def test_the_statement_of_coinbase_pro_tells_a_fill_under_the_name_of_the_fill() -> None:
    rows = [
        "default,deposit,2021-01-01T09:00:00.123Z,1000,1000,EUR,t1,,",
        "default,match,2021-01-01T10:00:00.127Z,-250,750,EUR,,1,o1",
        "default,fee,2021-01-01T10:00:00.127Z,-1.25,748.75,EUR,,1,o1",
        "default,match,2021-01-01T10:00:00.127Z,0.01,0.01,BTC,,1,o1",
        "default,match,2021-01-02T10:00:00.123Z,-2,3,ETH,,1,o2",
        "default,fee,2021-01-02T10:00:00.123Z,-0.00018,0.00982,BTC,,1,o2",
        "default,match,2021-01-02T10:00:00.123Z,0.06,0.06982,BTC,,1,o2",
        "default,conversion,2021-01-03T10:00:00.123Z,-100,0,USD,,,",
        "default,conversion,2021-01-03T10:00:00.123Z,100,100,USDC,,,",
        "default,conversion,2021-01-04T10:00:00.123Z,-50,50,USDC,,,",
        "default,conversion,2021-01-04T10:00:00.123Z,50,50,USD,,,",
        "default,withdrawal,2021-01-05T11:00:00.123Z,-0.01,0.05982,BTC,t3,,",
        "default,rebate,2021-01-06T11:00:00.123Z,0.001,0.06082,BTC,,,",
        "default,match,2021-01-07T11:00:00.123Z,0.001,0.07,BTC,,9,o9",
        "default,what,2021-01-08T11:00:00.123Z,0.001,,BTC,,,",
    ]
    found = files.read("\n".join([STATEMENT, *rows]) + "\n", "coinbase_pro_statement")
    assert said(found) == [
        "buy 0.01 BTC at 25000 EUR fee 1.25 EUR", "swap 2 ETH for 0.06 BTC fee 0.00018 BTC", "buy 100 USDC at 1 USD", "sell 50 USDC at 1 USD",
        "transfer_out 0.01 BTC", "reward 0.001 BTC", "transfer_in 0.001 BTC",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.06182", "ETH": "-2", "USDC": "50"}
    assert [(each.line, each.column) for each in found.problems] == [(16, "type")]
    # The balance does not follow, and a fill has one side.
    assert [(each.line, each.column) for each in found.warnings] == [(15, "balance"), (15, None)]
    fills = files.read(
        "portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n"
        "default,1,BTC-EUR,BUY,2021-01-01T10:00:00.123Z,0.01,BTC,25000,1.25,-251.25,EUR\n"
        "default,1,ETH-BTC,SELL,2021-01-02T10:00:00.121Z,2,ETH,0.03,0.00018,0.05982,BTC\n",
        "coinbase_pro_fills",
    )
    names = [[each.external_id for _, each in content.parsed] for content in (fills, found)]
    assert len(set(names[0])) == 2
    assert names[0] == names[1][:2]


def test_the_conversions_and_moves_of_binance() -> None:
    convert = (
        "Date,Wallet,Pair,Type,Sell,Buy,Price,Inverse Price,Date Updated,Status\n"
        "2023-05-01 10:00:00,Spot Wallet,BTCUSDT,Market,100.5 USDT,0.004 BTC,1 USDT = 0.00004 BTC,1 BTC = 25000 USDT,2023-05-01 10:00:01,Successful\n"
        "2023-05-01 10:30:00,Spot Wallet,1INCHUSDT,Market,10 USDT,5.5 1INCH,1 USDT = 0.55 1INCH,1 1INCH = 1.8 USDT,2023-05-01 10:30:01,Successful\n"
        "2023-05-01 11:00:00,Spot Wallet,BTCUSDT,Limit,100.5 USDT,0.004 BTC,1 USDT = 0.00004 BTC,1 BTC = 25000 USDT,2023-05-01 11:00:01,Expired\n"
    )
    deposits = (
        "Date(UTC+0),Coin,Network,Amount,Address,TXID,Status\n"
        "2024-01-01 10:00:00,BTC,BTC,0.1,bc1,hash,Completed\n"
        "2024-01-01 11:00:00,BTC,BTC,0.1,bc1,hash2,Failed\n"
    )
    withdrawals = (
        "Date(UTC+0),Coin,Network,Amount,Fee,Address,TXID,Status\n"
        "2024-01-02 10:00:00,BTC,BTC,0.1,0.0002,bc1,hash,Completed\n"
    )
    told = {
        "binance_conversions": (
            convert,
            ["swap 100.5 USDT for 0.004 BTC", "swap 10 USDT for 5.5 1INCH"],
            1,
        ),
        "binance_deposits": (deposits, ["transfer_in 0.1 BTC"], 1),
        "binance_withdrawals": (withdrawals, ["transfer_out 0.1 BTC fee 0.0002 BTC"], 0),
    }
    for form, (content, right, left_out) in told.items():
        found = files.read(content, format_of(content))
        assert format_of(content) == form
        assert (said(found), len(found.left_out), found.problems) == (right, left_out, [])


def test_moves_of_binance_of_which_only_the_name_of_the_file_tells_the_way_are_not_guessed() -> (
    None
):
    content = (
        "Date(UTC),Coin,Network,Amount,TransactionFee,Address,TXID,SourceAddress,PaymentID,Status\n"
        "2021-05-01 10:00:00,ETH,ETH,1.5,0.005,0xabc,0xhash1,,,Completed\n"
    )
    assert format_of(content) == "generic"


def test_binance_us() -> None:
    """What was traded on its market, and what was bought quickly, stand the other way round."""
    assets = ("Primary", "Base", "Quote", "Fee")
    amounts = ",".join(
        f"{each}_Asset,Realized_Amount_For_{each}_Asset,Realized_Amount_For_{each}_Asset_In_USD_Value"
        for each in assets
    )
    header = f"User_Id,Time,Category,Operation,Order_Id,Transaction_Id,{amounts},Payment_Method,Withdrawal_Method,Additional_Note"
    rows = [
        "1,2021-03-01T00:00:00.000+00:00,Deposit,USD Deposit,1,1,USD,5000,5000,,,,,,,,,,Debit,,",
        "1,2021-03-02T15:35:02.000+00:00,Spot Trading,Buy,2,2,,,,BTC,0.01,480,USD,480,480,BTC,0.00001,0,Wallet,,",
        "1,2021-03-03T15:35:02.000+00:00,Spot Trading,Sell,3,3,,,,ETH,2,,BTC,0.06,,BNB,0.01,2,Wallet,,",
        "1,2021-03-04T03:49:18.000+00:00,Quick Buy,Buy,q4,4,,,,USD,30,30,BUSD,29.84,29.85,USD,0.15,0.15,Wallet,,",
        "1,2021-03-05T03:49:18.000+00:00,Quick Sell,Sell,q5,5,,,,BTC,0.01,600,USD,590,590,USD,2.97,2.97,Wallet,,",
        "1,2021-03-06 03:49:18,Distribution,Staking Rewards,6,6,ATOM,1,10,,,,,,,,,,,,",
        "1,2021-03-07 03:49:18,Distribution,Staking Rewards,7,7,ATOM,-0.1,1,,,,,,,,,,,,",
        "1,2021-03-08 03:49:18,Distribution,Referral Commission,8,8,SUSHI,0.002,,,,,,,,,,,Wallet,,",
        "1,2021-03-09 03:49:18,Withdrawal,Crypto Withdrawal,9,9,ETH,1,2000,,,,,,,ETH,0.005,10,Wallet,Wallet,",
        "1,2021-03-10 03:49:18,Convert,Convert,10,10,,,,BTC,0.01,600,USD,590,590,USD,0,0,Wallet,,",
        "1,2021-03-11 03:49:18,Spot Trading,Buy,11,11,,,,BTC,0.01,480,USD,,480,BTC,0.00001,0,Wallet,,",
    ]
    content = "\n".join([header, *rows, ""])
    assert format_of(content) == "binance_us"
    found = files.read(content, "binance_us")
    assert said(found) == [
        "buy 0.01 BTC at 48000 USD fee 0.00001 BTC", "swap 2 ETH for 0.06 BTC fee 0.01 BNB", "buy 29.84 BUSD at 1.005361930294906166 USD",
        "sell 0.01 BTC at 59000 USD", "staking 1 ATOM", "fee 0.1 ATOM", "reward 0.002 SUSHI", "transfer_out 1 ETH fee 0.005 ETH",
    ]  # fmt: skip
    assert balances(found) == {
        "ATOM": "0.9", "BNB": "-0.01", "BTC": "0.05999", "BUSD": "29.84", "ETH": "-3.005", "SUSHI": "0.002",
    }  # fmt: skip
    assert [(each.line, each.column) for each in found.problems] == [
        (11, "Category"),
        (12, "Realized_Amount_For_Quote_Asset"),
    ]

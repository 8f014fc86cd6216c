"""Files of OKX, Bybit, Crypto.com, Bitfinex and KuCoin, whose trades stand in several rows: what is booked, what is left, what is refused."""

from datetime import UTC, datetime

from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.decisions import Answers
from coinsphere.portfolio.imports.formats.timestamps import Order
from tests.unit.portfolio.imports.ledgers import balances, said

OKX_TRADING = (
    "id,Order id,Time,Trade Type,Symbol,Action,Amount,Trading Unit,Filled Price,PnL,Fee,Fee Unit,Position Change,"
    "Position Balance,Balance Change,Balance,Balance Unit"
)
OKX_FUNDING = "id,Time,Type,Amount,Before Balance,After Balance,Symbol"
ABOVE = "\ufeffUID:1,Account Type:Main,Time Zone:UTC+8"


def test_okx_trading() -> None:
    found = files.read(
        f"{ABOVE}\n{OKX_TRADING}\n"
        "10,a,2025-10-20 18:44:26,Spot,BTC-EUR,Buy,0.06436375,EUR,95264.8,0,-0.00016091,BTC,0,0,0.06420284,0.12011841,BTC\n"
        "11,a,2025-10-20 18:44:26,Spot,BTC-EUR,Sell,6131.599771,EUR,95264.8,0,0,EUR,0,0,-6131.599771,0.09340798,EUR\n"
        "12,b,2025-10-20 18:50:00,Spot,ADA-EUR,Sell,149.291,EUR,0.5749,0,0,ADA,0,0,-149.291,1554.1592,ADA\n"
        "13,b,2025-10-20 18:50:00,Spot,ADA-EUR,Buy,85.8273959,EUR,0.5749,0,-0.21456849,EUR,0,0,85.61282741,10580.7,EUR\n"
        "14,b,2025-10-20 18:50:00,Spot,ADA-EUR,Sell,149.291,EUR,0.5749,0,0,ADA,0,0,-149.291,1703.4502,ADA\n"
        "15,b,2025-10-20 18:50:00,Spot,ADA-EUR,Buy,85.8273959,EUR,0.5749,0,-0.21456849,EUR,0,0,85.61282741,10495.1,EUR\n"
        "16,,2025-10-21 18:50:00,Transfer,,Transfer in,0,cont,0,0,0,USDT,0,0,100,100,USDT\n"
        "17,c,2025-10-22 18:50:00,Perpetual,BTC-USDT-SWAP,Open long,1,cont,100,0,-0.1,USDT,1,1,-0.1,99.9,USDT\n"
        "18,d,2025-10-23 18:50:00,Spot,ETH-USDT,Buy,1,USDT,100,0,0,ETH,0,0,1,1,ETH\n",
        "okx_trading",
    )
    assert said(found) == [
        "buy 0.06436375 BTC at 95264.8 EUR fee 0.00016091 BTC", "sell 298.582 ADA at 0.5749 EUR fee 0.42913698 EUR", "transfer_in 1 ETH",
    ]  # fmt: skip
    assert balances(found) == {"ADA": "-298.582", "BTC": "0.06420284", "ETH": "1"}
    assert found.parsed[0][1].occurred_at == datetime(2025, 10, 20, 10, 44, 26, tzinfo=UTC)
    assert [each.line for each in found.left_out] == [9]
    assert [(each.line, each.column) for each in found.problems] == [(10, "Trade Type")]
    assert [each.line for each in found.warnings] == [11], "its other side is missing"


def test_okx_names_its_zone_or_is_asked() -> None:
    content = f"{OKX_FUNDING}\n1,2025-10-31 11:55:15,Deposit,1,0,1,BTC\n"
    assert files.read(content, "okx_funding").questions[0].option == "timeZone"
    found = files.read(f"UID:1,Time Zone:UTC+99\n{content}", "okx_funding")
    assert found.questions[0].option == "timeZone"


def test_okx_funding() -> None:
    found = files.read(
        f"{ABOVE}\n{OKX_FUNDING}\n"
        "4,2025-10-31 12:00:00,Staking Yield,0.00001,0.01,0.01001,ETH\n"
        "3,2025-10-31 11:58:00,To unified trading account,-0.05,0.1,0.05,BTC\n"
        "2,2025-10-31 11:55:15,Withdrawal,-0.011478630000000000,0.011478630000000000,0E-18,BTC\n"
        "1,2025-10-31 11:54:20,Deposit,0.1,0,0.1,BTC\n"
        "0,2025-10-31 11:54:00,Teleport,0.1,0,0.1,BTC\n",
        "okx_funding",
    )
    assert said(found) == [
        "transfer_in 0.1 BTC",
        "transfer_out 0.01147863 BTC",
        "staking 0.00001 ETH",
    ]
    assert balances(found) == {"BTC": "0.08852137", "ETH": "0.00001"}
    assert [(each.line, each.column) for each in found.problems] == [(7, "Type")]
    assert [each.line for each in found.left_out] == [4]


BYBIT = (
    "UID: 5,Company Name: ,Country: \n"
    "Uid,Currency,Contract,Type,Direction,Quantity,Position,Filled Price,Funding,Fee Paid,Cash Flow,Change,Wallet Balance,Action,Time(UTC)\n"
)


def test_bybit_unified() -> None:
    found = files.read(
        f"{BYBIT}"
        "5,BTC,BTCEUR,TRADE,SELL,-0.00003,0,53842.9,0,0,0,-0.00003,0.0000896,--,2026-06-05 08:22:50\n"
        "5,EUR,BTCEUR,TRADE,SELL,1.615287,0,53842.9,0,-0.001615287,0,1.613671713,1.6,--,2026-06-05 08:22:50\n"
        "5,ETH,ETHUSDT,TRADE,BUY,1,0,2000,0,-0.001,0,0.999,0.999,--,2026-06-04 08:22:50\n"
        "5,USDT,ETHUSDT,TRADE,BUY,-2000,0,2000,0,0,0,-2000,0,--,2026-06-04 08:22:50\n"
        "5,USDT,XAUTUSDT,TRADE,SELL,0.02,0.02,4356,0,-0.08712,1.0375,0.95038,306.66,CLOSE,2026-06-03 19:11:48\n"
        "5,USDT,,TRANSFER_IN,--,0,0,0,0,0,2000,2000,2000,--,2026-06-02 19:11:48\n"
        "5,USDT,,INTEREST,--,0,0,0,0,0,-0.004,-0.004,2000,--,2026-06-01 19:11:48\n",
        "bybit_unified",
    )
    assert said(found) == [
        "fee 0.004 USDT", "swap 2000 USDT for 1 ETH fee 0.001 ETH", "sell 0.00003 BTC at 53842.9 EUR fee 0.001615287 EUR",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "-0.00003", "ETH": "0.999", "USDT": "-2000.004"}
    assert [(each.line, each.column) for each in found.problems] == [(7, "Type")], "a position"
    assert [each.line for each in found.left_out] == [8]


def test_bybit_funding() -> None:
    found = files.read(
        "UID: 5,Company Name: ,Country: \nUid,Date & Time(UTC),Coin,QTY,Type,Account Balance,Description\n"
        "5,2026-06-03 19:11:48,BTC,-0.1,Withdraw,0.4,Withdraw\n"
        "5,2026-06-02 19:11:48,USDT,-2000,Transfer out,0,Transfer to Unified Trading\n"
        "5,2026-06-01 19:11:48,BTC,0.5,Deposit,0.5,Deposit\n"
        "5,2026-06-01 18:11:48,BTC,0.5,Earn,0.5,Easy Earn\n",
        "bybit_funding",
    )
    assert said(found) == ["transfer_in 0.5 BTC", "transfer_out 0.1 BTC"]
    assert balances(found) == {"BTC": "0.4"}
    assert [(each.line, each.column) for each in found.problems] == [(6, "Type")]


APP = (
    "Timestamp (UTC),Transaction Description,Currency,Amount,To Currency,To Amount,Native Currency,Native Amount,"
    "Native Amount (in USD),Transaction Kind,Transaction Hash"
)


def test_crypto_com_app() -> None:
    found = files.read(
        f"{APP}\n"
        "2025-07-09 08:00:00,Teleport,CRO,1,,,EUR,0.1,0.11,crypto_teleport,\n"
        "2025-07-08 08:00:00,To Earn,CRO,-100,,,EUR,-10,-11,crypto_earn_program_created,\n"
        "2025-07-07 08:00:00,Withdraw BTC,BTC,-0.005,,,EUR,-450,-500,crypto_withdrawal,abc\n"
        "2025-07-06 08:00:00,Dust,ETH,-0.0001,,,EUR,-0.3,-0.33,dust_conversion_debited,\n"
        "2025-07-06 08:00:00,Dust,LTC,-0.001,,,EUR,-0.1,-0.11,dust_conversion_debited,\n"
        "2025-07-06 08:00:00,Dust,CRO,4,,,EUR,0.4,0.44,dust_conversion_credited,\n"
        "2025-07-05 08:00:00,Card cashback,CRO,12.5,,,EUR,1.25,1.4,referral_card_cashback,\n"
        "2025-07-04 08:00:00,BTC -> CRO,BTC,-0.001,CRO,900,EUR,90,99,crypto_exchange,\n"
        "2025-07-03 08:00:00,EUR -> CRO,EUR,-50,CRO,500,EUR,50,55,viban_purchase,\n"
        "2025-07-02 08:00:00,Buy BTC,BTC,0.01,,,EUR,900,990,crypto_purchase,\n"
        "2025-07-01 08:00:00,EUR Deposit,EUR,1000,,,EUR,1000,1100,viban_deposit,\n",
        "crypto_com_app",
    )
    assert said(found) == [
        "buy 0.01 BTC at 90000 EUR", "buy 500 CRO at 0.1 EUR", "swap 0.001 BTC for 900 CRO", "reward 12.5 CRO",
        "swap 0.0001 ETH for 2 CRO", "swap 0.001 LTC for 2 CRO", "transfer_out 0.005 BTC",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.004", "CRO": "1416.5", "ETH": "-0.0001", "LTC": "-0.001"}
    assert [(each.line, each.column) for each in found.problems] == [(2, "Transaction Kind")]
    assert sorted(each.line for each in found.left_out) == [3, 12]


def test_crypto_com_exchange() -> None:
    found = files.read(
        "Account Type,Order ID,Trade ID,Create Time (UTC),Instrument Name,Side,Traded Quantity,Traded Price,Fees,Fee Instrument Name,Margin Order\n"
        "SPOT,o1,t1,2025-04-01 10:00:00,BTC_EUR,BUY,0.01,100000,1.5,EUR,False\n"
        "SPOT,o2,t2,2025-04-02 10:00:00,CRO_USDT,SELL,100,0.1,0.01,USDT,False\n"
        "SPOT,o3,t3,2025-04-03 10:00:00,BTCUSD-PERP,SELL,1,100000,1,USD,True\n",
        "crypto_com_exchange",
    )
    assert said(found) == [
        "buy 0.01 BTC at 100000 EUR fee 1.5 EUR",
        "swap 100 CRO for 10 USDT fee 0.01 USDT",
    ]
    assert balances(found) == {"BTC": "0.01", "CRO": "-100", "USDT": "9.99"}
    assert [(each.line, each.column) for each in found.problems] == [(4, "Instrument Name")]


def test_bitfinex_ledger() -> None:
    found = files.read(
        "#,DESCRIPTION,CURRENCY,AMOUNT,BALANCE,DATE,WALLET\n"
        "30,Settlement @ 8500.0 on wallet margin,USD,-3,1,09-03-25 10:00:00,margin\n"
        "29,Transfer of 5.0 BTC from wallet Exchange to Exchange SA(one->other) on wallet exchange,BTC,-5,1,09-03-25 09:00:00,exchange\n"
        "28,Canceled withdrawal request #77 on wallet exchange,BTC,0.25,1,08-03-25 09:00:00,exchange\n"
        "27,BITCOIN Withdrawal #78 on wallet exchange,BTC,-0.25,1,07-03-25 10:00:00,exchange\n"
        "26,Crypto Withdrawal fee on wallet exchange,BTC,-0.0004,1,07-03-25 09:00:00,exchange\n"
        "25,BITCOIN Withdrawal #77 on wallet exchange,BTC,-0.5,1,07-03-25 09:00:00,exchange\n"
        "24,Affiliate Rebate (BTCUSD) on wallet exchange,UST,0.1,1,06-03-25 09:00:00,exchange\n"
        "23,Staking reward on wallet exchange,DOT,0.2,0.2,05-03-25 09:00:00,exchange\n"
        "22,Margin Funding Payment on wallet funding,UST,1.23,1,04-03-25 09:00:00,funding\n"
        "21,Transfer of 100.0 UST from wallet Exchange to Deposit on wallet funding,UST,100,100,03-03-25 11:00:00,funding\n"
        "20,Transfer of 100.0 UST from wallet Exchange to Deposit on wallet exchange,UST,-100,1,03-03-25 11:00:00,exchange\n"
        "19,Trading fees for 0.2 ETH (ETHUST) @ 2000.0 on BFX (0.2%) on wallet exchange,UST,-0.8,1,02-03-25 10:00:00,exchange\n"
        "18,Trading fees for 0.1 BTC (BTCUST) @ 41000.0 on BFX (0.2%) on wallet exchange,UST,-8.2,1,02-03-25 10:00:00,exchange\n"
        "17,Exchange 0.2 ETH for UST @ 2000.0 on wallet exchange,UST,400,1,02-03-25 10:00:00,exchange\n"
        "16,Exchange 0.2 ETH for UST @ 2000.0 on wallet exchange,ETH,-0.2,1,02-03-25 10:00:00,exchange\n"
        "15,Exchange 0.1 BTC for UST @ 41000.0 on wallet exchange,UST,4100,1,02-03-25 10:00:00,exchange\n"
        "14,Exchange 0.1 BTC for UST @ 41000.0 on wallet exchange,BTC,-0.1,1,02-03-25 10:00:00,exchange\n"
        "13,Trading fees for 0.5 BTC (BTCUSD) @ 40000.0 on BFX (0.2%) on wallet exchange,BTC,-0.001,1,01-03-25 10:00:00,exchange\n"
        "12,Exchange 0.5 BTC for USD @ 40000.0 on wallet exchange,USD,-20000,1,01-03-25 10:00:00,exchange\n"
        "11,Exchange 0.5 BTC for USD @ 40000.0 on wallet exchange,BTC,0.5,2,01-03-25 10:00:00,exchange\n"
        "10,Deposit (BITCOIN) #614485 on wallet exchange,BTC,1.5,1.5,01-03-25 09:00:00,exchange\n",
        "bitfinex_ledger",
        answers=Answers(time_zone="UTC", date_order=Order.DMY),
    )
    assert sorted(said(found)) == sorted([
        "transfer_in 1.5 BTC", "buy 0.5 BTC at 40000 USD fee 0.001 BTC", "swap 0.1 BTC for 4100 USDT fee 8.2 USDT",
        "swap 0.2 ETH for 400 USDT fee 0.8 USDT", "interest 1.23 USDT", "staking 0.2 DOT", "reward 0.1 USDT", "transfer_out 0.5 BTC",
        "fee 0.0004 BTC", "transfer_out 0.25 BTC", "transfer_in 0.25 BTC",
    ])  # fmt: skip
    assert balances(found) == {"BTC": "1.3986", "DOT": "0.2", "ETH": "-0.2", "USDT": "4492.33"}
    assert [(each.line, each.column) for each in found.problems] == [
        (2, "DESCRIPTION"),
        (3, "DESCRIPTION"),
    ]
    assert sorted(each.line for each in found.left_out) == [11, 12]
    assert found.parsed[0][1].external_id == "bitfinex_ledger:10"


def test_kucoin_history() -> None:
    found = files.read(
        "UID,Account Type,Currency,Side,Amount,Fee,Time(UTC+02:00),Remark,Type\n"
        "*1,mainAccount,USDT,Withdrawal,5,0,2025-01-30 09:00:00,,Lending\n"
        "*1,mainAccount,KCS,Withdrawal,0.01,0,2025-01-29 09:00:00,,KCS Pay Fees\n"
        "*1,mainAccount,KCS,Deposit,1.2,0,2025-01-28 09:00:00,,KCS Bonus\n"
        "*1,mainAccount,SOL,Deposit,0.05,0,2025-01-27 09:00:00,,Soft Staking Profits\n"
        "*1,mainAccount,SOL,Withdrawal,4,0,2025-01-26 09:00:00,,Staking\n"
        "*1,mainAccount,DOGE,Withdrawal,15.5,0,2025-01-25 09:00:00,,Convert Dust to KCS\n"
        "*1,mainAccount,KCS,Deposit,0.12,0,2025-01-25 09:00:00,,Convert Dust to KCS\n"
        "*1,mainAccount,BTC,Withdrawal,0.030015,0.000015,2025-01-24 09:00:00,,Withdraw\n"
        "*1,tradeAccount,XMR,Withdrawal,0.2,0,2025-01-23 20:36:07,Trading Account,Transfer\n"
        "*1,mainAccount,XMR,Deposit,15.197539,0,2025-01-22 21:24:57,Deposit,Deposit\n"
        "*1,mainAccount,LDO,Deposit,13.3249,0,2025-01-21 01:02:11,,Spot\n"
        "*1,mainAccount,USDT,Withdrawal,20.02,0.02,2025-01-21 01:02:11,,Spot\n"
        "*1,mainAccount,USDT,Withdrawal,10.01,0.01,2025-01-21 01:02:11,,Spot\n"
        "*1,mainAccount,ETH,Withdrawal,0.01,0,2025-01-20 02:00:00,,Spot\n"
        "*1,mainAccount,USDT,Deposit,29.97,0.03,2025-01-20 02:00:00,,Spot\n"
        "*1,mainAccount,EUR,Deposit,99,1,2025-01-19 02:00:00,ee,Fiat Deposit\n"
        "*1,mainAccount,ETH,Deposit,0.5,0.001,2025-01-18 02:00:00,,Deposit\n",
        "kucoin_history",
    )
    assert sorted(said(found)) == sorted([
        "transfer_in 0.5 ETH", "swap 0.01 ETH for 30 USDT fee 0.03 USDT", "swap 30 USDT for 13.3249 LDO fee 0.03 USDT",
        "transfer_in 15.197539 XMR", "transfer_out 0.03 BTC fee 0.000015 BTC", "swap 15.5 DOGE for 0.12 KCS", "staking 0.05 SOL",
        "reward 1.2 KCS", "fee 0.01 KCS",
    ])  # fmt: skip
    assert balances(found) == {
        "BTC": "-0.030015", "DOGE": "-15.5", "ETH": "0.49", "KCS": "1.31", "LDO": "13.3249", "SOL": "0.05", "USDT": "-0.06", "XMR": "15.197539",
    }  # fmt: skip
    assert [(each.line, each.column) for each in found.problems] == [(2, "Type")]
    assert sorted(each.line for each in found.left_out) == [6, 10, 17]
    assert found.parsed[0][1].occurred_at == datetime(2025, 1, 18, tzinfo=UTC)

"""What rows of exchanges' files mean: their kinds, signs, names, fees, and which of them belong together."""

import itertools
from decimal import Decimal

import pytest

from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.files import Content

D = Decimal

KRAKEN = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance"
BINANCE = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark"
COINBASE = (
    "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction,Subtotal,"
    "Total (inclusive of fees and/or spread),Fees and/or Spread,Notes"
)


def kraken(*rows: str) -> Content:
    """Rows of `refid,type,subtype,asset,amount,fee`, numbered and a day apart where the id changes."""
    days: dict[str, int] = {}
    lines = []
    for number, row in enumerate(rows, 1):
        refid, kind, subtype, asset, amount, fee = row.split(",")
        day = days.setdefault(refid, len(days) + 1)
        when = f"2026-01-{day:02} 03:04:05"
        lines.append(f"L{number},{refid},{when},{kind},{subtype},currency,{asset},{amount},{fee},0")
    return files.read("\n".join([KRAKEN, *lines]) + "\n", "kraken")


def binance(*rows: str) -> Content:
    """Rows of `seconds,account,operation,coin,change`."""
    lines = []
    for row in rows:
        second, rest = row.split(",", 1)
        lines.append(f"1,2026-01-02 03:04:{second},{rest},")
    return files.read("\n".join([BINANCE, *lines]) + "\n", "binance")


def coinbase(*rows: str) -> Content:
    """Rows of `kind,asset,quantity,price,subtotal,total,fee,notes`, in euros."""
    lines = []
    for number, row in enumerate(rows, 1):
        kind, asset, quantity, price, subtotal, total, fee, notes = row.split(",")
        lines.append(
            f"a{number},2026-01-0{number} 10:00:00 UTC,{kind},{asset},{quantity},EUR,{price},{subtotal},{total},{fee},{notes}"
        )
    return files.read("\n".join([COINBASE, *lines]) + "\n", "coinbase")


def said(content: Content) -> list[str]:
    """Each transaction in few words."""
    words = []
    for _, each in content.parsed:
        told = [each.kind.value, f"{each.amount.normalize():f}", each.symbol]
        told += [f"at {each.price.normalize():f} {each.currency}"] if each.price is not None else []
        told += (
            [f"for {each.counter_amount.normalize():f} {each.counter_symbol}"]
            if each.counter_symbol
            else []
        )
        told += (
            [f"fee {each.fee.normalize():f} {each.fee_symbol or each.currency}"] if each.fee else []
        )
        words.append(" ".join(told))
    return words


# Kraken


def test_kraken_moves_between_its_wallets_change_nothing() -> None:
    found = kraken(
        "R1,deposit,,ETH,2,0",
        "R2,earn,autoallocation,ETH,-2,0", "R2,earn,autoallocation,ETH,2,0",
        "R3,earn,reward,ETH,0.001,0.0002",
        "R4,earn,allocation,ETH,-1,0", "R5,earn,deallocation,ETH,1,0",
        "R6,transfer,spottostaking,DOT,-1,0", "R7,transfer,stakingfromspot,DOT.S,1,0",
        "R8,transfer,spottofutures,DOT,-1,0",
        "R9,transfer,,ADA,-3,0", "R9,transfer,,ADA,3,0",
        "S1,earn,migration,ETH2.S,-1,0", "S1,earn,migration,ETH.B,1,0",
    )  # fmt: skip
    assert said(found) == ["transfer_in 2 ETH", "staking 0.001 ETH fee 0.0002 ETH"]
    assert found.problems == []


def test_kraken_migration_into_another_token_is_a_swap() -> None:
    found = kraken("R1,earn,migration,MATIC04.S,-5,0", "R1,earn,migration,POL.B,5,0")
    assert said(found) == ["swap 5 MATIC for 5 POL"]


def test_kraken_every_kind_is_booked_or_named() -> None:
    found = kraken(
        "R1,transfer,,OP,25.5,0", "R2,dividend,,ETH,1,0", "R3,adjustment,,ADA,-2,0", "R4,credit,,ADA,2,0",
        "R5,rollover,,ETH,0,0.25", "R6,nfttrade,,ETH,-1,0.01", "R7,margin,,XXBT,1,0", "R8,equitytrade,,ABC,1,0",
        "R9,earn,sweeping,ABC,1,0", "S1,staking,,ETH2.S,0.5,0", "S2,sale,,XXBT,-1,0", "S2,sale,,USDT,9,0.1",
    )  # fmt: skip
    assert said(found) == [
        "airdrop 25.5 OP", "interest 1 ETH", "transfer_out 2 ADA", "reward 2 ADA", "fee 0.25 ETH",
        "withdrawal 1 ETH fee 0.01 ETH", "staking 0.5 ETH", "swap 1 BTC for 9 USDT fee 0.1 USDT",
    ]  # fmt: skip
    told = [(problem.line, problem.column) for problem in found.problems]
    assert told == [(8, "type"), (9, "type"), (10, "subtype")]


def test_kraken_withdrawal_that_came_back_is_none() -> None:
    rows = [
        "W1,withdrawal,,XXBT,-1,0.001",
        "W1,withdrawal,,XXBT,1,-0.001",
        "W2,withdrawal,,XXBT,-2,0.002",
    ]
    for order in itertools.permutations(rows):
        assert said(kraken(*order)) == ["transfer_out 2 BTC fee 0.002 BTC"]
    # What was given back without its withdrawal comes in whole; what is kept of the fee is one.
    assert said(kraken("W1,withdrawal,,XXBT,1,-0.001")) == ["transfer_in 1.001 BTC"]
    assert said(kraken("W1,withdrawal,,XXBT,-1,0.001", "W1,withdrawal,,XXBT,1.001,0")) == []
    assert said(kraken("W1,withdrawal,,XXBT,-1,0.001", "W1,withdrawal,,XXBT,1,0")) == [
        "fee 0.001 BTC"
    ]


@pytest.mark.parametrize(
    ("rows", "right"),
    [
        (("T1,trade,,ZEUR,-500,1.3", "T1,trade,,XXBT,0.01,0.00001"), ["buy 0.00999 BTC at 50050.05005005005005005 EUR fee 1.3 EUR"]),
        (("T1,trade,,ZEUR,-500,0", "T1,trade,,XXBT,0.01,0", "T1,trade,,KFEE,0,130"), ["buy 0.01 BTC at 50000 EUR"]),
        (("T1,trade,,ZPLN,-500,1.3", "T1,trade,,XXBT,0.01,0"), ["buy 0.01 BTC at 50000 PLN fee 1.3 PLN"]),
        (("T1,trade,,XXBT,-1,0.1", "T1,trade,,XETH,20,1", "T1,trade,,USDT,0,3"), ["swap 1.1 BTC for 19 ETH fee 3 USDT"]),
        (("T1,spend,,ADA,-1.5,0", "T1,spend,,XXDG,-3,0", "T1,receive,,ZEUR,1.2,0.03"),
         ["sell 1.5 ADA at 0.4 EUR fee 0.015 EUR", "sell 3 DOGE at 0.2 EUR fee 0.015 EUR"]),
        (("T1,spend,,ZEUR,-100,0", "T1,receive,,ADA,1,0", "T1,receive,,XXBT,2,0"), ["buy 1 ADA at 50 EUR", "buy 2 BTC at 25 EUR"]),
        (("T1,spend,,ADA,-1,0", "T1,spend,,ADA,-2,0", "T1,receive,,XXBT,1,0", "T1,receive,,XXBT,1,0"), ["swap 3 ADA for 2 BTC"]),
        (("T1,trade,,XXBT,-1,0", "T1,trade,,ZEUR,9,-0.5"), ["sell 1 BTC at 9.5 EUR"]),
        (("T1,trade,,ZEUR,-500,-0.5", "T1,trade,,XXBT,0.01,0"), ["buy 0.01 BTC at 49950 EUR"]),
    ],
)  # fmt: skip
def test_kraken_an_exchange_has_any_legs_and_fees_in_any_order(rows, right) -> None:
    for order in itertools.permutations(rows):
        assert said(kraken(*order)) == right


def test_kraken_several_for_several_are_refused_together() -> None:
    found = kraken(
        "T1,spend,,ADA,-1,0", "T1,spend,,XXDG,-1,0", "T1,receive,,XETH,1,0", "T1,receive,,XXBT,1,0"
    )
    assert said(found) == []
    assert "ADA and DOGE for BTC and ETH" in found.problems[0].message


@pytest.mark.parametrize(
    ("name", "common"),
    [
        ("SOL03.S", "SOL"), ("MATIC04.S", "MATIC"), ("DOT28.S", "DOT"), ("ZETA", "ZETA"), ("XTZ", "XTZ"), ("ZRX", "ZRX"),
        ("XXBT", "BTC"), ("XBT.M", "BTC"), ("XXDG", "DOGE"), ("XDG", "DOGE"), ("ETH2", "ETH"), ("ETH2.S", "ETH"), ("ETH.F", "ETH"),
        ("XETH", "ETH"), ("XLTC", "LTC"), ("ADA.P", "ADA"), ("SOL.B", "SOL"), ("C98.F", "C98"), ("C98.S", "C98"), ("XCN", "XCN"), ("ZEUS", "ZEUS"), ("XRP", "XRP"),
    ],
)  # fmt: skip
def test_kraken_names(name, common) -> None:
    assert said(kraken(f"D1,deposit,,{name},1,0")) == [f"transfer_in 1 {common}"]


def test_kraken_money_is_no_transaction() -> None:
    found = kraken("D1,deposit,,ZEUR,1,0", "D2,deposit,,EUR.HOLD,1,0", "D3,deposit,,KFEE,100,0")
    assert (said(found), found.problems) == ([], [])


@pytest.mark.parametrize("asset_class", ["equity", "tokenized_asset", "nft"])
def test_kraken_a_stock_is_not_booked_as_a_coin_of_its_name(asset_class) -> None:
    """COMP is a stock as well as a coin; what was paid for it goes with it, as all rows of an event do."""
    rows = [
        f"L1,T1,2026-01-02 03:04:05,trade,,{asset_class},COMP,2,0,2",
        "L2,T1,2026-01-02 03:04:05,trade,,currency,ZUSD,-600,1,0",
        "L3,T2,2026-01-03 03:04:05,trade,,currency,COMP,1,0,1",
        "L4,T2,2026-01-03 03:04:05,trade,,currency,ZUSD,-50,0,0",
    ]
    found = files.read("\n".join([KRAKEN, *rows, ""]), "kraken")
    assert said(found) == ["buy 1 COMP at 50 USD"]
    assert [(each.line, each.column) for each in found.problems] == [(2, "aclass"), (3, "aclass")]
    assert "currencies alone are booked" in found.problems[0].message


def test_kraken_a_row_that_cannot_be_read_takes_its_event_with_it_and_no_other() -> None:
    found = kraken(
        "T1,trade,,XXBT,0.01,0", "T1,trade,,ZEUR,much,1", "T2,trade,,XXBT,0.02,0", "T2,trade,,ZEUR,-900,0", "D1,deposit,,XXBT,1,0",
    )  # fmt: skip
    assert said(found) == ["buy 0.02 BTC at 45000 EUR", "transfer_in 1 BTC"]
    assert [(each.line, each.message) for each in found.problems] == [
        (2, "belongs to line 3: 'much' is not a number"),
        (3, "'much' is not a number"),
    ]


def test_a_row_that_is_told_twice_is_booked_once() -> None:
    rows = [
        "L1,T1,2026-01-02 03:04:05,trade,,currency,ZEUR,-500,1,0",
        "L2,T1,2026-01-02 03:04:05,trade,,currency,XXBT,0.01,0,0",
        "L3,D1,2026-01-03 03:04:05,deposit,,currency,XXBT,1,0,0",
        "L3,D2,2026-01-04 03:04:05,deposit,,currency,XXBT,2,0,0",
    ]
    found = files.read("\n".join([KRAKEN, *rows, *rows[:2], ""]), "kraken")
    assert said(found) == ["buy 0.01 BTC at 50000 EUR fee 1 EUR", "transfer_in 1 BTC"]
    assert [(each.line, each.message) for each in found.left_out] == [
        (6, "is line 2 again"),
        (7, "is line 3 again"),
    ]
    assert [(each.line, each.column, each.message) for each in found.problems] == [
        (5, "txid", "is that of line 4, which says something else")
    ]


# Binance


def test_binance_a_fee_has_a_sign() -> None:
    legs = ["05,Spot,Sell,BTC,-0.005", "05,Spot,Sell,EUR,400", "05,Spot,Fee,BNB,0.0004"]
    for order in itertools.permutations(legs):
        assert said(binance(*order)) == ["sell 0.005 BTC at 80000 EUR", "reward 0.0004 BNB"]


def test_binance_dust_is_shared_out_and_nothing_is_lost() -> None:
    dust = "34,Spot,Small assets exchange BNB,"
    sides = [
        "BNB,0.00005180",
        "LINK,-0.00908",
        "USDT,-0.00347465",
        "BTC,-8E-08",
        "BNB,0.0014451",
        "BNB,0.00011715",
    ]
    parsed = [each for _, each in binance(*(dust + side for side in sides)).parsed]
    assert [(each.symbol, each.amount, each.counter_symbol) for each in parsed] == [
        ("BTC", D("8E-8"), "BNB"), ("LINK", D("0.00908"), "BNB"), ("USDT", D("0.00347465"), "BNB"),
    ]  # fmt: skip
    assert sum(each.counter_amount for each in parsed) == D("0.00161405")


def test_binance_trades_of_one_second_are_told_apart_or_refused_together() -> None:
    one = [
        "05,Spot,Transaction Buy,ETH,1",
        "05,Spot,Transaction Spend,USDT,-2000",
        "05,Spot,Transaction Fee,BNB,-0.1",
    ]
    two = [
        "05,Spot,Transaction Buy,BTC,0.01",
        "05,Spot,Transaction Spend,USDT,-700",
        "05,Spot,Transaction Fee,BNB,-0.2",
    ]
    right = ["swap 2000 USDT for 1 ETH fee 0.1 BNB", "swap 700 USDT for 0.01 BTC fee 0.2 BNB"]
    assert said(binance(*one, *two)) == right
    assert said(binance(*two[::-1], *one[::-1])) == right[::-1]
    assert said(binance(*one[:2], *two[:2], *one[:2])) == [
        "swap 4000 USDT for 2 ETH",
        "swap 700 USDT for 0.01 BTC",
    ]
    found = binance(one[0], two[0], one[1], two[1])
    assert (said(found), [each.line for each in found.problems]) == ([], [2, 3, 4, 5])
    assert "which rows belong together" in found.problems[0].message


def test_binance_what_lies_a_second_apart_belongs_together() -> None:
    buy, spend = "05,Spot,Transaction Buy,ETH,1", "05,Spot,Transaction Spend,USDT,-2000"
    right = ["swap 2000 USDT for 1 ETH fee 0.001 BNB"]
    assert said(binance(buy, spend, "06,Spot,Transaction Fee,BNB,-0.001")) == right
    assert said(binance("04,Spot,Transaction Fee,BNB,-0.001", buy, spend)) == right
    assert said(binance("04" + spend[2:], buy, "06,Spot,Transaction Fee,BNB,-0.001")) == right
    # A trade of its own does not, nor what another account did.
    assert (
        said(binance(buy, spend, "06" + buy[2:], "06" + spend[2:]))
        == ["swap 2000 USDT for 1 ETH"] * 2
    )
    assert said(binance(buy, spend, "06,Margin,Fee,BNB,-0.001")) == [
        "swap 2000 USDT for 1 ETH",
        "fee 0.001 BNB",
    ]
    assert said(binance("40,Spot,Transaction Fee,BNB,-0.001")) == ["fee 0.001 BNB"]


def test_binance_a_purchase_without_its_other_side_is_refused() -> None:
    found = binance("05,Spot,Transaction Buy,ETH,1")
    assert (said(found), len(found.problems)) == ([], 1)


def test_binance_every_operation_is_booked_or_named() -> None:
    found = binance(
        "01,Spot,Leverage Token Redemption,ETH,-1", "02,Spot,Card Purchase,BTC,-0.001", "03,Spot,Super BNB Mining,BNB,0.1",
        "04,USDT-Futures,Referrer rebates,BNB,0.2", "05,Spot,Launchpool Interest,BNB,0.5",
        "06,Spot,Token Swap - Redenomination/Rebranding,MATIC,-100", "06,Spot,Token Swap - Redenomination/Rebranding,POL,100",
        "07,Spot,Buy Crypto With Fiat,BTC,0.01", "08,Spot,ETH 2.0 Staking,ETH,-1", "09,Spot,ETH 2.0 Staking,ETH,-1", "09,Spot,ETH 2.0 Staking,BETH,1",
        "10,Spot,Stablecoins Auto-Conversion,USDC,-10", "10,Spot,Stablecoins Auto-Conversion,BUSD,10",
        "11,Spot,Simple Earn Flexible Subscription,ETH,-1", "12,Spot,Simple Earn Flexible Interest,ETH,0.1",
        "13,Spot,Binance Convert,BTC,-1", "13,Spot,Binance Convert,ETH,20", "14,Spot,Realized Profit and Loss,USDT,5",
        "15,Spot,Future Redemption Purchase Transfer,ETH,-1", "16,Spot,Distribution,ETH,-0.1", "17,Spot,P2P Trading,USDT,50",
    )  # fmt: skip
    assert said(found) == [
        "transfer_out 1 ETH", "withdrawal 0.001 BTC", "interest 0.1 BNB", "reward 0.2 BNB", "interest 0.5 BNB",
        "swap 100 MATIC for 100 POL", "buy 0.01 BTC", "swap 1 ETH for 1 BETH", "swap 10 USDC for 10 BUSD", "interest 0.1 ETH",
        "swap 1 BTC for 20 ETH", "transfer_out 0.1 ETH", "transfer_in 50 USDT",
    ]  # fmt: skip
    assert [(problem.line, problem.column) for problem in found.problems] == [
        (19, "Operation"),
        (20, "Operation"),
    ]


def test_binance_a_distribution_of_before_2021_is_no_move_within() -> None:
    found = binance("01,Spot,Asset - Transfer,OP,20", "09,Spot,Asset - Transfer,BTT,-5")
    assert (said(found), found.left_out) == (["airdrop 20 OP", "transfer_out 5 BTT"], [])


def test_binance_what_a_liquidation_sells_is_sold_and_what_may_come_back_as_another_coin_left() -> (
    None
):
    found = binance(
        "01,Cross Margin,Cross Margin Liquidation - Small Assets Takeover,WLD,-0.1",
        "01,Cross Margin,Cross Margin Liquidation - Small Assets Takeover,USDT,0.05",
        "05,Isolated Margin,Isolated Margin Liquidation - Fee,USDT,-1",
        "10,Spot,Dual Savings Purchase,BTC,-0.1", "20,Spot,Dual Savings Settlement,USDT,4000", "30,Spot,Transfer Funds to Spot,USDT,5",
    )  # fmt: skip
    assert said(found) == [
        "swap 0.1 WLD for 0.05 USDT", "fee 1 USDT", "transfer_out 0.1 BTC", "transfer_in 4000 USDT",
    ]  # fmt: skip
    assert ([each.line for each in found.left_out], found.problems) == ([7], [])


def test_binance_what_is_borrowed_is_held_until_it_is_repaid() -> None:
    margin = "Isolated Margin"
    found = binance(
        "01,Spot,Transfer Between Spot Account and Isolated Margin Account,USDT,-100",
        f"01,{margin},Transfer Between Spot Account and Isolated Margin Account,USDT,100",
        f"05,{margin},Isolated Margin Loan,BTC,1",
        f"06,{margin},Transaction Sold,BTC,-1", f"06,{margin},Transaction Revenue,USDT,50000",
        f"20,{margin},Transaction Buy,BTC,1.001", f"20,{margin},Transaction Spend,USDT,-40000",
        f"30,{margin},Isolated Margin Interest,BTC,-0.001", f"31,{margin},Isolated Margin Repayment,BTC,-1",
        "40,Cross Margin,Cross Margin Liquidation - Forced Repayment,BTC,-0.1", "41,USDT-Futures,Margin Loan,USDT,5",
    )  # fmt: skip
    assert said(found) == [
        "deposit 1 BTC", "swap 1 BTC for 50000 USDT", "swap 40000 USDT for 1.001 BTC", "fee 0.001 BTC", "withdrawal 1 BTC",
        "withdrawal 0.1 BTC",
    ]  # fmt: skip
    # No trade of an account of futures is booked, so nothing that is borrowed there is.
    assert [each.line for each in found.problems] == [12]
    ((line, warning),) = [(each.line, each.message) for each in found.warnings]
    assert (line, "the debt is not kept" in warning) == (4, True)


@pytest.mark.parametrize("label", ["loan", "margin loan"])
def test_koinly_and_coinbase_say_what_is_borrowed(label) -> None:
    header = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Label"
    rows = [
        f"2026-01-02 03:04:05,,,1,BTC,{label}",
        f"2026-01-03 03:04:05,1,BTC,,,{label.replace('loan', '').strip() or 'loan'} repayment",
    ]
    koinly = files.read("\n".join([header, *rows, ""]), "koinly")
    assert said(koinly) == ["deposit 1 BTC", "withdrawal 1 BTC"]
    told = coinbase("Loan,USDC,100,1,100,100,0,", "Loan Repayment,USDC,100,1,100,100,0,")
    assert said(told) == ["deposit 100 USDC", "withdrawal 100 USDC"]
    for content in (koinly, told):
        assert [each.line for each in content.warnings] == [2]
        assert "the debt is not kept" in content.warnings[0].message


def test_binance_conversions_of_one_second_are_told_apart() -> None:
    convert, dust = "05,Spot,Binance Convert,", "34,Spot,Small Assets Exchange BNB,"
    for sides, right in (
        (("USDT,-10", "SOL,0.1", "USDT,-30", "ETH,0.015"), ["swap 10 USDT for 0.1 SOL", "swap 30 USDT for 0.015 ETH"]),
        (("SOL,0.1", "USDT,-10", "ETH,2", "BTC,-0.1"), ["swap 10 USDT for 0.1 SOL", "swap 0.1 BTC for 2 ETH"]),
        (("USDT,-10", "SOL,0.1", "USDT,-30", "SOL,0.3"), ["swap 40 USDT for 0.4 SOL"]),
    ):  # fmt: skip
        assert said(binance(*(convert + side for side in sides))) == right
    told = binance(*(dust + side for side in ("LINK,-1", "BNB,0.02", "ADA,-1", "BNB,0.001")))
    assert said(told) == ["swap 1 LINK for 0.02 BNB", "swap 1 ADA for 0.001 BNB"]
    mixed = binance(*(convert + side for side in ("USDT,-10", "BTC,-0.1", "SOL,0.1", "ETH,2")))
    assert (said(mixed), len(mixed.problems)) == ([], 4)


def test_binance_a_row_that_cannot_be_read_takes_its_event_with_it_and_no_other() -> None:
    found = binance(
        "05,Spot,Binance Convert,USDT,-10", "05,Spot,Binance Convert,SOL,one", "05,Spot,Deposit,SOL,1",
        "09,Spot,Transaction Buy,BTC,?", "09,Spot,Transaction Spend,USDT,-5", "10,Spot,Transaction Fee,BNB,-0.1",
        "30,Spot,Transaction Buy,ETH,1", "30,Spot,Transaction Spend,USDT,-7",
    )  # fmt: skip
    assert said(found) == ["transfer_in 1 SOL", "swap 7 USDT for 1 ETH"]
    assert [(each.line, each.column) for each in found.problems] == [
        (line, "Change") for line in (2, 3, 5, 6, 7)
    ]
    assert found.problems[0].message == "belongs to line 3: 'one' is not a number"


@pytest.mark.parametrize(
    ("header", "utc"),
    [("Time(UTC+8)", "01-01 19:04"), ("Date(UTC+2)", "01-02 01:04"), ("Time (UTC-05:30)", "01-02 08:34"), ("UTC_Time", "01-02 03:04")],
)  # fmt: skip
def test_binance_the_header_may_name_the_zone(header, utc) -> None:
    text = f"User ID,{header},Account,Operation,Coin,Change,Remark\n1,2026-01-02 03:04:05,Spot,Deposit,BTC,1,\n"
    ((_, made),) = files.read(text, "binance").parsed
    assert f"{made.occurred_at:%m-%d %H:%M}" == utc


# Coinbase


def test_coinbase_numbers_of_notes_have_the_mark_that_the_quantity_proves() -> None:
    rows = (
        ("0.5", "Converted 0,5 ETH to 0,0402 BTC", "0.0402"),
        ("0.5", "Converted 0.5 ETH to 12,345.5 DOGE", "12345.5"),
        ("1234", "Converted 1,234 ETH to 12,345 DOGE", "12345"),
        ("1.234", "Converted 1,234 ETH to 12,345 DOGE", "12.345"),
        ("5", "Converted 5 ETH to 12,345 DOGE", "12345"),
    )
    for quantity, note, right in rows:
        text = f'a1,2026-01-01 10:00:00 UTC,Convert,ETH,{quantity},EUR,2,2,2,0,"{note}"\n'
        ((_, made),) = files.read(f"{COINBASE}\n{text}", "coinbase").parsed
        assert made.counter_amount == D(right), note
    # The file's own numbers are not English, and the note is no proof.
    text = '"a1";"2026-01-01 10:00:00 UTC";Convert;ETH;5;EUR;2,5;2,5;2,5;0;Converted 5 ETH to 12,345 DOGE\n'
    found = files.read(f"{COINBASE.replace(',', ';')}\n{text}", "coinbase")
    assert (said(found), found.problems[0].column) == ([], "Notes")


def test_coinbase_a_fee_that_was_paid_back_makes_it_cheaper() -> None:
    """By the total: a minus alone is how some years write the fee of a sale."""
    found = coinbase(
        "Advanced Trade Buy,BTC,0.01,€60000,€600,€599.90,-€0.10,on BTC-EUR",
        "Advanced Trade Sell,BTC,-0.01,€60000,-€600,-€600.10,-€0.10,on BTC-EUR",
        "Advanced Trade Sell,BTC,-0.01,€60000,-€600,-€594,-€6,on BTC-EUR",
    )
    assert said(found) == [
        "buy 0.01 BTC at 59990 EUR",
        "sell 0.01 BTC at 60010 EUR",
        "sell 0.01 BTC at 60000 EUR fee 6 EUR",
    ]


def test_coinbase_a_trade_of_two_tokens_takes_what_was_paid() -> None:
    found = coinbase(
        "Buy,BTC,0.1,€50000,€5000,€5000,€0,Bought 0.1 BTC for 5000 EUR",
        "Advanced Trade Buy,ETH,1,€2000,€2000,€2010,€10,Bought 1 ETH for 0.0402 BTC on ETH-BTC at 0.04 BTC/ETH",
        "Advanced Trade Sell,ETH,-0.5,€2000,€1000,€990,€10,Sold 0.5 ETH for 990 USDC on ETH-USDC at 2000 USDC/ETH",
        "Advanced Trade Buy,BTC,0.1,€50000,€5000,€5010,€10,Bought 0.1 BTC for 5010 EUR on BTC-EUR at 50000 EUR/BTC",
        "Advanced Trade Buy,ETH,1,€2000,€2000,€2010,€10,on ETH-BTC",
    )  # fmt: skip
    assert said(found) == [
        "buy 0.1 BTC at 50000 EUR", "swap 0.0402 BTC at 50000 EUR for 1 ETH", "swap 0.5 ETH at 1980 EUR for 990 USDC",
        "buy 0.1 BTC at 50000 EUR fee 10 EUR",
    ]  # fmt: skip
    assert [(problem.line, problem.column) for problem in found.problems] == [(6, "Notes")]


def test_coinbase_a_conversion_in_two_rows_is_one() -> None:
    def converted(*rows: str) -> Content:
        lines = (f"a{n},2026-01-01 10:00:00 UTC,{row}" for n, row in enumerate(rows))
        return files.read("\n".join([COINBASE, *lines]) + "\n", "coinbase")

    gone = "Asset Migration,MATIC,-100,EUR,€0.50,-€50,-€50,€0,"
    came = "Asset Migration,POL,100,EUR,€0.50,€50,€50,€0,"
    for rows in ((gone, came), (came, gone)):
        found = converted(*rows)
        assert (said(found), found.problems) == (["swap 100 MATIC at 0.5 EUR for 100 POL"], [])
    note = "Converted 1 ETH to 0.0495 BTC"
    both = converted(
        f"Convert,ETH,-1,EUR,€3000,-€3000,-€3000,€0,{note}",
        f"Convert,BTC,0.0495,EUR,€60000,€2970,€2970,€0,{note}",
    )
    assert said(both) == ["swap 1 ETH at 3000 EUR for 0.0495 BTC"]
    # Alone, or where a third row leaves open which belongs to which, nothing is guessed.
    for rows, wrong in (((came,), 1), ((gone, came, came.replace("POL", "SOL")), 3)):
        found = converted(*rows)
        assert (said(found), len(found.problems)) == ([], wrong)
    renamed = converted("Convert,ETH,-1,EUR,1,1,1,0,", "Convert,ETH2,1,EUR,1,1,1,0,")
    assert {each.message for each in renamed.left_out} == {"the same asset under another name"}


def test_coinbase_every_kind_is_booked_or_named() -> None:
    found = coinbase(
        "Exchange Deposit,BTC,-0.1,1,1,1,0,", "Exchange Withdrawal,ETH,1,1,1,1,0,", "Retail Staking Transfer,ETH,-0.5,1,1,1,0,",
        "Convert,ETH,0.17,1723,298,298,,Converted 0.17 ETH to 0.17 ETH2", "Reward Income,ETH,0.01,2000,20,20,0,",
        "Send,BTC,0.2,1,,,,", "Subscription,USDC,-30,1,30,30,0,", "Perpetual Futures Buy,BTC,1,1,1,1,0,", "Vote,ETH,1,1,1,1,0,",
    )  # fmt: skip
    assert said(found) == [
        "transfer_out 0.1 BTC", "transfer_in 1 ETH", "reward 0.01 ETH at 2000 EUR", "transfer_out 0.2 BTC", "fee 30 USDC",
    ]  # fmt: skip
    assert [problem.line for problem in found.problems] == [9, 10]


def test_coinbase_what_it_gave_is_no_transfer_though_it_was_called_a_receipt() -> None:
    found = coinbase(
        "Receive,GRT,3,0.10,,,,Received 3 GRT from Coinbase Earn", "Receive,USDC,0.5,0.70,,,,Received 0.5 USDC from Coinbase Rewards",
        "Receive,BTC,0.01,30000,,,,Received 0.01 BTC from Coinbase Referral", "Receive,BTC,0.01,30000,,,,Received 0.01 BTC from Coinbase",
        "Send,BTC,0.01,30000,,,,Sent to a friend from Coinbase Earn", "Donation,BTC,0.001,30000,30,30,0,",
    )  # fmt: skip
    assert said(found) == [
        "reward 3 GRT at 0.1 EUR", "reward 0.5 USDC at 0.7 EUR", "reward 0.01 BTC at 30000 EUR", "transfer_in 0.01 BTC",
        "transfer_out 0.01 BTC", "gift 0.001 BTC",
    ]  # fmt: skip


def test_coinbase_a_fee_of_what_was_sent_is_said_as_nothing_tells_what_it_is_of() -> None:
    found = coinbase("Send,ETH,-0.01,2000,-20,-20.5,0.5,", "Send,ETH,-0.01,2000,-20,-20,0,")
    assert said(found) == ["transfer_out 0.01 ETH"] * 2
    assert [(each.line, "not booked" in each.message) for each in found.warnings] == [(2, True)]


def test_coinbase_until_2019_the_total_alone_tells_the_fee() -> None:
    header = (
        "Timestamp,Transaction Type,Asset,Quantity Transacted,USD Spot Price at Transaction,"
        "USD Amount Transacted (Inclusive of Coinbase Fees),Address,Notes"
    )
    rows = [
        "10/05/2018,Buy,BTC,0.1,6500.00,660.00,,Bought 0.1 BTC", "10/25/2018,Send,BTC,0.05,6500,,1abc,",
        "10/26/2018,Sell,BTC,0.05,6500,320,,",
    ]  # fmt: skip
    found = files.read("\n".join([header, *rows, ""]), "coinbase")
    assert (said(found), found.questions) == (
        ["buy 0.1 BTC at 6600 USD", "transfer_out 0.05 BTC", "sell 0.05 BTC at 6400 USD"],
        [],
    )


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("Buy,BTC,0.5,20000,10000,10050,50,", None),
        ("Buy,BTC,0.5,20000,10000,9950,50,", "Total (inclusive of fees and/or spread)"),
        ("Sell,BTC,0.5,20000,10000,9950,50,", None),
        ("Sell,BTC,0.5,20000,10000,10050,50,", "Total (inclusive of fees and/or spread)"),
        ("Sell,BTC,-0.5,20000,-10000,-9950,50,", None),
        ("Buy,BTC,0.5,20000,10000,9950,-50,", None),
        ("Buy,BTC,5,20000,10000,10050,50,", "Subtotal"),
        ("Buy,BTC,0.5,2,10000,10050,50,", "Subtotal"),
        ("Buy,BTC,0.00123457,40500.41,50.00,51.49,1.49,", None),
        ("Buy,BTC,1000000,0.00,12.34,13.34,1.00,", None),
        ("Staking Income,ETH,0.01,2000,20,20,0,", None),
        ("Staking Income,ETH,0.01,2000,2,20,0,", "Subtotal"),
        ("Receive,ETH,0.01,2000,,,,", None),
        ("Send,ETH,0.01,2000,20,20.5,0.5,", None),
    ],
)  # fmt: skip
def test_coinbase_money_that_contradicts_itself_is_said(row: str, column: str | None) -> None:
    found = coinbase(row)
    assert [(each.line, each.column) for each in found.warnings if each.column] == (
        [(2, column)] if column else []
    )
    assert len(found.parsed) == 1


@pytest.mark.parametrize(
    "account",
    [
        "USDT-Futures",
        "Coin-Futures",
        "USD-M Futures",
        "USD-MFutures",
        "CoinFutures",
        "UM Futures",
        "Options",
    ],
)
def test_binance_what_belongs_to_a_position_is_refused_whole(account: str) -> None:
    found = binance(
        f"04,{account},Transfer Between Spot Account and UM Futures Account,USDT,100",
        f"05,{account},Realized Profit and Loss,USDT,12.5", f"05,{account},Fee,USDT,-0.4",
        f"05,{account},Fee,BNB,-0.001", f"05,{account},Commission Rebate,USDT,0.1",
        "05,Spot,Deposit,BTC,1", f"06,{account},Fee,USDT,-0.4", f"07,{account},Referrer rebates,USDT,0.2",
    )  # fmt: skip
    assert said(found) == ["transfer_in 1 BTC", "reward 0.2 USDT"]
    assert [each.line for each in found.left_out] == [2]
    assert [each.line for each in found.problems] == [3, 4, 5, 6, 8]
    assert found.problems[1].message.startswith("belongs to line 3: 'Realized Profit and Loss'")


def test_one_side_of_an_exchange_is_said() -> None:
    """As where a file begins or ends within one."""
    for found in (
        kraken("R1,trade,,XXBT,0.1,0", "R2,deposit,,XXBT,1,0", "R3,trade,,ZEUR,-5,0", "R3,trade,,XETH,1,0"),
        binance("05,Spot,Binance Convert,BTC,0.1", "20,Spot,Deposit,BTC,1", "25,Spot,Convert,ETH,-1", "25,Spot,Convert,BTC,1"),
    ):  # fmt: skip
        assert [
            (each.line, each.column) for each in found.warnings if "one side" in each.message
        ] == [(2, None)]
        assert len(found.parsed) == 3


def test_binance_a_conversion_may_leave_one_account_and_come_to_another() -> None:
    told = binance("05,Funding,Binance Convert,USDT,-50", "05,Spot,Binance Convert,BTC,0.001")
    assert said(told) == ["swap 50 USDT for 0.001 BTC"]
    assert not told.warnings


def test_coinbase_a_price_of_zero_is_that_of_a_small_coin_and_the_total_tells_more() -> None:
    assert said(coinbase("Buy,SHIB,1000000,0.00,,13,1,")) == [
        "buy 1000000 SHIB at 0.000012 EUR fee 1 EUR"
    ]
    assert said(coinbase("Sell,SHIB,1000000,,,11,1,")) == [
        "sell 1000000 SHIB at 0.000012 EUR fee 1 EUR"
    ]


@pytest.mark.parametrize("amount", ["5", "5,", "-5"])
def test_money_whose_currency_nothing_tells_is_refused(amount: str) -> None:
    koinly = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Net Worth Amount,Net Worth Currency"
    found = files.read(f'{koinly}\n2026-01-02,,,1,BTC,"{amount}",\n', "koinly")
    assert [each.column for each in found.problems] == ["Net Worth Currency"]
    row = f'a,2026-01-02,Buy,BTC,1,,"{amount}",,,,\n'
    found = files.read(f"{COINBASE}\n{row}", "coinbase")
    assert [each.column for each in found.problems] == ["Price Currency"]

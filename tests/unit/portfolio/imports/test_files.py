"""Files of other programs: what each row says, what is wrong with it, and a name that stays the same."""

from decimal import Decimal

import pytest

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.decisions import Answers
from coinsphere.portfolio.imports.formats.row_readers import guarded
from coinsphere.portfolio.model import Kind

D = Decimal


def read(text: str, form: str, **mapping: str):
    return files.read(text.strip() + "\n", form, mapping or None)


def said(content) -> list[tuple]:
    return [
        (each.kind, each.symbol, each.amount, each.price, each.counter_symbol, each.counter_amount)
        for _, each in content.parsed
    ]


def test_coinbase() -> None:
    found = read(
        """
Transactions
User,ada,x
ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction,Subtotal,Total (inclusive of fees and/or spread),Fees and/or Spread,Notes
a1,2026-01-02 03:04:05 UTC,Buy,BTC,0.01,EUR,€50000.12,€500.00,€505.00,€5.00,Bought
a2,2026-01-03 03:04:05 UTC,Convert,BTC,0.005,EUR,50000,250,252,2,Converted 0.005 BTC to 0.125 ETH
a3,2026-01-04 03:04:05 UTC,Staking Income,ETH,0.001,EUR,2000,2,2,0,
a4,2026-01-05 03:04:05 UTC,Send,ETH,-0.1,EUR,2000,,,,
a5,2026-01-06 03:04:05 UTC,Vote,ETH,1,EUR,1,,,,
""",
        "coinbase",
    )
    assert said(found) == [
        (Kind.BUY, "BTC", D("0.01"), 50_000, None, None),
        (Kind.SWAP, "BTC", D("0.005"), 50_000, "ETH", D("0.125")),
        (Kind.STAKING, "ETH", D("0.001"), 2_000, None, None),
        (Kind.TRANSFER_OUT, "ETH", D("0.1"), None, None, None),
    ]
    buy = found.parsed[0][1]
    assert (buy.fee, buy.currency, buy.external_id) == (5, "EUR", "coinbase:a1")
    (problem,) = found.problems
    assert (problem.line, problem.column) == (8, "Transaction Type")


def test_kraken_puts_the_rows_of_a_trade_together() -> None:
    found = read(
        """
"txid","refid","time","type","subtype","aclass","asset","amount","fee","balance"
"L1","T1","2026-01-02 03:04:05","trade","","currency","ZEUR",-500,1.3,0
"L2","T1","2026-01-02 03:04:05","trade","","currency","XXBT",0.01,0,0.01
"","W1","2026-01-03 03:04:05","withdrawal","","currency","XXBT",-0.01,0.0001,0
"L3","W1","2026-01-03 03:04:06","withdrawal","","currency","XXBT",-0.01,0.0001,0
"L4","S1","2026-01-04 03:04:05","staking","","currency","DOT.S",0.5,0,0.5
"L5","D1","2026-01-04 03:04:05","deposit","","currency","ZEUR",500,0,500
"L6","X1","2026-01-05 03:04:05","margin","","currency","XXBT",1,0,0
""",
        "kraken",
    )
    assert said(found) == [
        (Kind.BUY, "BTC", D("0.01"), 50_000, None, None),
        (Kind.TRANSFER_OUT, "BTC", D("0.01"), None, None, None),
        (Kind.STAKING, "DOT", D("0.5"), None, None, None),
    ]
    buy, withdrawal = found.parsed[0][1], found.parsed[1][1]
    assert (buy.currency, buy.fee, buy.fee_symbol) == ("EUR", D("1.3"), None)
    assert (withdrawal.fee, withdrawal.fee_symbol) == (D("0.0001"), "BTC")
    assert [(each.line, each.column) for each in found.problems] == [(8, "type")]


def test_binance_puts_the_legs_of_an_instant_together() -> None:
    found = read(
        """
User_ID,UTC_Time,Account,Operation,Coin,Change,Remark
1,2026-01-02 03:04:05,Spot,Transaction Buy,ETH,1.5,
1,2026-01-02 03:04:05,Spot,Transaction Buy,ETH,0.5,
1,2026-01-02 03:04:05,Spot,Transaction Spend,BTC,-0.08,
1,2026-01-02 03:04:05,Spot,Fee,BNB,-0.001,
1,2026-01-03 03:04:05,Spot,Withdraw,ETH,-1,
1,2026-01-04 03:04:05,Earn,Staking Rewards,ETH,0.01,
1,2026-01-05 03:04:05,Spot,Futures transfer,ETH,-0.5,
""",
        "binance",
    )
    assert said(found) == [
        (Kind.SWAP, "BTC", D("0.08"), None, "ETH", 2),
        (Kind.TRANSFER_OUT, "ETH", 1, None, None, None),
        (Kind.STAKING, "ETH", D("0.01"), None, None, None),
    ]
    assert (found.parsed[0][1].fee, found.parsed[0][1].fee_symbol) == (D("0.001"), "BNB")
    assert found.problems == []


def test_koinly() -> None:
    found = read(
        """
Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,Net Worth Currency,Label,Description,TxHash
2026-01-02 03:04:05 UTC,"1,000.50",USD,0.02,BTC,0.0001,BTC,,,,,
2026-01-03 03:04:05 UTC,,,0.5,ETH,,,1000,USD,airdrop,,
2026-01-04 03:04:05 UTC,0.1,ETH,,,,,,,gift,,0xabc
2026-01-05 03:04:05 UTC,"1,50.5",ETH,,,,,,,,,
""",
        "koinly",
    )
    assert said(found) == [
        (Kind.BUY, "BTC", D("0.02"), D("50025"), None, None),
        (Kind.AIRDROP, "ETH", D("0.5"), 2_000, None, None),
        (Kind.GIFT, "ETH", D("0.1"), None, None, None),
    ]
    (problem,) = found.problems
    assert (problem.line, problem.column) == (5, "Sent Amount")
    assert "is not a number with a decimal point" in problem.message


def test_a_generic_table_by_its_mapping() -> None:
    text = "when;x\nDay,Coin,Units,Each\n2026-01-02,btc,-0.5,100\n2026-01-03,btc,half,100\n"
    found = read(text, "generic", date="Day", token="Coin", amount="Units", price="Each")
    assert said(found) == [(Kind.SELL, "BTC", D("0.5"), 100, None, None)]
    assert [(each.line, each.column) for each in found.problems] == [(4, "Units")]
    for mapping in (
        {},
        {"date": "Day"},
        {"date": "Day", "token": "Coin", "amount": "Units", "colour": "Each"},
    ):
        with pytest.raises(UnreadableFile):
            files.read(text, "generic", mapping)


def test_a_generic_row_without_type_and_price_says_that_it_may_be_no_purchase() -> None:
    text = "Day,Coin,Units,Each,What\n2026-01-02,BTC,0.5,,buy\n2026-01-03,BTC,0.5,100,buy\n"
    mapping = {"date": "Day", "token": "Coin", "amount": "Units", "price": "Each"}
    answers = Answers(ignore_columns=("What",))
    found = files.read(text, "generic", mapping, answers)
    assert [(each.line, each.message[:24]) for each in found.warnings] == [
        (2, "has no type and no price")
    ]
    assert len(found.parsed) == 2
    assert files.read(text, "generic", {**mapping, "type": "What"}).warnings == []


def test_rows_are_named_by_what_they_say_and_equal_ones_stay_apart() -> None:
    header = "date,type,token,amount,price\n"
    one, other = "2026-01-02,buy,BTC,0.5,100\n", "2026-01-02T00:00:00Z,buy,btc,0.50,100.0\n"
    names = [each.external_id for _, each in read(header + one + other + one, "coinsphere").parsed]
    assert len(set(names)) == 3
    again = [each.external_id for _, each in read(header + other + one + one, "coinsphere").parsed]
    assert names == again


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "date,type,token\n"])
def test_a_file_without_its_header_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFile, match="no header"):
        read(text, "coinsphere")


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "'", " ", "\uff1d", "\uff0b", "\uff0d", "\uff20"],
)
def test_what_a_spreadsheet_takes_for_a_formula_is_guarded(start: str) -> None:
    assert guarded(f"{start}1+1") == f"'{start}1+1"
    assert guarded("plain") == "plain"


def test_json_has_plain_numbers_and_every_member_is_known_or_named() -> None:
    """`1,234` has one meaning in Germany and another in England, and no other row decides."""
    each = '{"date": "2026-01-02", "type": "buy", "token": "BTC", "amount": %s, "slippage": 5}'
    rows = ", ".join(each % amount for amount in ('"1,234"', '"1,5"', "1.234", '"1.5"', '"1_0"'))
    found = files.read(f'{{"transactions": [{rows}]}}', "coinsphere")
    assert [str(told.amount) for _, told in found.parsed] == ["1.234", "1.5"]
    assert [(problem.line, problem.column) for problem in found.problems] == [
        (1, "amount"),
        (2, "amount"),
        (5, "amount"),
    ]
    assert [told.column for told in found.unread] == ["slippage"]


def test_what_is_no_transaction_in_a_list_of_json_costs_itself_alone() -> None:
    one = '{"date": "2026-01-02", "type": "buy", "token": "BTC", "amount": 1}'
    found = files.read(f'{{"transactions": [{one}, 7, null, [{one}], {one}]}}', "coinsphere")
    assert (found.rows, len(found.parsed)) == (5, 2)
    assert [(problem.line, problem.message) for problem in found.problems] == [
        (place, "is no transaction") for place in (2, 3, 4)
    ]
    with pytest.raises(UnreadableFile, match="no list of transactions"):
        files.read('{"transactions": {}}', "coinsphere")

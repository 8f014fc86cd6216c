"""Files of Ledger Live and CoinTracking: what each row is booked as, what it leaves, and what is refused."""

import pytest

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.decisions import Answers
from tests.unit.portfolio.imports.ledgers import balances, said

LEDGER = (
    "Operation Date,Status,Currency Ticker,Operation Type,Operation Amount,Operation Fees,Operation Hash,Account Name,"
    "Account xpub,Countervalue Ticker,Countervalue at Operation Date,Countervalue at CSV Export"
)


def test_ledger_live() -> None:
    found = files.read(
        f"{LEDGER}\n"
        "2025-02-06T09:00:00.000Z,Confirmed,USDT,NFT_IN,1,,0xf,Ethereum 1,0x1,USD,,\n"
        "2025-02-05T09:00:00.000Z,Confirmed,ATOM,DELEGATE,0.005,0.005,C1,Cosmos 1,cosmos1,USD,0.05,0.05\n"
        "2025-02-04T09:00:00.000Z,Confirmed,ETH,FEES,0.002,0.002,0xd,Ethereum 1,0x1,USD,5,5\n"
        "2025-02-04T09:00:00.000Z,Confirmed,USDT,OUT,100,,0xd,Ethereum 1,0x1,USD,100,100\n"
        "2025-02-03T09:00:00.000Z,Failed,BTC,OUT,0.3,0.0001,c,Bitcoin 1,xpub,USD,1,1\n"
        "2025-02-02T09:00:00.000Z,Confirmed,BTC,OUT,0.2001,0.0001,b,Bitcoin 1,xpub,USD,1,1\n"
        "2025-02-01T09:00:00.000Z,Confirmed,BTC,IN,0.5,0.00021,a,Bitcoin 1,xpub,USD,1,1\n"
        "2025-01-31T09:00:00.000Z,Confirmed,ATOM,REWARD,0.1,0.005,C0,Cosmos 1,cosmos1,USD,1,1\n"
        "2025-01-30T09:00:00.000Z,Confirmed,USDT,IN,150,,0xa,Ethereum 1,0x1,USD,150,150\n"
        "2025-01-29T09:00:00.000Z,Confirmed,ETH,IN,1,0.001,0xb,Ethereum 1,0x1,USD,1,1\n"
        "2025-01-28T09:00:00.000Z,Confirmed,ETH,TELEPORT,1,0.001,0xb,Ethereum 1,0x1,USD,1,1\n",
        "ledger_live",
    )
    assert said(found) == [
        "transfer_in 1 ETH", "transfer_in 150 USDT", "staking 0.1 ATOM", "transfer_in 0.5 BTC", "transfer_out 0.2 BTC fee 0.0001 BTC",
        "transfer_out 100 USDT", "fee 0.002 ETH", "fee 0.005 ATOM",
    ]  # fmt: skip
    assert balances(found) == {"ATOM": "0.095", "BTC": "0.2999", "ETH": "0.998", "USDT": "50"}
    assert sorted(each.line for each in found.left_out) == [2, 6]
    assert [(each.line, each.column) for each in found.problems] == [(12, "Operation Type")]
    assert {each.exchange for _, each in found.parsed} == {"Bitcoin 1", "Ethereum 1", "Cosmos 1"}


def test_what_ledger_live_says_left_has_its_fee_within() -> None:
    found = files.read(
        f"{LEDGER}\n2025-02-02T09:00:00.000Z,Confirmed,BTC,OUT,0.0001,0.2,b,Bitcoin 1,xpub,USD,1,1\n",
        "ledger_live",
    )
    (problem,) = found.problems
    assert (problem.column, problem.message) == (
        "Operation Fees",
        "is more than what left, which has it within",
    )


COINTRACKING = '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"'
ROWS = (
    '"Deposit","2.00000000","BTC","-","","-","","Kraken","","","01.03.2025 10:00:00"',
    '"Trade","3000.00","EUR","0.05000000","BTC","4.50","EUR","Kraken","","a sale","13.03.2025 10:00:00"',
    '"Trade","1.00000000","ETH","0.03000000","BTC","0.00010000","BTC","Kraken","","","14.03.2025 10:00:00"',
    '"Staking","0.01000000","ETH","-","","-","","Kraken","","","15.03.2025 10:00:00"',
    '"Gift","-","","0.10000000","ETH","-","","Kraken","","","16.03.2025 10:00:00"',
    '"Withdrawal","-","","1.00000000","BTC","0.00050000","BTC","Kraken","","","17.03.2025 10:00:00"',
    '"Stolen","0.50000000","BTC","-","","-","","Kraken","","","18.03.2025 10:00:00"',
    '"Receive Loan","1000.00000000","USDT","-","","-","","Kraken","","","18.03.2025 10:00:00"',
    '"Barter","-","","1.00000000","BTC","-","","Kraken","","","19.03.2025 10:00:00"',
)


def test_cointracking() -> None:
    content = "\n".join([COINTRACKING, *ROWS]) + "\n"
    (asked,) = files.read(content, "cointracking").questions
    assert asked.option == "timeZone"
    found = files.read(content, "cointracking", answers=Answers(time_zone="Europe/Berlin"))
    assert said(found) == [
        "transfer_in 2 BTC", "sell 0.05 BTC at 60000 EUR fee 4.5 EUR", "swap 0.03 BTC for 1 ETH fee 0.0001 BTC", "staking 0.01 ETH",
        "gift 0.1 ETH", "transfer_out 1 BTC fee 0.0005 BTC", "deposit 1000 USDT",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.9194", "ETH": "0.91", "USDT": "1000"}
    assert [each.line for each in found.warnings] == [9], "what is borrowed"
    assert [(each.line, each.column, each.message) for each in found.problems] == [
        (8, "Sell", "is empty, which does not fit 'Stolen'"),
        (10, "Type", "'barter' is no kind that we know"),
    ]
    assert found.parsed[0][1].occurred_at.hour == 9
    assert found.parsed[1][1].notes == "a sale"


def test_a_title_that_stands_twice_and_is_not_told_apart_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="twice"):
        files.read("date,type,token,amount,fee,fee\n2026-01-02,buy,BTC,1,1,2\n", "coinsphere")

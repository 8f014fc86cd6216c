"""Files of Gemini, Ghostfolio and rotki: what each row is booked as, what it leaves, and what is refused."""

import json
from datetime import UTC, datetime

import pytest

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import files, recognition
from tests.unit.portfolio.imports.ledgers import balances, said

GEMINI = (
    "Date,Time (UTC),Type,Symbol,Specification,Liquidity Indicator,Trading Fee Rate (bps),USD Amount USD,Fee (USD) USD,USD Balance USD,"
    "BTC Amount BTC,Fee (BTC) BTC,BTC Balance BTC,ETH Amount ETH,Fee (ETH) ETH,ETH Balance ETH,Trade ID,Order ID,Order Date,Order Time,"
    "Client Order ID,API Session,Tx Hash,Deposit Destination,Deposit Tx Output,Withdrawal Destination,Withdrawal Tx Output"
)


def gemini(*rows: str) -> str:
    """Rows of the columns up to the trade's id."""
    return "\n".join([GEMINI, *(f"{row},,,,,,,,,," for row in rows)]) + "\n"


def test_gemini() -> None:
    content = gemini(
        "2025-01-02,10:00:00.123,Credit,USD,Deposit (Wire),,,1000,,1000,,,,,,,",
        "2025-01-03,10:00:00,Buy,BTCUSD,Limit,Maker,25,-500,-1.25,498.75,0.01,,0.01,,,,T1",
        "2025-01-04,10:00:00,Sell,BTCETH,Market,Taker,35,,,,-0.002,,0.008,0.05,-0.0002,0.0498,T2",
        "2025-01-05,10:00:00,Credit,ETH,Interest Credit,,,,,,,,,0.001,,0.0508,",
        "2025-01-06,10:00:00,Debit,BTC,Withdrawal (BTC),,,,,,-0.004,-0.0001,0.0039,,,,",
        "2025-01-07,10:00:00,Debit,ETH,Earn Transfer,,,,,,,,,-0.01,,0.04,",
        "2025-01-08,10:00:00,Credit,ETH,Magic (ETH),,,,,,,,,1,,1.04,",
        ",,,,,,,1000,,,,,,,,,",
    )
    assert recognition.format_of(content) == "gemini"
    found = files.read(content, "gemini")
    assert said(found) == [
        "buy 0.01 BTC at 50000 USD fee 1.25 USD", "swap 0.002 BTC for 0.05 ETH fee 0.0002 ETH", "interest 0.001 ETH",
        "transfer_out 0.004 BTC fee 0.0001 BTC",
    ]  # fmt: skip
    assert balances(found) == {"BTC": "0.0039", "ETH": "0.0508"}
    assert [(each.line, each.column) for each in found.problems] == [(8, "Specification")]
    assert sorted(each.line for each in found.left_out) == [2, 7, 9]
    assert found.parsed[0][1].occurred_at == datetime(2025, 1, 3, 10, tzinfo=UTC)
    assert found.parsed[0][1].external_id == "gemini:T1"


ACTIVITIES = [
    {"accountId": "a", "comment": None, "fee": 4.46, "quantity": 1, "type": "BUY", "unitPrice": 44558.42, "currency": "USD",
     "dataSource": "YAHOO", "date": "2021-12-12T00:00:00.000Z", "symbol": "BTCUSD", "tags": []},
    {"accountId": "a", "comment": "half of it", "fee": 0, "quantity": 0.5, "type": "SELL", "unitPrice": 50000, "currency": "USD",
     "dataSource": "YAHOO", "date": "2022-12-12T00:00:00.000Z", "symbol": "BTC-USD", "tags": []},
    {"accountId": "a", "comment": None, "fee": 19, "quantity": 5, "type": "BUY", "unitPrice": 298.58, "currency": "USD",
     "dataSource": "YAHOO", "date": "2021-09-16T00:00:00.000Z", "symbol": "MSFT", "tags": []},
    {"accountId": "a", "comment": None, "fee": 0, "quantity": 5, "type": "DIVIDEND", "unitPrice": 0.62, "currency": "USD",
     "dataSource": "YAHOO", "date": "2021-11-17T00:00:00.000Z", "symbol": "MSFT", "tags": []},
]  # fmt: skip


def test_ghostfolio_as_json() -> None:
    content = json.dumps({"meta": {"version": "2"}, "accounts": [], "activities": ACTIVITIES})
    assert recognition.format_of(content) == "ghostfolio"
    found = files.read(content, "ghostfolio")
    assert said(found) == ["buy 1 BTC at 44558.42 USD fee 4.46 USD", "sell 0.5 BTC at 50000 USD"]
    assert balances(found) == {"BTC": "0.5"}
    assert [(each.line, each.column) for each in found.problems] == [(3, "Code")]
    assert [each.line for each in found.left_out] == [4]
    assert {each.column: each.reason for each in found.unread}[
        "accountId"
    ] == "is an id of Ghostfolio"
    with pytest.raises(UnreadableFile, match="no list of activities"):
        files.read('{"transactions": []}', "ghostfolio")


def test_ghostfolio_as_csv() -> None:
    found = files.read(
        "Date,Code,DataSource,Currency,Price,Quantity,Action,Fee,Note\n"
        "16-09-2021,ETHEUR,YAHOO,EUR,3000.5,2,buy,19.00,My first order\n"
        "17-11-2021,ETHEUR,YAHOO,EUR,0,1,stake,0,\n",
        "ghostfolio",
    )
    assert said(found) == ["buy 2 ETH at 3000.5 EUR fee 19 EUR"]
    assert [(each.line, each.column) for each in found.problems] == [(3, "Action")]


ROTKI = (
    "timestamp,event_type,event_subtype,location,location_label,asset,asset_symbol,amount,fiat_value,identifier,entry_type,"
    "event_identifier,sequence_index,direction,extra_data,user_notes"
)


def test_rotki() -> None:
    found = files.read(
        f"{ROTKI}\n"
        "01/03/2025 10:00:00 UTC,trade,spend,kraken,,EUR,EUR,6000,6000,1,swap event,E1,0,out,,\n"
        "01/03/2025 10:00:00 UTC,trade,receive,kraken,,BTC,BTC,0.1,6000,2,swap event,E1,1,in,,\n"
        "01/03/2025 10:00:00 UTC,trade,fee,kraken,,EUR,EUR,6,6,3,swap event,E1,2,out,,\n"
        "02/03/2025 10:00:00 UTC,spend,fee,ethereum,0x1,eip155:1,ETH,0.001,2,4,evm event,E2,0,out,,gas\n"
        "02/03/2025 10:00:00 UTC,receive,airdrop,ethereum,0x1,eip155:1/erc20:0x2,UNI,400,2000,5,evm event,E2,1,in,,\n"
        "03/03/2025 10:00:00 UTC,staking,reward,ethereum,0x1,ETH,ETH,0.02,40,6,history event,E3,0,in,,\n"
        "04/03/2025 10:00:00 UTC,withdrawal,remove asset,kraken,,BTC,BTC,0.05,3000,7,asset movement event,E4,0,out,,\n"
        "05/03/2025 10:00:00 UTC,informational,approve,ethereum,0x1,UNI,UNI,1,1,8,evm event,E5,0,neutral,,\n"
        "06/03/2025 10:00:00 UTC,mint,nft,ethereum,0x1,ETH,ETH,1,1,9,evm event,E6,0,out,,\n",
        "rotki",
    )
    assert found.questions == []
    assert said(found)[:2] == ["buy 0.1 BTC at 60000 EUR fee 6 EUR", "fee 0.001 ETH"]
    assert said(found)[2:] == ["airdrop 400 UNI", "staking 0.02 ETH", "transfer_out 0.05 BTC"]
    assert balances(found) == {"BTC": "0.05", "ETH": "0.019", "UNI": "400"}
    assert [(each.line, each.column) for each in found.problems] == [(10, "event_type")]
    assert [each.line for each in found.left_out] == [9]
    assert {each.exchange for _, each in found.parsed} == {"kraken", "ethereum"}

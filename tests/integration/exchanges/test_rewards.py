"""What exchanges pay, and rests that they convert: each once, as income or swap, and balances that agree."""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes import exchange_binance, exchange_bybit, exchange_kucoin, exchange_okx
from tests.fakes.exchange_bybit import BybitAccount
from tests.fakes.exchange_kucoin import KucoinAccount
from tests.fakes.exchange_okx import OkxAccount
from tests.integration.exchanges.conftest import at


def _kucoin() -> Any:
    return KucoinAccount(
        balances={"BTC": "0.008", "ETH": "0.5", "USDT": "3"},
        ledger=[
            exchange_kucoin.entry("1", "Soft Staking Profits", "BTC", "0.005", at(200)),
            exchange_kucoin.entry("2", "Airdrop/Fork", "ETH", "0.5", at(100)),
            exchange_kucoin.entry("3", "KuCoin Bonus", "BTC", "0.003", at(50)),
            exchange_kucoin.entry("4", "Lending Interest", "USDT", "3", at(3)),
            exchange_kucoin.entry("5", "Trade_Exchange", "BTC", "9", at(40)),
            exchange_kucoin.entry("6", "Transfer", "BTC", "9", at(40)),
            exchange_kucoin.entry("7", "Staking", "BTC", "9", at(40), "out"),
            exchange_kucoin.entry("8", "Redemption", "BTC", "9", at(39)),
            exchange_kucoin.entry("9", "SPOT_EXCHANGE_REBATE", "BTC", "9", at(38)),
            exchange_kucoin.entry("10", "KuCoin Bonus", "BTC", "9", at(37), "out"),
            exchange_kucoin.entry("11", "KuCoin Bonus", "BTC", "-9", at(36)),
            exchange_kucoin.entry("12", "Instant Exchange", "BTC", "9", at(35)),
        ],
    )


def _okx() -> Any:
    return OkxAccount(
        balances={"BTC": "0.008", "ETH": "0.5", "USDT": "3"},
        bills=[
            exchange_okx.bill(1, 83, "BTC", "0.005", at(900)),
            exchange_okx.bill(2, 229, "ETH", "0.5", at(100)),
            exchange_okx.bill(3, 48, "BTC", "0.003", at(50)),
            exchange_okx.bill(4, 343, "USDT", "3", at(3)),
            exchange_okx.bill(5, 75, "BTC", "-9", at(40)),
            exchange_okx.bill(6, 76, "BTC", "9", at(39)),
            exchange_okx.bill(7, 1, "BTC", "9", at(38)),
            exchange_okx.bill(8, 48, "BTC", "-9", at(37)),
            exchange_okx.bill(9, 99999, "BTC", "9", at(36)),
        ],
    )


_TOOK = "is an income, and took something"
_UNKNOWN = "is no kind that we know"


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (
            _kucoin,
            {
                "ledger-10": f"'kucoin bonus' {_TOOK}",
                "ledger-11": f"'kucoin bonus' {_TOOK}",
                "ledger-12": f"'instant exchange' {_UNKNOWN}",
            },
        ),
        (_okx, {"bill-8": f"'48' {_TOOK}", "bill-9": f"'99999' {_UNKNOWN}"}),
    ],
)
def test_incomes_are_booked_once_and_what_is_not_understood_of_the_ledger_is_named(
    world, make, named
):
    account = make()
    world.server.dialects[account.name] = account
    connection_id = world.connect(account)
    done = world.sync(connection_id)
    assert (done.status, done.error) == ("succeeded", None)
    assert [fact[:3] for fact in world.facts()] == [
        ("staking", "BTC", Decimal("0.005")),
        ("airdrop", "ETH", Decimal("0.5")),
        ("reward", "BTC", Decimal("0.003")),
        ("interest", "USDT", 3),
    ]
    assert world.unbooked() == named
    assert world.issues() == []
    before = world.fingerprint()
    assert world.sync(connection_id).imported == 0
    world.owner.execute("delete from app.exchange_cursors")
    assert (world.sync(connection_id).imported, world.fingerprint()) == (0, before)


def test_more_bills_than_a_page_holds_at_one_moment(world):
    account = OkxAccount(
        balances={"USDT": "250"},
        bills=[exchange_okx.bill(n, 89, "USDT", "1", at(30) - n) for n in range(250)],
    )
    world.server.dialects["okx"] = account
    assert world.sync(world.connect(account)).imported == 250
    assert world.issues() == []


def _bybit() -> BybitAccount:
    return BybitAccount(
        balances={"USDT": "0.5"},
        earning={"USDT": "1"},
        yields={
            "FlexibleSaving": [
                *(exchange_bybit.earned(n, "USDT", "0.01", at(20) + n) for n in range(150)),
                exchange_bybit.earned(900, "USDT", "9", at(8), "Pending"),
                exchange_bybit.earned(901, "USDT", "9", at(8), "Fail"),
            ],
            "OnChain": [exchange_bybit.earned(1, "ETH", "0.25", at(5))],
        },
    )


def test_yields_of_bybit_and_one_that_is_paid_late(world):
    account = _bybit()
    account.balances["ETH"] = "0.25"
    world.server.dialects["bybit"] = account
    connection_id = world.connect(account)
    done = world.sync(connection_id)
    assert (done.status, done.imported) == ("succeeded", 151)
    assert world.held() == {"USDT": Decimal("1.5"), "ETH": Decimal("0.25")}
    assert {fact[:2] for fact in world.facts()} == {("interest", "USDT"), ("staking", "ETH")}
    assert world.issues() == []
    account.yields["FlexibleSaving"][150]["status"] = "Success"
    assert world.sync(connection_id).imported == 1


def test_a_yield_that_takes_or_is_unheard_of_is_named_until_it_is_understood(world):
    account = _bybit()
    account.balances["ETH"] = "0.25"
    account.yields["OnChain"] += [
        exchange_bybit.earned(2, "ETH", "-9", at(4)),
        exchange_bybit.earned(3, "ETH", "1", at(3), "Paused"),
    ]
    world.server.dialects["bybit"] = account
    connection_id = world.connect(account)
    done = world.sync(connection_id)
    assert (done.status, done.imported) == ("succeeded", 151)
    took = {"yield-OnChain-2": f"'OnChain' {_TOOK}"}
    assert world.unbooked() == {
        **took, "yield-OnChain-3": "'Paused' is no status that we know",
    }  # fmt: skip
    account.yields["OnChain"][2]["status"] = "Success"
    account.balances["ETH"] = "1.25"
    assert world.sync(connection_id).imported == 1
    assert world.unbooked() == took
    assert world.issues() == []


def test_taxes_beside_the_fee_of_a_trade_are_booked(world):
    bought = exchange_bybit.execution(1, "Buy", "40000", "0.1", "4000", "4", at(60))
    extra = [
        {"feeCoin": "USDT", "feeType": "GST", "fee": "0.5"},
        {"feeCoin": "BTC", "feeType": "TDS", "fee": "0.001"},
        {"feeCoin": "ETH", "feeType": "TDS", "fee": "0.25"},
    ]
    account = BybitAccount(
        balances={"BTC": "0.099", "USDT": "995.5", "ETH": "0.75"},
        executions=[{**bought, "extraFees": extra}],
        deposits=[
            exchange_bybit.deposit("USDT", "5000", at(80)),
            exchange_bybit.deposit("ETH", "1", at(79)),
        ],
    )
    world.server.dialects["bybit"] = account
    done = world.sync(world.connect(account))
    assert (done.status, done.error, done.unbooked) == ("succeeded", None, 0)
    assert world.held() == {
        "BTC": Decimal("0.099"), "USDT": Decimal("995.5"), "ETH": Decimal("0.75"),
    }  # fmt: skip
    assert world.issues() == []


def test_a_key_that_may_not_see_what_earns_reads_everything_else(world):
    account = _bybit()
    account.may_see_earn = False
    account.deposits = [exchange_bybit.deposit("USDT", "0.5", at(80))]
    world.server.dialects["bybit"] = account
    connection_id = world.connect(account)
    done = world.sync(connection_id)
    assert (done.status, done.error, done.imported) == ("succeeded", None, 1)
    # Once it may, everything comes from the beginning.
    account.may_see_earn = True
    assert world.sync(connection_id).imported == 151


def test_dust_of_binance_becomes_swaps_with_their_charge(world, binance):
    binance.deposits = [
        exchange_binance.deposit("d1", "ADA", "0.5", at(100)),
        exchange_binance.deposit("d2", "USDT", "0.0009", at(100)),
    ]
    binance.dust = [
        exchange_binance.dust(
            45178372831, at(90),
            ("USDT", "0.0009", "0.000441", "0.000009"), ("ADA", "0.5", "0.00088156", "0.00001799"),
        )
    ]  # fmt: skip
    binance.balances = {"BNB": ("0.00132256", "0")}
    connection_id = world.connect(binance)
    done = world.sync(connection_id)
    assert (done.status, done.error, done.unbooked) == ("succeeded", None, 0)
    swaps = [fact for fact in world.facts() if fact[0] == "swap"]
    assert sorted(fact[1:3] + fact[5:9] for fact in swaps) == [
        ("ADA", Decimal("0.5"), Decimal("0.00001799"), "BNB", "BNB", Decimal("0.00089955")),
        ("USDT", Decimal("0.0009"), Decimal("0.000009"), "BNB", "BNB", Decimal("0.00045")),
    ]
    assert world.held() == {"BNB": Decimal("0.00132256")}
    assert world.issues() == []
    assert world.sync(connection_id).imported == 0


def test_more_conversions_than_an_answer_holds(world, binance):
    binance.deposits = [exchange_binance.deposit("d1", "ADA", "230", at(100))]
    binance.dust = [
        exchange_binance.dust(n, at(90) + n, ("ADA", "1", "0.001", "0.0001")) for n in range(230)
    ]
    assert world.sync(world.connect(binance)).imported == 231


def test_conversions_and_purchases_of_binance_are_what_its_statement_tells(world, binance):
    binance.balances = {
        "BTC": ("0.0155", "0"), "SOL": ("0.3", "0"), "USDT": ("60", "0"), "ETH": ("0.5", "0"),
    }  # fmt: skip
    binance.most_conversions = 2
    binance.deposits = [exchange_binance.deposit("d", "USDT", "100", at(200))]
    binance.conversions = [
        exchange_binance.converted(number, at(100) + offset, sent, got, status)
        for number, (offset, sent, got, status) in enumerate((
            (5, "10 USDT", "0.1 SOL", "SUCCESS"), (0, "20 USDT", "0.2 SOL", "SUCCESS"), (3, "10 USDT", "0.0005 BTC", "SUCCESS"),
            (4, "9 USDT", "1 ETH", "FAIL"), (2, "9 USDT", "1 ETH", "PROCESS"), (1, "0 USDT", "1 ETH", "SUCCESS"), (1, "9 USDT", "1 ETH", "?"),
        ))
    ]  # fmt: skip
    binance.payments = [
        ("buy", exchange_binance.payment("b1", at(50), "1000", "0.02", "BTC", price="49000", fee="20")),
        ("buy", exchange_binance.payment("b2", at(49), "1000", "0.5", "ETH", price="2000")),
        ("buy", exchange_binance.payment("b3", at(48), "1000", "0.5", "ETH", price="2000", status="Failed")),
        ("buy", exchange_binance.payment("b4", at(48), "1000", "0.5", "ETH", price="300")),
        ("sell", exchange_binance.payment("s1", at(40), "0.004", "198", "BTC", price="50000", fee="2")),
        ("sell", exchange_binance.payment("s2", at(39), "50", "0.001", "BTC", price="50000")),
    ]  # fmt: skip
    connection_id = world.connect(binance)
    done = world.sync(connection_id)
    assert (done.status, done.error) == ("succeeded", None)
    told = [fact[:9] for fact in world.facts() if fact[0] != "transfer_in"]
    assert told == [
        ("swap", "USDT", 20, None, "USD", None, None, "SOL", Decimal("0.2")),
        ("swap", "USDT", 10, None, "USD", None, None, "BTC", Decimal("0.0005")),
        ("swap", "USDT", 10, None, "USD", None, None, "SOL", Decimal("0.1")),
        ("buy", "BTC", Decimal("0.02"), 49_000, "EUR", 20, None, None, None),
        ("buy", "ETH", Decimal("0.5"), 2_000, "EUR", None, None, None, None),
        ("sell", "BTC", Decimal("0.004"), 50_000, "EUR", 2, None, None, None),
        ("sell", "BTC", Decimal("0.001"), 50_000, "EUR", None, None, None, None),
    ]
    assert world.unbooked() == {
        "convert-5": "an amount that is not above zero", "convert-6": "its status is '?'",
        "payment-b4": "its amounts do not fit its price",
    }  # fmt: skip
    assert world.issues() == []
    before = world.fingerprint()
    world.owner.execute("delete from app.exchange_cursors")
    assert (world.sync(connection_id).imported, world.fingerprint()) == (0, before)

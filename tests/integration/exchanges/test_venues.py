"""Every other exchange in its own dialect: the same past, told in four ways, becomes the same facts."""

from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.model import Credentials, Verdict
from tests.fakes import exchange_bybit, exchange_coinbase, exchange_kucoin, exchange_okx
from tests.fakes.exchange_binance import READ_ONLY, BinanceAccount
from tests.fakes.exchange_bybit import BybitAccount
from tests.fakes.exchange_coinbase import CoinbaseAccount
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_kucoin import KucoinAccount
from tests.fakes.exchange_okx import OkxAccount
from tests.integration.exchanges.conftest import NOW, at

_HELD = {"BTC": "0.88", "USDT": "3993.6", "ETH": "0"}


def _iso(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")


def _coinbase() -> Any:
    made = CoinbaseAccount(balances=_HELD)
    made.fills = [
        exchange_coinbase.fill(1, "BUY", "40000", "0.1", "4", _iso(60)),
        exchange_coinbase.fill(2, "SELL", "50000", "0.02", "2.4", _iso(50)),
    ]
    made.transactions = {
        "w-USDT": [
            exchange_coinbase.row("1", "send", "7000", "USDT", _iso(80)),
            exchange_coinbase.row("2", "advanced_trade_fill", "-4000", "USDT", _iso(60)),
        ],
        "w-BTC": [
            exchange_coinbase.row("3", "send", "1", "BTC", _iso(70)),
            exchange_coinbase.row("4", "send", "-0.2", "BTC", _iso(40)),
            exchange_coinbase.row("5", "send", "9", "BTC", _iso(1), "pending"),
        ],
    }
    return made


def _kucoin() -> Any:
    made = KucoinAccount(balances=_HELD)
    made.fills = [
        exchange_kucoin.fill(1, "buy", "40000", "0.1", "4000", "4", at(60)),
        exchange_kucoin.fill(2, "sell", "50000", "0.02", "1000", "2.4", at(50)),
    ]
    made.deposits = [
        exchange_kucoin.move("USDT", "7000", "0", at(80)),
        exchange_kucoin.move("BTC", "1", "0", at(70)),
        exchange_kucoin.move("BTC", "9", "0", at(1), status="PROCESSING"),
    ]
    made.withdrawals = [exchange_kucoin.move("BTC", "0.2", "0", at(40), "w1")]
    return made


def _okx() -> Any:
    made = OkxAccount(balances=_HELD)
    made.fills = [
        exchange_okx.fill(1, "buy", "40000", "0.1", fee="-4", at=at(60)),
        exchange_okx.fill(2, "sell", "50000", "0.02", fee="-2.4", at=at(50)),
    ]
    made.deposits = [
        exchange_okx.move("USDT", "7000", at(80)),
        exchange_okx.move("BTC", "1", at(70)),
    ]
    made.withdrawals = [exchange_okx.move("BTC", "0.2", at(40), fee="0")]
    return made


def _bybit() -> Any:
    made = BybitAccount(balances=_HELD)
    made.executions = [
        exchange_bybit.execution(1, "Buy", "40000", "0.1", "4000", "4", at(60)),
        exchange_bybit.execution(2, "Sell", "50000", "0.02", "1000", "2.4", at(50)),
    ]
    made.deposits = [
        exchange_bybit.deposit("USDT", "7000", at(80)),
        exchange_bybit.deposit("BTC", "1", at(70)),
    ]
    made.withdrawals = [exchange_bybit.withdrawal("BTC", "0.2", "0", at(40))]
    return made


@pytest.mark.parametrize("make", [_coinbase, _kucoin, _okx, _bybit])
def test_an_account_becomes_facts_and_matches_its_balances(world, make):
    account = make()
    world.server.dialects[account.name] = account
    connection_id = world.connect(account)
    done = world.sync(connection_id)
    assert (done.status, done.error) == ("succeeded", None)
    name = account.name
    assert [fact[:3] + fact[5:] for fact in world.facts()] == [
        ("transfer_in", "USDT", 7000, None, None, None, None, name),
        ("transfer_in", "BTC", 1, None, None, None, None, name),
        ("swap", "USDT", 4000, 4, "USDT", "BTC", Decimal("0.1"), name),
        ("swap", "BTC", Decimal("0.02"), Decimal("2.4"), "USDT", "USDT", 1000, name),
        ("transfer_out", "BTC", Decimal("0.2"), None, None, None, None, name),
    ]
    assert world.held() == {"BTC": Decimal("0.88"), "USDT": Decimal("3993.6")}
    assert world.issues() == []
    before = world.fingerprint()
    assert (world.sync(connection_id).imported, world.fingerprint()) == (0, before)


def _within(account: Any) -> None:
    """What a user of the same exchange sent, and what was sent to one: no chain tells of it, and it is as real."""
    if isinstance(account, KucoinAccount):
        account.deposits.append(exchange_kucoin.move("BTC", "0.5", "0", at(30), is_inner=True))
        account.withdrawals.append(
            exchange_kucoin.move("BTC", "0.3", "0", at(20), "w2", is_inner=True)
        )
    else:
        account.internal_deposits = [
            exchange_bybit.internal_deposit("BTC", "0.5", at(30)),
            exchange_bybit.internal_deposit("BTC", "7", at(29), status=3),
        ]
        account.withdrawals.append(exchange_bybit.withdrawal("BTC", "0.3", "0", at(20), on_chain=1))
        account.withdrawals += [
            exchange_bybit.withdrawal("BTC", "9", "0", at(day), status=status)
            for day, status in ((19, "Reject"), (18, "MoreInformationRequired"), (17, "Fail"))
        ]


@pytest.mark.parametrize("make", [_kucoin, _bybit])
def test_what_moves_within_an_exchange_between_its_users_is_booked(world, make):
    account = make()
    _within(account)
    account.balances = {**_HELD, "BTC": "1.08"}
    world.server.dialects[account.name] = account
    done = world.sync(world.connect(account))
    assert (done.status, done.error) == ("succeeded", None)
    assert [fact[:3] for fact in world.facts()][-2:] == [
        ("transfer_in", "BTC", Decimal("0.5")),
        ("transfer_out", "BTC", Decimal("0.3")),
    ]
    assert world.held()["BTC"] == Decimal("1.08")
    assert world.issues() == []


def test_a_fill_that_changes_another_and_an_unknown_status_are_told_by_name(world):
    """Coinbase's REVERSAL, CORRECTION and SYNTHETIC, and a transaction whose status is new; all others are booked."""
    account = _coinbase()
    kinds = ("REVERSAL", "CORRECTION", "SYNTHETIC")
    account.fills += [
        {**exchange_coinbase.fill(3 + n, "BUY", "40000", "0.1", "4", _iso(30)), "trade_type": kind}
        for n, kind in enumerate(kinds)
    ]
    account.transactions["w-BTC"][2:2] = [
        exchange_coinbase.row("6", "send", "3", "BTC", _iso(30), "quarantined"),
        exchange_coinbase.row("7", "send", "3", "BTC", _iso(29), "expired"),
        exchange_coinbase.row("8", "tx", "4", "BTC", _iso(28)),
    ]
    world.server.dialects[account.name] = account
    done = world.sync(world.connect(account))
    assert done.status == "succeeded"
    assert world.held() == {"BTC": Decimal("0.88"), "USDT": Decimal("3993.6")}
    unbooked = world.unbooked()
    assert len(unbooked) == len(kinds) + 2
    told = " ".join(unbooked.values())
    for name in (*kinds, "quarantined", "tx"):
        assert f"'{name}'" in told


@pytest.mark.parametrize(("make", "rows", "field"), [
    (_coinbase, 260, "fills"), (_kucoin, 510, "fills"), (_okx, 210, "fills"), (_bybit, 110, "executions"),
])  # fmt: skip
def test_pages_are_read_to_the_last(world, make, rows, field):
    account = make()
    world.server.dialects[account.name] = account
    row = {
        "coinbase": lambda n: exchange_coinbase.fill(n, "BUY", "40000", "0.1", "4", _iso(60)),
        "kucoin": lambda n: exchange_kucoin.fill(n, "buy", "40000", "0.1", "4000", "4", at(60)),
        "okx": lambda n: exchange_okx.fill(n, "buy", "40000", "0.1", fee="-4", at=at(60)),
        "bybit": lambda n: exchange_bybit.execution(n, "Buy", "40000", "0.1", "4000", "4", at(60)),
    }[account.name]
    setattr(account, field, [row(n) for n in range(rows)])
    done = world.sync(world.connect(account))
    assert (done.status, done.error, done.imported) == ("succeeded", None, rows + 3)


def _grant(account: Any, what: str) -> None:
    """Give a key a right, or `unknown`: have its exchange say nothing."""
    if isinstance(account, BinanceAccount):
        account.restrictions = {**READ_ONLY, what: True}
    elif isinstance(account, CoinbaseAccount):
        account.permissions = {} if what == "unknown" else {**account.permissions, what: True}
    elif isinstance(account, KrakenAccount):
        account.permissions = None if what == "unknown" else [*(account.permissions or []), what]
    elif isinstance(account, KucoinAccount):
        account.permission = None if what == "unknown" else f"General,{what}"
    elif isinstance(account, OkxAccount):
        account.perm = None if what == "unknown" else f"read_only,{what}"
    elif what == "readOnly":
        account.permissions = {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}
    else:
        account.read_only = 0
        account.permissions = {"Wallet": [what]} if what != "SpotTrade" else {"Spot": [what]}


PERMISSIONS = [
    (BinanceAccount, "enableReading", Verdict.READ_ONLY), (BinanceAccount, "enableSpotAndMarginTrading", Verdict.CAN_TRADE),
    (BinanceAccount, "enableFutures", Verdict.CAN_TRADE), (BinanceAccount, "enableWithdrawals", Verdict.CAN_WITHDRAW),
    (BinanceAccount, "enableInternalTransfer", Verdict.CAN_WITHDRAW),
    (BinanceAccount, "permitsUniversalTransfer", Verdict.CAN_WITHDRAW),
    (CoinbaseAccount, "can_view", Verdict.READ_ONLY), (CoinbaseAccount, "can_trade", Verdict.CAN_TRADE),
    (CoinbaseAccount, "can_transfer", Verdict.CAN_WITHDRAW), (CoinbaseAccount, "unknown", Verdict.UNKNOWN),
    (KrakenAccount, "query-ledger", Verdict.READ_ONLY), (KrakenAccount, "modify-trades", Verdict.CAN_TRADE),
    (KrakenAccount, "withdraw-funds", Verdict.CAN_WITHDRAW), (KrakenAccount, "unknown", Verdict.UNKNOWN),
    (KucoinAccount, "General", Verdict.READ_ONLY), (KucoinAccount, "Spot", Verdict.CAN_TRADE),
    (KucoinAccount, "Transfer", Verdict.CAN_WITHDRAW), (KucoinAccount, "InnerTransfer", Verdict.CAN_WITHDRAW),
    (KucoinAccount, "Withdrawal", Verdict.CAN_WITHDRAW), (KucoinAccount, "unknown", Verdict.UNKNOWN),
    (OkxAccount, "read_only", Verdict.READ_ONLY), (OkxAccount, "trade", Verdict.CAN_TRADE),
    (OkxAccount, "withdraw", Verdict.CAN_WITHDRAW), (OkxAccount, "unknown", Verdict.UNKNOWN),
    (BybitAccount, "readOnly", Verdict.READ_ONLY), (BybitAccount, "SpotTrade", Verdict.CAN_TRADE),
    (BybitAccount, "Withdraw", Verdict.CAN_WITHDRAW), (BybitAccount, "AccountTransfer", Verdict.CAN_WITHDRAW),
]  # fmt: skip


def test_the_verdict_on_every_permission_of_every_exchange(world):
    accounts = Accounts(world.server.url, lambda: NOW, sleep=lambda _: None)
    found = []
    for kind, what, _ in PERMISSIONS:
        account = kind()
        _grant(account, what)
        world.server.dialects[account.name] = account
        secret = Credentials(account.key, account.secret, getattr(account, "passphrase", None))
        info = accounts.look_at(lambda: nullcontext(world.conn), account.name, secret)
        found.append((kind, what, info.permissions.verdict))
    assert found == PERMISSIONS

"""A row that cannot be read costs that row: it is listed with its reason, everything else is booked, and the next sync
asks for it again."""

import json
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import (
    exchange_binance,
    exchange_bybit,
    exchange_coinbase,
    exchange_kraken,
    exchange_kucoin,
    exchange_okx,
)
from tests.fakes.exchange_binance import BinanceAccount
from tests.fakes.exchange_bybit import BybitAccount
from tests.fakes.exchange_coinbase import CoinbaseAccount
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_kucoin import KucoinAccount
from tests.fakes.exchange_okx import OkxAccount
from tests.fakes.exchange_server import Asked
from tests.integration.exchanges.conftest import NOW, at

MARK = "0.7777"
AMOUNTS = ("0.5", MARK, "0.25")
DAYS = (50.6, 50.3, 49.6)


@dataclass
class Damaging:
    """An exchange that tells one part of the marked row amiss, as long as it is not `healed`."""

    account: Any
    part: str
    value: Any
    healed: bool = False

    @property
    def name(self) -> str:
        return str(self.account.name)

    def answer(self, asked: Asked) -> Any:
        told = deepcopy(self.account.answer(asked))
        if not self.healed:
            self._damage(told)
        return told

    def _damage(self, told: Any) -> bool:
        """Damage the innermost object that has the part and the mark."""
        inner = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
        done = [self._damage(each) for each in inner]
        if any(done):
            return True
        if not isinstance(told, dict) or self.part not in told or MARK not in json.dumps(told):
            return False
        if self.value is None:
            del told[self.part]
        else:
            told[self.part] = self.value
        return True


def iso(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")


def binance(**lists: Any) -> BinanceAccount:
    return BinanceAccount(balances={"BTC": ("9", "0"), "ETH": ("9", "0")}, **lists)


def dividend(number: int, amount: str, days: float) -> dict[str, Any]:
    named = {"id": number, "tranId": number, "asset": "BNB", "enInfo": "Locked Staking"}
    return {**named, "amount": amount, "divTime": at(days)}


ROWS = list(enumerate(zip(AMOUNTS, DAYS, strict=True)))


def applied(days: float) -> str:
    return f"{NOW - timedelta(days=days):%Y-%m-%d %H:%M:%S}"


# Each list of each exchange: an account with three rows in it, and where their time and their amount stand.
LISTS: dict[str, tuple[Any, str, str]] = {
    "binance trades": (
        lambda: binance(trades={"BTCUSDT": [
            exchange_binance.trade(n, "buy", "100", a, at(d), fee=("0", "BNB")) for n, (a, d) in ROWS
        ]}), "time", "qty",
    ),
    "binance deposits": (
        lambda: binance(deposits=[exchange_binance.deposit(f"d{n}", "BTC", a, at(d)) for n, (a, d) in ROWS]),
        "insertTime", "amount",
    ),
    "binance withdrawals": (
        lambda: binance(withdrawals=[
            exchange_binance.withdrawal(f"w{n}", "BTC", a, "0", apply_time=applied(d), at=at(d)) for n, (a, d) in ROWS
        ]), "applyTime", "amount",
    ),
    "binance rewards": (
        lambda: binance(dividends=[dividend(n, a, d) for n, (a, d) in ROWS]), "divTime", "amount",
    ),
    "binance dust": (
        lambda: binance(dust=[exchange_binance.dust(n, at(d), ("ETH", a, "1", "0")) for n, (a, d) in ROWS]),
        "operateTime", "amount",
    ),
    "coinbase fills": (
        lambda: CoinbaseAccount(balances={"BTC": "9"}, fills=[
            exchange_coinbase.fill(n, "BUY", "100", a, "0", iso(d)) for n, (a, d) in ROWS
        ]), "trade_time", "size",
    ),
    "coinbase transactions": (
        lambda: CoinbaseAccount(balances={"BTC": "9"}, transactions={"w-BTC": [
            exchange_coinbase.row(f"t{n}", "send", a, "BTC", iso(d)) for n, (a, d) in ROWS
        ]}), "created_at", "amount",
    ),
    "kraken trades": (
        lambda: KrakenAccount(trades={
            f"T{n}": exchange_kraken.trade("XXBTZEUR", "buy", "100", a, cost="50", fee="0", at=at(d) / 1000)
            for n, (a, d) in ROWS
        }), "time", "vol",
    ),
    "kraken ledger": (
        lambda: KrakenAccount(ledger={
            f"L{n}": exchange_kraken.entry("deposit", "XXBT", a, at(d) / 1000, refid=f"R{n}") for n, (a, d) in ROWS
        }), "time", "amount",
    ),
    "kucoin fills": (
        lambda: KucoinAccount(fills=[
            exchange_kucoin.fill(n, "buy", "100", a, "50", "0", at(d)) for n, (a, d) in ROWS
        ]), "createdAt", "size",
    ),
    "kucoin deposits": (
        lambda: KucoinAccount(deposits=[exchange_kucoin.move("BTC", a, "0", at(d)) for _, (a, d) in ROWS]),
        "createdAt", "amount",
    ),
    "kucoin withdrawals": (
        lambda: KucoinAccount(withdrawals=[
            exchange_kucoin.move("BTC", a, "0", at(d), f"w{n}") for n, (a, d) in ROWS
        ]), "createdAt", "amount",
    ),
    "kucoin ledger": (
        lambda: KucoinAccount(ledger=[
            exchange_kucoin.entry(f"{n}", "Airdrop/Fork", "BTC", a, at(d)) for n, (a, d) in ROWS
        ]), "createdAt", "amount",
    ),
    "okx fills": (
        lambda: OkxAccount(fills=[exchange_okx.fill(n, "buy", "100", a, fee="0", at=at(d)) for n, (a, d) in ROWS]),
        "ts", "fillSz",
    ),
    "okx deposits": (
        lambda: OkxAccount(deposits=[exchange_okx.move("BTC", a, at(d)) for _, (a, d) in ROWS]), "ts", "amt",
    ),
    "okx withdrawals": (
        lambda: OkxAccount(withdrawals=[exchange_okx.move("BTC", a, at(d), fee="0") for _, (a, d) in ROWS]),
        "ts", "amt",
    ),
    "okx bills": (
        lambda: OkxAccount(bills=[exchange_okx.bill(n, 83, "BTC", a, at(d)) for n, (a, d) in ROWS]),
        "ts", "balChg",
    ),
    "bybit executions": (
        lambda: BybitAccount(executions=[
            exchange_bybit.execution(n, "Buy", "100", a, "50", "0", at(d)) for n, (a, d) in ROWS
        ]), "execTime", "execQty",
    ),
    "bybit deposits": (
        lambda: BybitAccount(deposits=[exchange_bybit.deposit("BTC", a, at(d)) for _, (a, d) in ROWS]),
        "successAt", "amount",
    ),
    "bybit withdrawals": (
        lambda: BybitAccount(withdrawals=[exchange_bybit.withdrawal("BTC", a, "0", at(d)) for _, (a, d) in ROWS]),
        "createTime", "amount",
    ),
    "bybit yields": (
        lambda: BybitAccount(yields={"OnChain": [exchange_bybit.earned(n, "BTC", a, at(d)) for n, (a, d) in ROWS]}),
        "createdAt", "amount",
    ),
}  # fmt: skip
NO_TIME = ("time", None)
DAMAGES = [
    ("time", "soon"),
    ("amount", None),
    ("amount", "much"),
    ("amount", "NaN"),
    ("amount", "1e40"),
    ("amount", [1]),
]


def connected(world: Any, exchange: Damaging) -> Any:
    world.server.dialects[exchange.name] = exchange
    return world.connect(exchange.account)


@pytest.mark.parametrize("number", range(len(LISTS)), ids=list(LISTS))
def test_one_bad_row_costs_that_row_and_is_read_once_it_can_be(world, number: int) -> None:
    """Each list with a row without a time, and, in turn, with one that is amiss in another way."""
    make, time, amount = list(LISTS.values())[number]
    for part, value in (NO_TIME, DAMAGES[number % len(DAMAGES)]):
        exchange = Damaging(make(), time if part == "time" else amount, value)
        connection_id = connected(world, exchange)
        done = world.sync(connection_id)
        assert (done.status, done.error, done.imported, done.unbooked) == ("succeeded", None, 2, 1)
        ((name, reason),) = world.unbooked().items()
        assert name
        assert reason
        (row,) = world.owner.execute("select unread from app.exchange_unbooked").fetchone()
        assert MARK in row or part == "amount"
        # As long as it stays so nothing changes.
        if part == "time":
            assert world.sync(connection_id).imported == 0
            assert world.unbooked() == {name: reason}
        exchange.healed = True
        assert world.sync(connection_id).imported == 1
        assert world.unbooked() == {}
        # Every row is booked once.
        world.owner.execute("delete from app.exchange_cursors")
        again = world.sync(connection_id)
        assert (again.imported, again.known, again.unbooked) == (0, 3, 0)
        world.owner.execute("truncate app.exchange_connections, app.transactions cascade")


def test_every_way_of_being_amiss(world) -> None:
    make, time, amount = LISTS["kraken ledger"]
    for part, value in DAMAGES:
        exchange = Damaging(make(), time if part == "time" else amount, value)
        done = world.sync(connected(world, exchange))
        assert (done.status, done.imported, done.unbooked) == ("succeeded", 2, 1), value
        world.owner.execute("truncate app.exchange_connections, app.transactions cascade")


@pytest.mark.parametrize("damage", [("time", None), ("amount", "much")])
def test_krakens_rows_of_one_event_wait_for_the_one_that_cannot_be_read(world, damage) -> None:
    part, value = damage
    account = KrakenAccount(
        balances={"XXBT": "3"},
        ledger={
            "L1": exchange_kraken.entry("spend", "XETH", "-2", at(50) / 1000, refid="R1"),
            "L2": exchange_kraken.entry("receive", "XXBT", MARK, at(50) / 1000, refid="R1"),
            "L3": exchange_kraken.entry("deposit", "XETH", "5", at(51) / 1000, refid="R2"),
        },
    )
    exchange = Damaging(account, part, value)
    connection_id = connected(world, exchange)
    assert world.sync(connection_id).imported == 1
    reasons = world.unbooked()
    assert set(reasons) == {"L1", "L2"}
    assert reasons["L1"] == "it belongs to a row that cannot be read"
    exchange.healed = True
    assert world.sync(connection_id).imported == 1
    assert world.unbooked() == {}
    assert [fact[:2] + fact[7:8] for fact in world.facts()][-1] == ("swap", "ETH", "BTC")


@pytest.mark.parametrize("has_id", [True, False])
def test_the_halves_of_a_conversion_at_coinbase_wait_for_each_other(world, has_id: bool) -> None:
    halves = [
        exchange_coinbase.row("a", "trade", MARK, "BTC", iso(50)),
        exchange_coinbase.row("b", "trade", "-2", "ETH", iso(50)),
    ]
    for half in halves if has_id else ():
        half["trade"] = {"id": "c1"}
    account = CoinbaseAccount(
        balances={"BTC": MARK, "ETH": "0"},
        transactions={"w-BTC": halves[:1], "w-ETH": halves[1:]},
    )
    exchange = Damaging(account, "amount", "much")
    exchange.account.balances = {"BTC": "0.5", "ETH": "0"}
    connection_id = connected(world, exchange)
    assert world.sync(connection_id).imported == 0
    assert set(world.unbooked()) == {"tx-a", "tx-b"}
    exchange.healed = True
    assert world.sync(connection_id).imported == 1
    assert world.unbooked() == {}
    assert [fact[:2] + fact[7:8] for fact in world.facts()] == [("swap", "ETH", "BTC")]


def test_a_balance_that_cannot_be_read_is_listed_and_opens_no_difference(world) -> None:
    make, _, _ = LISTS["kraken ledger"]
    account = make()
    account.balances = {"XXBT": "1.5277"}
    connection_id = connected(world, Damaging(account, "balance", "much", healed=True))
    assert world.sync(connection_id).imported == 3
    assert world.issues() == []
    account.balances = {"XXBT": "much"}
    done = world.sync(connection_id)
    assert (done.status, list(world.unbooked())) == ("succeeded", ["balances"])
    assert world.issues() == []
    account.balances = {"XXBT": "1"}
    world.sync(connection_id)
    assert world.unbooked() == {}
    assert len(world.issues()) == 1


def test_a_list_that_makes_no_sense_keeps_no_other_from_being_read(world) -> None:
    make, _, _ = LISTS["kraken trades"]
    account = make()
    account.ledger = LISTS["kraken ledger"][0]().ledger
    connection_id = connected(world, Damaging(account, "", None, healed=True))
    world.server.before = lambda asked: (
        {"error": [], "result": "no"} if asked.path.endswith("Ledgers") else None
    )
    done = world.sync(connection_id)
    assert (done.status, done.imported) == ("failed", 3)
    world.server.before = None
    assert world.sync(connection_id).imported == 3

"""Whole syncs against local exchanges, into the real ledger."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from coinsphere.exchanges.sync import syncs
from tests.fakes import exchange_binance, exchange_kraken
from tests.integration.exchanges.conftest import _OPTIONS, at


class Overtaken(psycopg.Connection):
    """A worker's connection; another worker does something just before or after one of its statements."""

    other: Callable[[], object]
    when: str

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        moment, _, statement = self.when.partition(" ")
        is_it = statement in str(query)
        if is_it and moment == "before":
            self.other()
        done = super().execute(query, *args, **kwargs)
        if is_it and moment == "after":
            self.other()
        return done


def _fill_kraken(kraken) -> None:
    kraken.ledger = {
        "L1": exchange_kraken.entry("deposit", "XXBT", "0.5", at(90) / 1000),
        "L2": exchange_kraken.entry("deposit", "ZEUR", "1000", at(89) / 1000),
        "L3": exchange_kraken.entry("trade", "XXBT", "0.1", at(80) / 1000),
        "L4": exchange_kraken.entry("staking", "DOT.S", "0.25", at(60) / 1000),
        "L5": exchange_kraken.entry("spend", "ZEUR", "-100", at(50) / 1000, fee="1.5", refid="Q1"),
        "L6": exchange_kraken.entry("receive", "ADA", "250", at(50) / 1000, refid="Q1"),
        "L7": exchange_kraken.entry("withdrawal", "XXBT", "-0.2", at(40) / 1000, fee="0.0005"),
        "L8": exchange_kraken.entry(
            "transfer", "DOT", "-1", at(30) / 1000, subtype="spottostaking"
        ),
    }
    kraken.trades = {
        "T1": exchange_kraken.trade(
            "XXBTZEUR", "buy", "40000.1", "0.1", cost="4000.01", fee="10.40", at=at(80) / 1000
        ),
        "T2": exchange_kraken.trade(
            "XETHXXBT", "buy", "0.05", "2", cost="0.1", fee="0.00026", at=at(70) / 1000
        ),
    }
    kraken.balances = {"XXBT": "0.29924", "XETH": "2", "DOT.S": "0.25", "ADA": "250", "ZEUR": "1"}


def test_a_kraken_account_becomes_facts_and_matches_its_balances(world, kraken):
    _fill_kraken(kraken)
    done = world.sync(world.connect(kraken))
    assert (done.status, done.error) == ("succeeded", None)
    assert (done.imported, done.unbooked) == (6, 0)
    assert world.facts() == [
        ("transfer_in", "BTC", Decimal("0.5"), None, "USD", None, None, None, None, "kraken"),
        ("buy", "BTC", Decimal("0.1"), Decimal("40000.1"), "EUR", Decimal("10.4"), None, None, None, "kraken"),
        ("swap", "BTC", Decimal("0.1"), None, "USD", Decimal("0.00026"), "BTC", "ETH", 2, "kraken"),
        ("staking", "DOT", Decimal("0.25"), None, "USD", None, None, None, None, "kraken"),
        ("buy", "ADA", 250, Decimal("0.4"), "EUR", Decimal("1.5"), None, None, None, "kraken"),
        ("transfer_out", "BTC", Decimal("0.2"), None, "USD", Decimal("0.0005"), "BTC", None, None, "kraken"),
    ]  # fmt: skip
    assert world.held() == {
        "BTC": Decimal("0.29924"), "ETH": 2, "DOT": Decimal("0.25"), "ADA": 250,
    }  # fmt: skip
    assert world.issues() == []


@pytest.mark.parametrize("page", [1, 50])
def test_a_withdrawal_that_comes_back_after_its_sync_is_booked_back(world, kraken, page):
    """At whatever distance, and read again together with it as often as it likes."""
    kraken.page = page
    kraken.ledger = {
        "L1": exchange_kraken.entry("deposit", "XXBT", "1", at(90) / 1000),
        "L2": exchange_kraken.entry("withdrawal", "XXBT", "-0.2", at(2) / 1000, fee="0.01", refid="W"),
    }  # fmt: skip
    kraken.balances = {"XXBT": "0.79"}
    connection_id = world.connect(kraken)
    assert world.sync(connection_id).imported == 2
    assert world.sync(connection_id).imported == 0
    kraken.ledger["L3"] = exchange_kraken.entry(
        "withdrawal", "XXBT", "0.2", at(1) / 1000, fee="-0.01", refid="W"
    )
    kraken.balances = {"XXBT": "1"}
    assert world.sync(connection_id).imported == 1
    assert (world.held(), world.issues()) == ({"BTC": 1}, [])
    assert world.sync(connection_id).imported == 0
    assert (world.held(), world.issues(), world.unbooked()) == ({"BTC": 1}, [], {})


def test_a_second_sync_changes_nothing_and_brings_what_is_new(world, kraken):
    _fill_kraken(kraken)
    connection_id = world.connect(kraken)
    world.sync(connection_id)
    before = world.fingerprint()
    again = world.sync(connection_id)
    assert (again.status, again.imported) == ("succeeded", 0)
    assert world.fingerprint() == before
    kraken.trades["T3"] = exchange_kraken.trade(
        "ADAEUR", "sell", "0.5", "50", cost="25", fee="0.06", at=at(0.02) / 1000
    )
    assert world.sync(connection_id).imported == 1
    assert world.held()["ADA"] == 200


def test_kraken_gives_fifty_rows_and_each_is_stored_once(world, kraken):
    kraken.trades = {
        f"T{n:04}": exchange_kraken.trade(
            "XXBTZEUR", "buy", "40000", "0.01", cost="400", fee="1", at=at(400 - n) / 1000
        )
        for n in range(130)
    }
    done = world.sync(world.connect(kraken))
    assert (done.imported, done.known) == (130, 0)
    assert world.held() == {"BTC": Decimal("1.3")}
    assert kraken.nonces == sorted(set(kraken.nonces))
    assert kraken.refused_nonces == 0


def _fill_binance(binance) -> None:
    binance.deposits = [
        exchange_binance.deposit("d1", "USDT", "5000", at(300)),
        exchange_binance.deposit("d2", "BTC", "1", at(20), status=0),
    ]
    binance.withdrawals = [
        exchange_binance.withdrawal(
            "w1", "ETH", "0.5", "0.001", apply_time="2024-05-22 12:00:00", at=at(10)
        )
    ]
    binance.trades = {
        "BTCUSDT": [
            exchange_binance.trade(100, "buy", "40000", "0.1", at(200), fee=("0.0001", "BTC")),
            exchange_binance.trade(
                101, "sell", "50000.5", "0.02", at(100), fee=("1.00001", "USDT")
            ),
        ],
        "ETHBTC": [
            exchange_binance.trade(
                7, "buy", "0.05", "1", at(50), fee=("0.003", "BNB"), market="ETHBTC"
            )
        ],
    }
    binance.dividends = [
        {
            "id": 9,
            "amount": "0.01",
            "asset": "BNB",
            "divTime": at(150),
            "enInfo": "Flexible",
            "tranId": 1,
        }
    ]
    binance.balances = {
        "BTC": ("0.0", "0.0299"),
        "USDT": ("1999.00999", "0"),
        "ETH": ("0.499", "0"),
        "BNB": ("0.007", "0"),
    }


def test_a_binance_account_is_read_market_by_market(world, binance):
    _fill_binance(binance)
    done = world.sync(world.connect(binance))
    assert (done.status, done.error, done.unbooked) == ("succeeded", None, 0)
    assert [fact[:3] + fact[5:9] for fact in world.facts()] == [
        ("transfer_in", "USDT", 5000, None, None, None, None),
        ("swap", "USDT", 4000, Decimal("0.0001"), "BTC", "BTC", Decimal("0.1")),
        ("interest", "BNB", Decimal("0.01"), None, None, None, None),
        ("swap", "BTC", Decimal("0.02"), Decimal("1.00001"), "USDT", "USDT", Decimal("1000.01")),
        ("swap", "BTC", Decimal("0.05"), Decimal("0.003"), "BNB", "ETH", 1),
        ("transfer_out", "ETH", Decimal("0.5"), Decimal("0.001"), "ETH", None, None),
    ]
    assert world.held() == {
        "BTC": Decimal("0.0299"), "USDT": Decimal("1999.00999"), "ETH": Decimal("0.499"), "BNB": Decimal("0.007"),
    }  # fmt: skip
    assert world.issues() == []
    asked = {line for line in world.server.asked if "myTrades" in line}
    assert asked == {"binance /api/v3/myTrades"}


def test_a_deposit_that_was_under_way_comes_with_the_next_sync(world, binance):
    binance.deposits = [exchange_binance.deposit("d2", "BTC", "1", at(1), status=0)]
    connection_id = world.connect(binance)
    assert world.sync(connection_id).imported == 0
    binance.deposits[0]["status"] = 1
    assert world.sync(connection_id).imported == 1


def test_more_than_a_page_of_trades_of_one_market(world, binance):
    binance.balances = {"BTC": ("24", "0")}
    binance.trades["BTCUSDT"] = [
        exchange_binance.trade(5000 + n, "buy", "1", "0.01", at(300) + n, fee=("0", "BNB"))
        for n in range(2400)
    ]
    connection_id = world.connect(binance)
    assert world.sync(connection_id).imported == 2400
    assert world.sync(connection_id).imported == 0


def test_a_market_that_the_user_named_is_read_though_nothing_points_to_it(world, binance):
    binance.trades["ADABTC"] = [
        exchange_binance.trade(
            1, "buy", "0.00001", "100", at(9), fee=("0.1", "ADA"), market="ADABTC"
        )
    ]
    assert world.sync(world.connect(binance)).imported == 0
    world.owner.execute("update app.exchange_connections set markets = '{ADA/BTC}'")
    (connection_id,) = world.owner.execute("select id from app.exchange_connections").fetchone()
    assert world.sync(connection_id).imported == 1


def test_a_balance_that_the_ledger_does_not_explain_opens_an_issue_and_settles(world, kraken):
    kraken.ledger = {"L1": exchange_kraken.entry("deposit", "XXBT", "0.5", at(90) / 1000)}
    kraken.balances = {"XXBT": "0.75", "ADA": "10"}
    connection_id = world.connect(kraken)
    world.sync(connection_id)
    assert world.issues() == [("ADA", 10), ("BTC", Decimal("0.25"))]
    kraken.ledger["L2"] = exchange_kraken.entry("airdrop", "ADA", "10", at(1) / 1000)
    kraken.balances["XXBT"] = "0.5"
    world.sync(connection_id)
    assert world.issues() == []


def test_an_asset_that_nobody_knows_is_kept_until_it_is_known(world, kraken):
    kraken.ledger = {"L1": exchange_kraken.entry("deposit", "XTZ", "3", at(5) / 1000)}
    connection_id = world.connect(kraken)
    assert world.sync(connection_id).unbooked == 1
    kept = world.owner.execute("select native_id, reason from app.exchange_unbooked").fetchall()
    assert kept == [("L1", "token: no token has the symbol 'XTZ'")]
    world.owner.execute(
        "insert into market.tokens (symbol, name, blockchain) values ('XTZ', 'Tezos', 'Tezos')"
    )
    assert world.sync(connection_id).imported == 1
    assert world.held() == {"XTZ": 3}
    assert world.owner.execute("select count(*) from app.exchange_unbooked").fetchone() == (0,)


@pytest.mark.parametrize("when", ["before pg_try_advisory_lock", "after pg_advisory_unlock"])
def test_a_sync_that_another_job_does_too_is_done_once(world, kraken, when):
    """Two jobs of one sync: one looks before the other begins, or comes when the other just let go of the key."""
    _fill_kraken(kraken)
    sync_id = syncs.request(world.conn, world.connect(kraken))

    def other() -> None:
        syncs.run(world.conn, sync_id, world.accounts, world.keys)

    with Overtaken.connect(world.url, autocommit=True, options=_OPTIONS) as conn:
        conn.other, conn.when = other, when
        syncs.run(conn, sync_id, world.accounts, world.keys)
    done = syncs.get(world.conn, sync_id)
    assert (done.status, done.imported) == ("succeeded", 6)
    assert len(kraken.nonces) == len(set(kraken.nonces))
    assert world.server.asked.count("kraken /0/private/Ledgers") == 1
    assert done.known == 0

"""Payloads of other projects' fixtures, served by the local exchanges as they are."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.exchange_binance import BinanceAccount

pytestmark = pytest.mark.shared_data


def _payload(shared_data: Path, name: str) -> Any:
    path = shared_data / "payloads" / name
    if not path.is_file():
        pytest.skip(f"there is no {name}")
    return json.loads(path.read_text())


def test_krakens_ledger_trades_and_balance(world, kraken, shared_data):
    ledger = _payload(shared_data, "kraken/xchange_kraken_example-ledgerinfo-data.json")
    history = _payload(shared_data, "kraken/xchange_kraken_example-tradehistory-data.json")
    balance = _payload(shared_data, "kraken/xchange_kraken_example-balance-data.json")
    kraken.ledger = ledger["result"]["ledger"]
    kraken.trades = history["result"]["trades"]
    kraken.balances = balance["result"]
    done = world.sync(world.connect(kraken))
    assert (done.status, done.error) == ("succeeded", None)
    facts = [(kind, symbol, amount) for kind, symbol, amount, *_ in world.facts()]
    assert facts == [
        ("transfer_in", "BTC", Decimal("0.5")),
        ("swap", "LTC", Decimal("0.5")),
        ("sell", "BTC", Decimal("0.5")),
        ("sell", "BTC", Decimal("0.5")),
        ("swap", "BTC", Decimal("0.5")),
        ("transfer_out", "LTC", Decimal("15.98573")),
        ("transfer_in", "BTC", Decimal("0.1")),
    ]
    kept = world.owner.execute(
        "select native_id, reason from app.exchange_unbooked order by 1"
    ).fetchall()
    # A position's loss; Tezos and Iconomi are no tokens that are seeded.
    assert [name for name, _ in kept] == [
        "L23XKW-ZZHEP-FJINZ3",
        "LDVXGZ-2FJSK-FJWOGJ",
        "LKEGD3-PO6FF-3CCK7Z",
    ]


def test_binances_distributions_and_fills(world, shared_data):
    account = BinanceAccount(markets=(("BTC", "USDT"),))
    world.server.dialects["binance"] = account
    dividends = _payload(shared_data, "binance/xchange_binance_asset-dividend-list.json")
    fill = _payload(
        shared_data,
        "binance/hummingbot_test_update_order_fills_from_trades_triggers_filled_event_trade_fill_non_tracked_order.json",
    )
    account.dividends = dividends["rows"]
    # Its symbols are placeholders.
    account.trades["BTCUSDT"] = [{**fill, "symbol": "BTCUSDT"}]
    account.balances = {"BTC": ("12", "0")}
    done = world.sync(world.connect(account))
    assert (done.status, done.error, done.imported, done.unbooked) == ("succeeded", None, 1, 1)
    assert world.facts()[0][:3] + world.facts()[0][5:9] == (
        "swap", "USDT", Decimal("48.000012"), Decimal("10.1"), "BNB", "BTC", 12,
    )  # fmt: skip

"""Exchange accounts: 100,000 trades from a local exchange into the ledger, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from bench.ingestion import _database, _peak_mb
from bench.measure import Measure
from coinsphere.exchanges import connections
from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.connections import NewConnection
from coinsphere.exchanges.model import Credentials, KeyInfo, Permissions
from coinsphere.exchanges.sync import syncs
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.fakes import exchange_binance
from tests.fakes.exchange_binance import BinanceAccount
from tests.fakes.exchange_server import serving

TRADES = 100_000
_LONGEST = 170
"""Seconds after which a sync is given up: the figure is missed by far."""
_NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_ROOT = Path(__file__).resolve().parents[1]


def run() -> list[Measure]:
    """All figures. The exchange runs in another process; its limits are not waited for, as they are not ours."""
    server = [sys.executable, "-m", "bench.exchanges", "serve"]
    with (
        _database() as url,
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(server, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as exchange,
    ):
        try:
            assert exchange.stdout is not None
            base = exchange.stdout.readline().strip()
            work = [sys.executable, "-m", "bench.exchanges", "work", url, base, folder]
            done = subprocess.run(
                work, check=True, stdout=subprocess.PIPE, text=True, cwd=_ROOT, timeout=_LONGEST
            )
        finally:
            exchange.terminate()
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return [
        Measure("100,000 trades of an exchange synced and booked", found["seconds"], "s", 60),
        Measure("  of which this process and its PostgreSQL computed", found["busy"], "s", 35),
        Measure("the same account once more", found["again"], "s"),
        Measure("  facts written then", found["written_again"], "facts", 0),
        Measure("peak memory of such a sync", found["peak_mb"], "MB", 300),
    ]


def _work(url: str, base: str, folder: str) -> None:
    """Sync twice, and print the figures."""
    accounts = Accounts(base, lambda: _NOW, sleep=lambda _: None)
    keys = SymmetricKeys(Path(folder) / "keys")
    with psycopg.connect(url, autocommit=True, options=_OPTIONS) as conn:
        connection_id = _connect(conn, keys)
        first, seconds = _sync(conn, connection_id, accounts, keys)
        busy = time.process_time() + _cpu_seconds(conn.info.backend_pid)
        assert (first.status, first.imported) == ("succeeded", TRADES + 1), first
        again, more = _sync(conn, connection_id, accounts, keys)
    found = {
        "seconds": seconds,
        "busy": busy,
        "again": more,
        "written_again": again.imported,
        "peak_mb": _peak_mb(),
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _connect(conn: psycopg.Connection, keys: SymmetricKeys) -> UUID:
    user_id = _one(
        conn, "insert into app.users (email, password_hash) values ('b@b.bb', 'x') returning id"
    )
    portfolio_id = _one(
        conn,
        "insert into app.portfolios (user_id, name) values (%s, 'Bench') returning id",
        user_id,
    )
    account = BinanceAccount()
    new = NewConnection(account.name, Credentials(account.key, account.secret), portfolio_id)
    info = KeyInfo(Permissions(trade=False, withdraw=False))
    made = connections.create(conn, keys, user_id, new, info=info, now=_NOW)
    assert made is not None
    return made.id


def _sync(
    conn: psycopg.Connection, connection_id: UUID, accounts: Accounts, keys: SymmetricKeys
) -> tuple[syncs.Sync, float]:
    sync_id = syncs.request(conn, connection_id)
    assert sync_id is not None
    started = time.perf_counter()
    syncs.run(conn, sync_id, accounts, keys)
    seconds = time.perf_counter() - started
    done = syncs.get(conn, sync_id)
    assert done is not None
    return done, seconds


def _cpu_seconds(pid: int) -> float:
    """What a process computed so far: other load on the machine does not count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _one(conn: psycopg.Connection, statement: LiteralString, *values: object) -> UUID:
    row = conn.execute(statement, values).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def _serve() -> None:
    """An account of 100,000 trades over three years, until the process is ended."""
    start = int((_NOW - timedelta(days=1000)).timestamp() * 1000)
    account = BinanceAccount(balances={"BTC": ("1", "0")})
    account.deposits = [exchange_binance.deposit("d", "USDT", "900000000", start)]
    account.trades["BTCUSDT"] = [
        exchange_binance.trade(
            n, "sell" if n % 3 == 2 else "buy", f"{20_000 + n % 977}.{n % 100:02}", f"0.{n % 89 + 1:05}",
            start + n * 800_000, fee=(f"0.{n % 7 + 1:06}", "USDT"),
        )
        for n in range(TRADES)
    ]  # fmt: skip
    with serving(account) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        _serve()
    elif sys.argv[1:2] == ["work"]:
        _work(*sys.argv[2:])
    else:
        for measure in run():
            print(measure)

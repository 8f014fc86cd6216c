"""What must not happen: a record lost or stored twice, a nonce used twice, a refused key tried again, a secret told."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.errors import Busy
from coinsphere.exchanges.sync import reading, syncs
from tests.canary import assert_no_canary
from tests.fakes import exchange_binance, exchange_kraken
from tests.fakes.exchange_server import CutOff, Refused
from tests.integration.exchanges.conftest import _OPTIONS, NOW, at

_SYNC = """
import sys
from datetime import datetime, UTC
from uuid import UUID
import psycopg
from coinsphere.exchanges.sync import reading, syncs
from coinsphere.exchanges.accounts import Accounts
from coinsphere.security.symmetric_keys import SymmetricKeys
from pathlib import Path
url, base, keys, sync_id = sys.argv[1:]
options = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
accounts = Accounts(base, lambda: datetime(2024, 6, 1, 12, tzinfo=UTC), sleep=lambda _: None)
with psycopg.connect(url, autocommit=True, options=options) as conn:
    syncs.run(conn, UUID(sync_id), accounts, SymmetricKeys(Path(keys)))
"""


def _busy_account(kraken, trades: int = 130) -> None:
    kraken.trades = {
        f"T{n:04}": exchange_kraken.trade(
            "XXBTZEUR", "buy", "40000", "0.01", cost="400", fee="1", at=at(400 - n) / 1000
        )
        for n in range(trades)
    }
    kraken.ledger = {
        f"L{n:04}": exchange_kraken.entry("staking", "DOT.S", "0.25", at(300 - n) / 1000)
        for n in range(60)
    }
    kraken.balances = {"XXBT": f"{trades * 0.01:.2f}", "DOT.S": "15"}


def test_killed_at_every_call_and_resumed_the_ledger_is_the_same(world, kraken, monkeypatch):
    """The process dies in the middle of each call in turn; what is stored at the end is what one whole sync stores."""
    monkeypatch.setattr(reading, "_PAGES", 1)
    _busy_account(kraken)
    connection_id = world.connect(kraken)
    sync_id = syncs.request(world.conn, connection_id)
    deaths = 0
    counted: list[int] = [0]

    def dying(_):
        counted[0] += 1
        # Each process gets one call further than the one before, then dies in it.
        if counted[0] > deaths + 1:
            raise _Died

    world.server.before = None
    while True:
        counted[0] = 0
        world.server.before = lambda asked: _cut(dying, asked)
        # Whatever a broken connection becomes.
        with (
            contextlib.suppress(Exception),
            psycopg.connect(world.url, autocommit=True, options=_OPTIONS) as conn,
        ):
            syncs.run(conn, sync_id, world.accounts, world.keys)
        if syncs.get(world.conn, sync_id).status == "succeeded":
            break
        deaths += 1
        assert deaths < 40
    resumed = world.fingerprint()
    assert deaths >= 5
    world.server.before = None
    world.owner.execute("delete from app.exchange_cursors")
    again = world.sync(connection_id)
    assert (again.imported, again.known) == (0, 190)
    assert world.fingerprint() == resumed
    assert world.issues() == []


class _Died(Exception):
    pass


def _cut(dying, asked):
    try:
        return dying(asked)
    except _Died:
        raise CutOff from None


@pytest.mark.parametrize("step", ["GetApiKeyInfo", "BalanceEx", "TradesHistory", "Ledgers"])
def test_a_killed_worker_leaves_nothing_half_done(world, kraken, step, tmp_path):
    """A real process, killed by SIGKILL in the middle of a call, and another one that goes on."""
    _busy_account(kraken)
    connection_id = world.connect(kraken)
    world.owner.execute("update app.exchange_connections set permissions_checked_at = null")
    sync_id = syncs.request(world.conn, connection_id)
    reached, release = threading.Event(), threading.Event()

    def hang(asked):
        if asked.path.endswith(step) and not release.is_set():
            reached.set()
            release.wait(30)

    world.server.before = hang
    command = [
        sys.executable, "-c", _SYNC, world.url, world.server.url, str(world.keys.folder), str(sync_id),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, env=environment) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    release.set()
    # PostgreSQL lets go of a dead process's lock once it notices.
    for _ in range(100):
        try:
            syncs.run(world.conn, sync_id, world.accounts, world.keys)
        except Busy:
            time.sleep(0.1)
        else:
            break
    assert syncs.get(world.conn, sync_id).status == "succeeded"
    counted = world.owner.execute(
        "select count(*), count(distinct external_id) from app.transactions"
    )
    assert counted.fetchone() == (190, 190)
    assert kraken.nonces == sorted(set(kraken.nonces))


def test_64_workers_on_one_account_store_each_trade_once_and_repeat_no_nonce(world, kraken):
    _busy_account(kraken, trades=230)
    world.connect(kraken)
    world.owner.execute("drop index app.exchange_syncs_open")
    made = world.owner.execute("""
        insert into app.exchange_syncs (user_id, connection_id)
        select user_id, id from app.exchange_connections, generate_series(1, 64) returning id
    """).fetchall()
    failed: list[BaseException] = []

    def work(sync_id) -> None:
        accounts = Accounts(world.server.url, lambda: NOW, sleep=lambda _: None)
        try:
            with psycopg.connect(world.url, autocommit=True, options=_OPTIONS) as conn:
                while True:
                    try:
                        syncs.run(conn, sync_id, accounts, world.keys)
                    except Busy:
                        time.sleep(0.05)
                    else:
                        return
        except BaseException as error:  # noqa: BLE001  shown below
            failed.append(error)

    threads = [threading.Thread(target=work, args=[sync_id]) for (sync_id,) in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    states = world.owner.execute(
        "select status, count(*) from app.exchange_syncs group by 1"
    ).fetchall()
    assert states == [("succeeded", 64)]
    counted = world.owner.execute(
        "select count(*), count(distinct external_id) from app.transactions"
    )
    assert counted.fetchone() == (290, 290)
    assert (len(kraken.nonces), kraken.refused_nonces) == (len(set(kraken.nonces)), 0)
    assert kraken.nonces == sorted(kraken.nonces)


def test_nonces_grow_though_the_clock_goes_back_and_16_threads_ask(world, kraken):
    from coinsphere.exchanges.api import nonces

    taken: list[int] = []
    lock = threading.Lock()

    def take(floor: int) -> None:
        with psycopg.connect(world.url, autocommit=True) as conn:
            following = nonces.counter(lambda: _Kept(conn), b"k" * 32, lambda: floor)
            for _ in range(20):
                number = following()
                with lock:
                    taken.append(number)

    threads = [threading.Thread(target=take, args=[1_000_000 - n * 1000]) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == len(taken) == 320


class _Kept:
    def __init__(self, conn) -> None:
        self._conn = conn

    def __enter__(self):
        return self._conn

    def __exit__(self, *_):
        return None


def test_a_refused_key_is_tried_once_stops_and_is_told_by_mail(world, kraken):
    connection_id = world.connect(kraken)
    kraken.key = "another"
    done = world.sync(connection_id)
    assert (done.status, "Invalid key" in done.error) == ("failed", True)
    private = [line for line in world.server.asked if "private" in line]
    assert len(private) == 1
    state = world.owner.execute(
        "select status, next_sync_at from app.exchange_connections"
    ).fetchone()
    assert state == ("invalid_key", None)
    mails = world.owner.execute("select recipient, subject from app.mails").fetchall()
    assert mails == [("ada@example.org", "Your Kraken account is no longer read")]
    assert syncs.request(world.conn, connection_id) is None
    assert syncs.request_due(world.conn, NOW + timedelta(days=9)) == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [("withdraw-funds", "withdraw"), ("modify-trades", "trade")],
)
def test_a_key_that_became_too_powerful_is_found_within_a_day(world, kraken, name, says):
    connection_id = world.connect(kraken)
    assert world.sync(connection_id).status == "succeeded"
    kraken.permissions.append(name)
    assert world.sync(connection_id).status == "succeeded"
    world.owner.execute(
        "update app.exchange_connections set permissions_checked_at = %s", [NOW - timedelta(days=1)]
    )
    done = world.sync(connection_id)
    assert done.status == "failed"
    assert says in done.error
    row = world.owner.execute(
        "select status, permissions ->> 'verdict' from app.exchange_connections"
    )
    assert row.fetchone() == ("disabled", f"can_{says}")


@pytest.mark.parametrize(
    "fault",
    [
        Refused(500, {"error": ["EService:Unavailable"]}),
        Refused(200, {"error": ["EAPI:Rate limit exceeded"]}),
        Refused(200, "<html>maintenance</html>"),
        Refused(200, {"error": [], "result": {"trades": "no", "count": 1}}),
        CutOff(),
    ],
    ids=["500", "rate limit", "html", "nonsense", "reset"],
)
def test_a_page_that_fails_moves_no_cursor_and_loses_nothing(world, kraken, fault):
    _busy_account(kraken)
    connection_id = world.connect(kraken)
    calls: list[int] = []

    def failing(asked):
        if asked.path.endswith("TradesHistory"):
            calls.append(1)
            if len(calls) > 1:
                raise fault

    world.server.before = failing
    done = world.sync(connection_id)
    # The ledger's 60 rows, and the first page of the trades.
    assert (done.status, done.imported) == ("failed", 110)
    world.server.before = None
    world.accounts.limits.of("kraken").breaker.succeeded()
    done = world.sync(connection_id)
    assert (done.status, done.imported) == ("succeeded", 80)


def test_what_the_runbook_tells_of_is_what_the_list_says(world, kraken, tmp_path):
    """An exchange that is away for all tries, and keys that are; both go on by themselves once what was missing is back."""

    def said() -> tuple[str | None, str | None]:
        world.sync(connection_id)
        return world.owner.execute(
            "select status, last_error from app.exchange_connections"
        ).fetchone()

    connection_id = world.connect(kraken)
    folder, aside = tmp_path / "encryption-keys", tmp_path / "aside"
    world.server.before = lambda _: (_ for _ in ()).throw(CutOff())
    away = said()
    world.server.before = None
    world.accounts.limits.of("kraken").breaker.succeeded()
    folder.rename(aside)
    sealed = said()
    aside.rename(folder)
    back = said()

    runbook = Path("docs/runbooks/exchange-sync.md").read_text()
    named = ("It is tried again at the next time.", "The stored key cannot be opened")
    assert all(words in runbook for words in named)
    assert (away[0], sealed[0], back) == ("active", "active", ("active", None))
    assert away[1] == f"kraken: could not be reached, or broke off its answer. {named[0]}"
    assert sealed[1].startswith(named[1])


def test_a_failure_of_the_database_undoes_the_page_with_its_cursor(world, kraken):
    _busy_account(kraken, trades=3)
    connection_id = world.connect(kraken)
    world.owner.execute("""
        create function app.fail() returns trigger language plpgsql as $$ begin raise 'no room'; end $$;
        create trigger fail before insert on app.exchange_cursors for each row execute function app.fail();
    """)
    world.sync(connection_id)
    assert world.facts() == []
    world.owner.execute("drop trigger fail on app.exchange_cursors")
    (sync_id,) = world.owner.execute("select id from app.exchange_syncs").fetchone()
    syncs.run(world.conn, sync_id, world.accounts, world.keys)
    assert len(world.facts()) == 63


def test_syncs_become_due_and_one_at_a_time_is_open(world, kraken):
    connection_id = world.connect(kraken)
    assert syncs.request_due(world.conn, NOW) == 1
    assert syncs.request_due(world.conn, NOW) == 0
    assert syncs.request_due(world.conn, NOW + timedelta(hours=2)) == 1
    assert world.owner.execute("select count(*) from app.exchange_syncs").fetchone() == (1,)
    assert world.sync(connection_id).status == "succeeded"


def test_another_portfolio_gets_everything_and_a_deleted_one_stops_the_sync(world, kraken):
    _busy_account(kraken, trades=3)
    connection_id = world.connect(kraken)
    world.sync(connection_id)
    world.owner.execute("delete from app.portfolios")
    assert "choose another" in world.sync(connection_id).error
    (other,) = world.owner.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'Other') returning id",
        [world.user_id],
    ).fetchone()
    world.owner.execute("update app.exchange_connections set portfolio_id = %s", [other])
    assert world.sync(connection_id).imported == 63


def test_the_secret_is_in_no_table_log_or_file(world, binance, tmp_path, capfd):
    canary = "c4nary-Zq7-exchange-secret-9XkLm2"
    binance.secret = canary
    binance.balances = {"BTC": ("1", "0")}
    binance.deposits = [exchange_binance.deposit("d1", "BTC", "1", at(3))]
    connection_id = world.connect(binance)
    assert world.sync(connection_id).status == "succeeded"
    binance.secret = "another"
    world.sync(connection_id)
    folder = tmp_path / "left"
    folder.mkdir()
    tables = world.owner.execute(
        "select schemaname || '.' || tablename from pg_tables where schemaname in ('app', 'jobs', 'market')"
    ).fetchall()
    for (table,) in tables:
        rows = world.owner.execute(f"select t::text from {table} t").fetchall()
        (folder / table).write_text("\n".join(row[0] for row in rows))
    (folder / "log").write_text("".join(capfd.readouterr()))
    assert_no_canary(folder, canary)

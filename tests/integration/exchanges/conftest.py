"""A database with a user, local exchanges, and accounts connected to them."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from coinsphere.exchanges import connections
from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.connections import NewConnection
from coinsphere.exchanges.model import Credentials, KeyInfo, Permissions
from coinsphere.exchanges.sync import syncs
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.fakes.exchange_binance import BinanceAccount
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_server import ExchangeServer, serving

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
READS = KeyInfo(Permissions(trade=False, withdraw=False))


def at(days: float) -> int:
    """Epoch milliseconds of so many days before `NOW`."""
    return int((NOW - timedelta(days=days)).timestamp() * 1000)


@dataclass
class World:
    """A user with a portfolio, and the way to the local exchanges."""

    server: ExchangeServer
    conn: psycopg.Connection
    owner: psycopg.Connection
    url: str
    keys: SymmetricKeys
    user_id: UUID
    portfolio_id: UUID
    accounts: Accounts

    def connect(self, account: Any, **values: Any) -> UUID:
        """Connect an account as the API does; its connection's id."""
        secret = Credentials(account.key, account.secret, getattr(account, "passphrase", None))
        new = NewConnection(account.name, secret, self.portfolio_id, **values)
        # The worker's role cannot make connections.
        with self.owner.transaction():
            made = connections.create(
                self.owner, self.keys, self.user_id, new, info=READS, now=self.accounts.clock()
            )
        assert made is not None
        return made.id

    def sync(self, connection_id: UUID) -> syncs.Sync:
        """Do one sync to its end."""
        sync_id = syncs.request(self.conn, connection_id)
        assert sync_id is not None
        with contextlib.suppress(Exception):
            syncs.run(self.conn, sync_id, self.accounts, self.keys, is_last_try=True)
        done = syncs.get(self.conn, sync_id)
        assert done is not None
        return done

    def facts(self) -> list[tuple[Any, ...]]:
        """What the ledger's facts say, by time."""
        return self.owner.execute("""
            select t.type, token.symbol, trim_scale(t.amount), trim_scale(t.price), t.currency, trim_scale(t.fee),
                fee.symbol, counter.symbol, trim_scale(t.counter_amount), t.exchange
            from app.transactions t
            join market.tokens token on token.id = t.token_id
            left join market.tokens fee on fee.id = t.fee_token_id
            left join market.tokens counter on counter.id = t.counter_token_id
            where t.superseded_at is null
            order by t.occurred_at, t.external_id
        """).fetchall()

    def held(self) -> dict[str, Decimal]:
        """What the books say is held."""
        rows = self.owner.execute(
            "select symbol, amount from app.holdings h join market.tokens t on t.id = h.token_id where amount <> 0"
        )
        return {symbol: amount.normalize() for symbol, amount in rows}

    def fingerprint(self) -> str:
        """One hash of every fact and posting, whatever the order in which they were stored."""
        row = self.owner.execute("""
            select md5(string_agg(line, E'\\n' order by line)) from (
                select concat_ws('|', t.external_id, t.type, t.token_id, t.amount, t.price, t.fee, t.occurred_at,
                                 e.account, e.token_id, e.currency, e.amount) as line
                from app.transactions t join app.ledger_entries e on e.transaction_id = t.id
            ) lines
        """).fetchone()
        return str(row[0])

    def unbooked(self) -> dict[str, str]:
        """What is listed as not understood, and why."""
        return dict(
            self.owner.execute("select native_id, reason from app.exchange_unbooked").fetchall()
        )

    def issues(self) -> list[tuple[Any, ...]]:
        """The open differences of balances."""
        return self.owner.execute("""
            select symbol, trim_scale(amount) from app.portfolio_issues i join market.tokens t on t.id = i.token_id
            where kind = 'balance_difference' and state = 'open' order by symbol
        """).fetchall()


@pytest.fixture
def binance() -> BinanceAccount:
    return BinanceAccount()


@pytest.fixture
def kraken() -> KrakenAccount:
    return KrakenAccount()


@pytest.fixture
def exchange_server(binance, kraken) -> Iterator[ExchangeServer]:
    with serving(binance, kraken) as server:
        yield server


@pytest.fixture
def make_world(database, owner, exchange_server, tmp_path: Path) -> Iterator[Callable[..., World]]:
    opened: list[psycopg.Connection] = []

    def make() -> World:
        conn = psycopg.connect(database.worker, autocommit=True, options=_OPTIONS)
        opened.append(conn)
        user_id = owner.execute(
            "insert into app.users (email, password_hash, email_verified) values ('ada@example.org', 'x', true) returning id"
        ).fetchone()[0]
        portfolio_id = owner.execute(
            "insert into app.portfolios (user_id, name) values (%s, 'Mine') returning id", [user_id]
        ).fetchone()[0]
        return World(
            exchange_server,
            conn,
            owner,
            database.worker,
            SymmetricKeys(tmp_path / "encryption-keys"),
            user_id,
            portfolio_id,
            Accounts(exchange_server.url, lambda: NOW, sleep=lambda _: None),
        )

    yield make
    for conn in opened:
        conn.close()


@pytest.fixture
def world(make_world) -> World:
    return make_world()

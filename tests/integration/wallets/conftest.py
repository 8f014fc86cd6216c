"""A wallet on a local EVM, a database with prices, and what reads the one into the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from coinsphere.chains.blockchains import Blockchain
from coinsphere.chains.nodes import Nodes
from coinsphere.portfolio.jobs import recompute
from coinsphere.settings import Settings
from coinsphere.wallets import repository, sync
from coinsphere.wallets.repository import NewWallet, Wallet
from tests.fakes.evm import world
from tests.fakes.evm.chain import NodeServer, served

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
PRICES = {"ETH": "3000", "USDC": "1", "DAI": "1", "CRV": "0.5"}


@pytest.fixture(scope="module")
def node() -> Iterator[NodeServer]:
    """A node of the chain on which the wallet uses everything."""
    with served(NodeServer(world.build())) as server:
        yield server


def node_settings(*pairs: str) -> Settings:
    """Settings whose nodes are these `chain=url` pairs."""
    return Settings(wallet_nodes=SecretStr(",".join(pairs)), wallet_private_networks=True)


@dataclass
class Reader:
    """Reads wallets of one user into a database, an hour later each time."""

    owner: psycopg.Connection
    conn: psycopg.Connection
    nodes: Nodes
    user_id: UUID
    portfolio_id: UUID
    now: datetime = NOW
    made: list[UUID] = field(default_factory=list)

    def connect(
        self, blockchain: str = "ethereum", address: str = world.OWNER, *, booked: bool = False
    ) -> Wallet:
        portfolio_id = self.portfolio_id if booked else None
        new = NewWallet(address, Blockchain(blockchain), portfolio_id=portfolio_id)
        return repository.connect(self.owner, self.user_id, new)

    def sync(self, wallet: Wallet, *, is_last_try: bool = True) -> sync.Sync:
        sync_id = sync.request(self.conn, self.user_id, wallet.id)
        self.run(sync_id, is_last_try=is_last_try)
        found = sync.get(self.conn, sync_id)
        assert found is not None
        return found

    def run(self, sync_id: UUID, *, is_last_try: bool = True) -> None:
        self.now += timedelta(hours=1)
        sync.run(self.conn, sync_id, self.nodes, lambda: self.now, is_last_try=is_last_try)

    def ledger(self) -> dict[str, Decimal]:
        """What the portfolio holds by symbol, once the worker has booked."""
        recompute.update(self.conn, self.user_id, self.now)
        rows = self.conn.execute(
            """select t.symbol, h.amount from app.holdings h join market.tokens t on t.id = h.token_id
               where h.portfolio_id = %s and h.source = 'ledger' and h.amount > 0""",
            [self.portfolio_id],
        )
        return dict(rows.fetchall())


@pytest.fixture
def user(owner: psycopg.Connection) -> tuple[UUID, UUID]:
    """A user and a portfolio, in a database with prices."""
    return make_user(owner)


def make_user(owner: psycopg.Connection) -> tuple[UUID, UUID]:
    """A user and a portfolio, in a database that has prices from then on."""
    owner.execute("insert into market.origin (source) values ('files') on conflict do nothing")
    owner.execute("select market.ensure_price_partitions('2026-11-01', '2026-12-01')")
    for symbol, price in PRICES.items():
        owner.execute(
            """insert into market.quotes (token_id, price, source, observed_at)
               select id, %s, 'test', %s from market.tokens where symbol = %s on conflict do nothing""",
            [price, NOW, symbol],
        )
    row = owner.execute(
        "insert into app.users (email, password_hash) values (gen_random_uuid() || '@example.com', 'x') returning id"
    ).fetchone()
    assert row is not None
    made = owner.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'Main') returning id", row
    ).fetchone()
    assert made is not None
    return row[0], made[0]


Open = Callable[[Settings], Reader]


@pytest.fixture
def open_reader(
    owner: psycopg.Connection, pipeline: psycopg.Connection, user: tuple[UUID, UUID]
) -> Iterator[Open]:
    """Makes readers with the pipeline's role. Wallets are connected by the owner of the schema, as the API is not here."""
    opened: list[Nodes] = []

    def make(settings: Settings) -> Reader:
        nodes = Nodes(settings)
        opened.append(nodes)
        return Reader(owner, pipeline, nodes, *user)

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def reader(open_reader: Open, node: NodeServer) -> Reader:
    """A reader of the chain on which the wallet uses everything."""
    return open_reader(node_settings(f"ethereum={node.url}"))

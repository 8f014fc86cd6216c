"""A user, quotes that a test sets, and alerts on them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from coinsphere.alerts import evaluation, repository
from coinsphere.alerts.evaluation import AlertReport
from coinsphere.alerts.mails import AlertMails
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import OF_PORTFOLIOS, AlertType, Condition
from coinsphere.flags.client import Flags

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
STALE_AFTER = timedelta(minutes=5)
MAILS = AlertMails(Flags("local"), "https://coinsphere.example")

_QUOTE = """
    insert into market.quotes (token_id, price, volume_24h, change_24h, source, quality, observed_at)
    values (%(token)s, %(price)s, %(volume)s, %(change)s, 'kraken', %(quality)s, %(observed_at)s)
    on conflict (token_id) do update set
        price = excluded.price, volume_24h = excluded.volume_24h, change_24h = excluded.change_24h,
        quality = excluded.quality, observed_at = excluded.observed_at
"""


@dataclass
class World:
    """A small world on one connection: what a test says happens, at `now`."""

    conn: psycopg.Connection
    user: UUID
    now: datetime = NOW

    def token(self, symbol: str = "BTC") -> UUID:
        return self.conn.execute(
            "select id from market.tokens where symbol = %s", [symbol]
        ).fetchone()[0]

    def quote(self, price, symbol="BTC", *, quality="ok", age=0, volume=None, change=None) -> None:
        self.conn.execute(
            _QUOTE,
            {
                "token": self.token(symbol),
                "price": price,
                "volume": volume,
                "change": change,
                "quality": quality,
                "observed_at": self.now - timedelta(seconds=age),
            },
        )

    def alert(self, condition="above", threshold=100, alert_type="price", **options) -> UUID:
        if alert_type not in OF_PORTFOLIOS:
            options["token_id"] = self.token()
        new = NewAlert(AlertType(alert_type), Condition(condition), Decimal(threshold), **options)
        return repository.create(self.conn, self.user, new).id

    def evaluate(self, minutes=1) -> AlertReport:
        self.now += timedelta(minutes=minutes)
        self.conn.execute(
            "update market.quotes set observed_at = observed_at + %s", [timedelta(minutes=minutes)]
        )
        return evaluation.evaluate(self.conn, self.now, STALE_AFTER, MAILS)

    def fired(self, *prices) -> list[int]:
        """How many alerts fire at each of `prices`, a minute apart."""
        counts = []
        for price in prices:
            self.quote(price)
            counts.append(self.evaluate().fired)
        return counts

    def scalar(self, query: str):
        return self.conn.execute(query).fetchone()[0]


def add_user(conn: psycopg.Connection, email: str = "ada@example.org") -> UUID:
    return conn.execute(
        "insert into app.users (email, password_hash, email_verified) values (%s, 'x', true) returning id",
        [email],
    ).fetchone()[0]


@pytest.fixture(scope="module")
def conn(module_database):
    """The owner's connection to a database that the tests of a file share."""
    with psycopg.connect(module_database.owner) as opened:
        opened.execute("set search_path = app, market, model, jobs, public")
        opened.commit()
        yield opened


@pytest.fixture
def world(owner: psycopg.Connection) -> World:
    return World(owner, add_user(owner))

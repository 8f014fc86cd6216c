"""A user with two portfolios, closes of three tokens, and facts in few words, on a database of the test's own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from coinsphere.portfolio import recording
from coinsphere.portfolio.jobs import recompute
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import Kind

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
BOOKS = ("lots", "lot_uses", "positions", "position_flows", "portfolio_values_daily", "holdings")
_VOLATILE = {"holdings": ("id", "created_at", "updated_at")}


@dataclass
class World:
    """A user's books on one connection of the pipeline's role, in autocommit."""

    conn: psycopg.Connection
    user: UUID
    main: UUID
    vault: UUID
    tokens: dict[str, UUID]

    def new(  # noqa: PLR0917 - reads as a sentence
        self, kind, symbol, amount, price=None, day=1, hour=10, **fields
    ) -> NewFact:
        values = {"portfolio_id": self.main, **fields}
        for name in ("fee_token", "counter_token"):
            if name in values:
                values[f"{name}_id"] = self.tokens[values.pop(name)]
        return NewFact(
            kind=Kind(kind),
            token_id=self.tokens[symbol],
            amount=Decimal(str(amount)),
            occurred_at=datetime(2026, 2, day, hour, tzinfo=UTC),
            price=None if price is None else Decimal(str(price)),
            **values,
        )

    def record(self, *new: NewFact, at_once: bool = True) -> list[UUID]:
        with self.conn.transaction():
            return recording.record(self.conn, self.user, new, NOW, at_once=at_once).fact_ids

    def work(self) -> None:
        recompute.update(self.conn, self.user, NOW)

    def rebuild(self) -> None:
        recompute.rebuild(self.conn, self.user, NOW)

    def state(self) -> dict[str, list[dict]]:
        """All that is computed, as JSON of every column, in the order of its keys."""
        return {
            table: [
                {key: value for key, value in row[0].items() if key not in _VOLATILE.get(table, ())}
                for row in self.conn.execute(
                    f"select to_jsonb(t) from app.{table} t order by to_jsonb(t)::text"
                )
            ]
            for table in BOOKS
        }


@pytest.fixture
def world(database, owner) -> World:
    row = owner.execute(
        "insert into app.users (email, password_hash) values ('ada@example.com', 'x') returning id"
    ).fetchone()
    portfolios = [
        owner.execute(
            "insert into app.portfolios (user_id, name) values (%s, %s) returning id",
            [row[0], name],
        ).fetchone()[0]
        for name in ("Main", "Vault")
    ]
    tokens = dict(owner.execute("select symbol, id from market.tokens").fetchall())
    for symbol, price in (("BTC", "50000"), ("ETH", "2000"), ("BNB", "500")):
        owner.execute(
            """
            insert into market.price_data
                (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
            select %s, '1d', d, p, p, p, p, 'kraken', true, d
            from generate_series('2026-02-01'::timestamptz, '2026-03-09', '1 day') with ordinality as g (d, n)
            cross join lateral (select %s::numeric + n * 7.123456789 as p) as price
            """,
            [tokens[symbol], price],
        )
    with psycopg.connect(database.pipeline, autocommit=True, options=OPTIONS) as conn:
        yield World(conn, row[0], *portfolios, tokens)

"""The crowd of `make capacity` is made of rows that the product itself would have written."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from bench.capacity import made_up_users
from bench.capacity.made_up_users import Crowd
from coinsphere.local.postgres import SUPERUSER
from coinsphere.portfolio import integrity
from coinsphere.portfolio.jobs import recompute

NOW = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
CROWD = Crowd(users=4, alerts=10, transactions=12, tokens=5)
_BOOKS = {
    "holdings": "portfolio_id, token_id, amount, average_buy_price, source",
    "positions": "portfolio_id, token_id, user_id, from_day, until_day::text, amount, cost, uncosted",
    "position_flows": "portfolio_id, token_id, user_id, day, money_in, money_out, amount_in, amount_out, swap_in, swap_out,"
    " income",
    "lots": "user_id, token_id, number, portfolio_id, account, fact_id, acquired_at, opened_at, quantity, cost, closed_at",
}
_LAST_VALUES = """
    select distinct on (portfolio_id)
        portfolio_id, day, value, cost, uncosted_assets, inflow, outflow, priced_assets, filled_assets, unpriced_assets
    from app.portfolio_values_daily
    order by portfolio_id, day desc
"""
_USERS = "select id from app.users where email like '%@capacity.example' order by 1"


@pytest.fixture
def conn(database):
    url = database.server.url(SUPERUSER, database.name)
    with made_up_users.connect(url) as filling:
        made_up_users.prepare(filling, NOW)
        made_up_users.fill(filling, CROWD, NOW)
    options = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
    with psycopg.connect(database.owner, autocommit=True, options=options) as owner:
        yield owner


def _books(conn: psycopg.Connection) -> dict[str, list]:
    return {
        table: sorted(conn.execute(f"select {columns} from app.{table}").fetchall(), key=str)
        for table, columns in _BOOKS.items()
    } | {"values": conn.execute(_LAST_VALUES).fetchall()}


def test_the_products_own_booking_changes_nothing(conn) -> None:
    made = _books(conn)
    users: list[UUID] = [row[0] for row in conn.execute(_USERS)]
    assert len(users) == CROWD.users
    for user_id in users:
        recompute.rebuild(conn, user_id, NOW)
    booked = _books(conn)
    for name, rows in made.items():
        assert rows == booked[name], name


def test_the_books_are_in_order(conn) -> None:
    wrong = {each.name for each in integrity.check(conn) if not each.holds}
    assert wrong == {"value_days"}  # of the last day alone, as `made_up_users` says


def test_all_of_it_is_there_and_so_are_the_indexes(conn, module_database) -> None:
    def indexes(connection: psycopg.Connection) -> list:
        return connection.execute(
            "select indexname, indexdef from pg_indexes where schemaname = 'app' order by 1"
        ).fetchall()

    with psycopg.connect(module_database.owner) as untouched:
        assert indexes(conn) == indexes(untouched)
    counts = {"alerts": 10, "transactions": 12, "ledger_entries": 48, "sessions": 1, "holdings": 5}
    for table, each in counts.items():
        assert conn.execute(f"select count(*) from app.{table}").fetchone() == (4 * each,), table

"""The second wall: the API's role sees the rows of the user that a transaction acts for, whatever its queries say."""

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from coinsphere.db import owner as acting
from coinsphere.db.owner import Scope
from coinsphere.db.pool import Database

# Neither column nor parent names a user, or what they hold belongs to nobody: the log, switches, counts by hash.
UNOWNED = {
    "exchange_nonces", "audit_logs", "audit_verdict", "books_verdict", "defi_protocols", "defi_yields", "nft_collections", "feature_switches", "flags", "login_failures", "valuation_marks",
    "alert_observations", "alert_reference_prices", "alert_bounds", "alert_revaluations", "backups", "backup_drills", "backup_progress",
}  # fmt: skip
_TABLES = """
    select relname, relrowsecurity and relforcerowsecurity from pg_class
    where relnamespace = 'app'::regnamespace and relkind in ('r', 'p')
"""


@dataclass(frozen=True)
class World:
    """Two users, each with one row in every table of an account's content and credentials."""

    url: str
    ada: UUID
    bob: UUID


_FILL = """
    insert into app.users (email, password_hash) values (%(email)s, 'x') returning id
"""
_ROWS = (
    "insert into app.portfolios (user_id, name) values (%(user)s, 'p')",
    """insert into app.holdings (portfolio_id, token_id, amount)
       select p.id, t.id, 1 from app.portfolios p, market.tokens t
       where p.user_id = %(user)s and t.symbol = 'BTC' limit 1""",
    """insert into app.watched_tokens (user_id, token_id, watched_at)
       select %(user)s, id, now() from market.tokens where symbol = 'BTC' limit 1""",
    """insert into app.alerts (user_id, token_id, alert_type, condition, threshold)
       select %(user)s, id, 'price', 'above', 1 from market.tokens where symbol = 'BTC' limit 1""",
    """insert into app.alert_events (alert_id, fired_at, condition, threshold, observed_value, source, observed_at)
       select id, now(), 'above', 1, 2, 'x', now() from app.alerts where user_id = %(user)s""",
    "insert into app.mails (user_id, recipient, subject, body_text) values (%(user)s, 'a@example.com', 's', 't')",
    """insert into app.sessions (user_id, expires_at) values (%(user)s, now() + interval '1 day')""",
    """insert into app.refresh_tokens (token_hash, session_id, issued_at, expires_at)
       select sha256(id::text::bytea), id, now(), now() + interval '1 day' from app.sessions where user_id = %(user)s""",
    """insert into app.email_verifications (user_id, email, token_hash, expires_at)
       values (%(user)s, 'a@example.com', sha256(%(user)s::text::bytea), now())""",
    """insert into app.password_resets (user_id, token_hash, expires_at)
       values (%(user)s, sha256(%(user)s::text::bytea), now())""",
    """insert into app.api_keys (user_id, name, prefix, key_hash)
       values (%(user)s, 'k', 'cs_live_', sha256(%(user)s::text::bytea))""",
    """insert into app.alert_channels (user_id, kind, name, hint, receiver) values (%(user)s, 'webhook', 'n', 'h', 'x')""",
    """insert into app.alert_channel_choices (alert_id, channel_id)
       select a.id, c.id from app.alerts a join app.alert_channels c using (user_id) where a.user_id = %(user)s""",
    """insert into app.channel_messages (id, channel_id, type, at, title, body, data, due_at)
       select gen_random_uuid(), id, 'test', now(), 't', 'b', '{}', now() from app.alert_channels where user_id = %(user)s""",
    """insert into app.exchange_connections (user_id, exchange, credentials) values (%(user)s, 'kraken', 'x')""",
    """insert into app.wallet_connections (user_id, address, blockchain)
       values (%(user)s, '0x' || repeat('1', 40), 'ethereum')""",
    """insert into app.defi_positions (wallet_id, protocol_id, position_type, amount, observed_at)
       select w.id, p.id, 'staked', 1, now() from app.wallet_connections w, app.defi_protocols p
       where w.user_id = %(user)s limit 1""",
    """insert into app.payment_intents (user_id, provider, plan, amount, currency)
       values (%(user)s, 'x', 'pro', 1, 'USD')""",
    """insert into app.billing_customers (user_id, provider, reference, created_at)
       values (%(user)s, 'stripe', 'cus_' || %(user)s, now())""",
    """insert into app.subscriptions
         (user_id, provider, reference, plan, status, period_started_at, period_ends_at, updated_at)
       values (%(user)s, 'stripe', 'sub_' || %(user)s, 'pro', 'active', now(), now() + interval '1 month', now())""",
    """insert into app.payment_events (provider, reference, topic, user_id, occurred_at, received_at, found_by)
       values ('stripe', 'evt_' || %(user)s, 'invoice.paid', %(user)s, now(), now(), 'webhook')""",
    "insert into app.feedback (user_id, category, body, created_at) values (%(user)s, 'idea', 'b', now())",
    "insert into app.product_events (user_id, name, occurred_at) values (%(user)s, 'registered', now())",
    """with flag as (insert into app.flags values ('f', 1, '[]', null, now()) on conflict do nothing)
       insert into app.experiment_assignments values ('f', 1, %(user)s, 'v', now(), now(), 1)""",
    "insert into app.experiment_outcomes values ('f', 1, %(user)s, 'm', now())",
    """insert into app.alert_verdicts (alert_event_id, user_id, token_hash)
       select e.id, a.user_id, sha256(e.id::text::bytea) from app.alert_events e join app.alerts a on a.id = e.alert_id
       where a.user_id = %(user)s""",
    """insert into app.idempotency_keys (user_id, method, route, key, request_hash)
       values (%(user)s, 'POST', '/', 'k', 'x')""",
)  # fmt: skip
CONTENT = (
    "portfolios", "holdings", "watched_tokens", "alerts", "alert_events", "alert_channels", "alert_channel_choices",
    "channel_messages", "exchange_connections", "wallet_connections", "defi_positions", "payment_intents",
    "billing_customers", "subscriptions", "payment_events", "product_events", "idempotency_keys", "portfolio_states",
)  # fmt: skip
TOLD = ("feedback", "experiment_assignments", "experiment_outcomes")
"""What those who run the system are told of users, or count; they read it in that scope alone."""
LINKED = ("alert_verdicts",)
"""What a link in a mail opens: found before anybody is known, and nothing for those who run the system."""
CREDENTIALS = (
    "users", "sessions", "refresh_tokens", "email_verifications", "password_resets", "api_keys", "mails",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(module_database) -> World:
    users = []
    with psycopg.connect(module_database.owner) as conn:
        for name in ("ada", "bob"):
            row = conn.execute(_FILL, {"email": f"{name}@example.com"}).fetchone()
            assert row is not None
            users.append(row[0])
            for statement in _ROWS:
                assert conn.execute(statement, {"user": row[0]}).rowcount == 1, statement
    return World(module_database.api, *users)


def count(conn: psycopg.Connection, table: str) -> int:
    """How many rows a query without any condition sees."""
    query = sql.SQL("select count(*) from {}").format(sql.Identifier("app", table))
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_every_table_of_users_has_the_wall(owner: psycopg.Connection) -> None:
    walls = dict(owner.execute(_TABLES).fetchall())
    assert {name for name, forced in walls.items() if not forced} <= UNOWNED


@pytest.mark.parametrize("table", CONTENT + TOLD + LINKED + CREDENTIALS)
def test_a_query_without_a_condition_sees_ones_own_rows_alone(world: World, table: str) -> None:
    with psycopg.connect(world.url) as conn:
        assert count(conn, table) == 0
        acting.act_for(conn, world.ada)
        assert count(conn, table) == 1


@pytest.mark.parametrize("table", CONTENT)
def test_content_is_seen_by_its_owner_only_whatever_the_scope(world: World, table: str) -> None:
    for scope in (Scope.AUTHENTICATION, Scope.ADMINISTRATION):
        with psycopg.connect(world.url) as conn:
            acting.act(conn, None, scope)
            assert count(conn, table) == 0


@pytest.mark.parametrize("table", CREDENTIALS)
def test_credentials_are_found_before_anybody_is_known(world: World, table: str) -> None:
    for scope in (Scope.AUTHENTICATION, Scope.ADMINISTRATION):
        with psycopg.connect(world.url) as conn:
            acting.act(conn, None, scope)
            assert count(conn, table) == 2


@pytest.mark.parametrize("table", LINKED)
def test_what_a_link_opens_is_found_before_anybody_is_known(world: World, table: str) -> None:
    for scope, seen in ((Scope.AUTHENTICATION, 2), (Scope.ADMINISTRATION, 0), (Scope.STREAM, 0)):
        with psycopg.connect(world.url) as conn:
            acting.act(conn, None, scope)
            assert count(conn, table) == seen


@pytest.mark.parametrize("table", TOLD)
def test_what_is_told_is_read_by_administrators_alone(world: World, table: str) -> None:
    for scope, seen in ((Scope.AUTHENTICATION, 0), (Scope.ADMINISTRATION, 2), (Scope.STREAM, 0)):
        with psycopg.connect(world.url) as conn:
            acting.act(conn, None, scope)
            assert count(conn, table) == seen


@pytest.mark.parametrize("table", ["portfolios", "alerts", "alert_events", "holdings", "sessions"])
def test_the_stream_reads_all_and_writes_nothing(world: World, table: str) -> None:
    with psycopg.connect(world.url, options="-c app.scope=stream") as conn:
        assert count(conn, table) == 2
        # What is not seen for an update is not updated; alert_events may not even be asked for it.
        try:
            changed = conn.execute(sql.SQL("delete from {}").format(sql.Identifier("app", table)))
        except errors.InsufficientPrivilege:
            return
        assert changed.rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update app.alerts set threshold = 9",
        "delete from app.portfolios",
        "update app.users set role = 'admin'",
        "delete from app.sessions",
    ],
)
def test_a_change_without_a_condition_reaches_ones_own_rows_alone(
    world: World, statement: str
) -> None:
    with psycopg.connect(world.url) as conn:
        acting.act_for(conn, world.ada)
        assert conn.execute(statement).rowcount == 1
        conn.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "insert into app.portfolios (user_id, name) values (%(bob)s, 'planted')",
        "update app.portfolios set user_id = %(bob)s",
        "insert into app.api_keys (user_id, name, prefix, key_hash) values (%(bob)s, 'k', 'p', sha256('x'))",
    ],
)
def test_nothing_is_planted_with_somebody_else(world: World, statement: str) -> None:
    with psycopg.connect(world.url) as conn:
        acting.act_for(conn, world.ada)
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            conn.execute(statement, {"bob": world.bob})


def test_a_pooled_connection_forgets_whom_it_acted_for(world: World) -> None:
    with Database(world.url, size=1) as database:
        with database.connection() as conn:
            backend = conn.info.backend_pid
            acting.act_for(conn, world.ada)
            assert count(conn, "alerts") == 1
        with database.connection() as conn:
            assert conn.info.backend_pid == backend
            assert count(conn, "alerts") == 0
        with pytest.raises(errors.DivisionByZero):
            _fail_for(database, world.ada)
        with database.connection() as conn:
            assert conn.info.backend_pid == backend
            assert count(conn, "alerts") == 0
            acting.act_for(conn, world.bob)
            conn.commit()
            # Not even the rest of the same block: whoever commits in between acts for nobody.
            assert count(conn, "alerts") == 0


def _fail_for(database: Database, user_id: UUID) -> None:
    """A transaction of a user that breaks off."""
    with database.connection() as conn:
        acting.act_for(conn, user_id)
        conn.execute("select 1 / 0")

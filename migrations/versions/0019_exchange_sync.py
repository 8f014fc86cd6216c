"""Exchange accounts: where a sync goes on, what it could not book, balances, nonces, and the syncs themselves."""

from alembic import op

revision = "0019"
down_revision = "0018"

UP = """
alter table app.exchange_connections
    add column account text check (length(account) <= 100),
    add column key_hash bytea check (length(key_hash) = 32),
    add column key_hint text check (length(key_hint) <= 8),
    add column allows_trading boolean not null default false,
    add column markets text[] not null default '{}',
    add column assets text[] not null default '{}',
    add column permissions_checked_at timestamptz,
    add column sync_minutes integer not null default 60 check (sync_minutes between 5 and 10080),
    add column next_sync_at timestamptz;
-- A fingerprint is no secret, but two connections of one user with one key would only do the same twice.
create unique index exchange_connections_key on app.exchange_connections (user_id, key_hash);
create index exchange_connections_due on app.exchange_connections (next_sync_at) where status = 'active';
comment on column app.exchange_connections.account is 'The exchange''s own name of the account, where it tells it';
comment on column app.exchange_connections.key_hash is 'SHA-256 of exchange and API key: names the key for its lock and its nonces';
comment on column app.exchange_connections.key_hint is 'The last four characters of the API key, which the API shows';
comment on column app.exchange_connections.assets is 'What the account holds or ever moved; only grows';

create table app.exchange_nonces (
    key_hash bytea primary key check (length(key_hash) = 32),
    last bigint not null
);
comment on table app.exchange_nonces is 'The last nonce of each key: it never goes back, so rows outlive their connections';

create table app.exchange_cursors (
    connection_id uuid not null references app.exchange_connections on delete cascade,
    stream text not null check (length(stream) between 1 and 100),
    position jsonb not null,
    updated_at timestamptz not null,
    primary key (connection_id, stream)
);

create table app.exchange_unbooked (
    connection_id uuid not null references app.exchange_connections on delete cascade,
    native_id text not null check (length(native_id) between 1 and 200),
    record jsonb not null,
    reason text not null check (length(reason) <= 200),
    occurred_at timestamptz not null,
    found_at timestamptz not null,
    primary key (connection_id, native_id)
);
comment on table app.exchange_unbooked is 'Records that cannot be booked yet, like those of an asset that we do not know: nothing is lost';

create table app.exchange_balances (
    connection_id uuid not null references app.exchange_connections on delete cascade,
    asset text not null check (length(asset) between 1 and 100),
    token_id uuid references market.tokens,
    amount numeric(38, 18) not null,
    observed_at timestamptz not null,
    primary key (connection_id, asset)
);
create index exchange_balances_token_id on app.exchange_balances (token_id);

create table app.exchange_syncs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    connection_id uuid not null references app.exchange_connections on delete cascade,
    status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
    stream text,
    imported integer not null default 0,
    known integer not null default 0,
    unbooked integer not null default 0,
    error text check (length(error) <= 500),
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
);
create index exchange_syncs_connection_id on app.exchange_syncs (connection_id, created_at desc);
create index exchange_syncs_user_id on app.exchange_syncs (user_id);
-- One sync of a connection waits or runs at a time; asking again answers with that one.
create unique index exchange_syncs_open on app.exchange_syncs (connection_id) where status in ('queued', 'running');

-- What the ledger says that an account holds. Without nested loops: after a first sync the planner knows nothing of a
-- hundred thousand new rows, and went through them once for each.
create function app.booked_of_account(of_portfolio uuid, of_name text) returns table (token_id uuid, amount numeric)
language sql stable set enable_nestloop = off as $$
    select e.token_id, sum(e.amount)
    from app.transactions t
    join app.ledger_entries e on e.transaction_id = t.id
    where t.portfolio_id = of_portfolio and t.source = 'exchange' and t.exchange = of_name
        and e.portfolio_id = of_portfolio and e.account = 'holding' and e.token_id is not null
    group by e.token_id
$$;

-- What an exchange says that an account holds, beside that.
create view app.exchange_differences with (security_invoker = true) as
with accounts as (
    select id as connection_id, portfolio_id, left(exchange || coalesce(':' || label, ''), 50) as name
    from app.exchange_connections c
    where portfolio_id is not null and exists (select from app.exchange_balances b where b.connection_id = c.id)
),
booked as (
    select connection_id, token_id, amount
    from accounts cross join lateral app.booked_of_account(portfolio_id, name)
),
told as (
    select connection_id, token_id, sum(amount) as amount
    from app.exchange_balances where token_id is not null group by connection_id, token_id
)
select accounts.portfolio_id, connection_id, token_id, coalesce(told.amount, 0) - coalesce(booked.amount, 0) as amount
from booked
full join told using (connection_id, token_id)
join accounts using (connection_id)
where coalesce(told.amount, 0) <> coalesce(booked.amount, 0);

grant select, insert, update on app.exchange_nonces to coinsphere_api, coinsphere_pipeline;
grant select on app.exchange_cursors, app.exchange_unbooked, app.exchange_balances, app.exchange_differences
    to coinsphere_api;
grant select, insert, update on app.exchange_syncs to coinsphere_api, coinsphere_pipeline;
grant select, insert, update, delete on app.exchange_cursors, app.exchange_unbooked, app.exchange_balances
    to coinsphere_pipeline;
grant select on app.exchange_differences to coinsphere_pipeline;
grant update (status, last_error, last_synced_at, next_sync_at, permissions, permissions_checked_at, account, assets,
    updated_at) on app.exchange_connections to coinsphere_pipeline;

-- Another portfolio, or none after its deletion, gets everything anew.
create function app.forget_exchange_cursors() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from app.exchange_cursors where connection_id = new.id;
    delete from app.exchange_unbooked where connection_id = new.id;
    return null;
end $$;
create trigger exchange_connections_forget after update of portfolio_id on app.exchange_connections
    for each row when (old.portfolio_id is distinct from new.portfolio_id)
    execute function app.forget_exchange_cursors();
revoke execute on function app.forget_exchange_cursors from public;
"""
# The API writes credentials and cannot read them back; the worker's role reads them one by one.
SEALED = """
revoke select on app.exchange_connections from coinsphere_api;
grant select (
    id, user_id, portfolio_id, exchange, label, permissions, status, last_synced_at, last_error, created_at, updated_at,
    account, key_hash, key_hint, allows_trading, markets, assets, permissions_checked_at, sync_minutes, next_sync_at
) on app.exchange_connections to coinsphere_api, coinsphere_pipeline;

create function app.sealed_exchange_credentials(connection_id uuid) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp
return (select c.credentials from app.exchange_connections c where c.id = connection_id);
revoke execute on function app.sealed_exchange_credentials from public;
grant execute on function app.sealed_exchange_credentials to coinsphere_pipeline;
"""
PARTS = ("exchange_cursors", "exchange_unbooked", "exchange_balances")
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api using ({own}) with check ({own});
create policy pipeline on app.{table} to coinsphere_pipeline using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
STREAMED = ("exchange_syncs", "exchange_connections")
STREAM = """
create policy stream on app.{table} for select to coinsphere_api using (app.acting_scope() = 'stream');
"""

DOWN = """
drop policy stream on app.exchange_connections;
grant select on app.exchange_connections to coinsphere_api;
drop function app.sealed_exchange_credentials;
revoke all on app.exchange_connections from coinsphere_pipeline;
drop trigger exchange_connections_forget on app.exchange_connections;
drop function app.forget_exchange_cursors;
drop view app.exchange_differences;
drop function app.booked_of_account;
drop table app.exchange_syncs, app.exchange_balances, app.exchange_unbooked, app.exchange_cursors, app.exchange_nonces;
drop index app.exchange_connections_due;
drop index app.exchange_connections_key;
alter table app.exchange_connections
    drop column account, drop column key_hash, drop column key_hint, drop column allows_trading, drop column markets,
    drop column assets, drop column permissions_checked_at, drop column sync_minutes, drop column next_sync_at;
"""


def upgrade() -> None:
    op.execute(UP)
    op.execute(SEALED)
    for table in PARTS:
        own = "connection_id in (select id from app.exchange_connections)"
        op.execute(WALL.format(table=table, own=own))
    op.execute(WALL.format(table="exchange_syncs", own="user_id = app.acting_user()"))
    for table in STREAMED:
        op.execute(STREAM.format(table=table))


def downgrade() -> None:
    op.execute(DOWN)

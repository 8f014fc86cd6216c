"""Wallets that are read: nonces of proofs, balances, ticked tokens, syncs; DeFi positions by name, and yields."""

from alembic import op

revision = "0020"
down_revision = "0019"

UP = """
alter table app.wallet_connections
    add column portfolio_id uuid references app.portfolios on delete set null,
    add column last_block bigint check (last_block >= 0),
    add column last_error text,
    add check (length(last_error) <= 500);
create index wallet_connections_portfolio_id on app.wallet_connections (portfolio_id);
create trigger wallet_connections_touch before update on app.wallet_connections
    for each row execute function app.touch_updated_at();
comment on column app.wallet_connections.portfolio_id is 'Whose ledger the balances are booked in; none: only looked at';

create table app.wallet_nonces (
    nonce text primary key check (length(nonce) between 8 and 96),
    user_id uuid not null references app.users on delete cascade,
    session_id uuid not null,
    expires_at timestamptz not null
);
create index wallet_nonces_user_id on app.wallet_nonces (user_id);
comment on table app.wallet_nonces is 'Of EIP-4361: made here, good once for the session that asked';

create table app.wallet_tokens (
    wallet_id uuid not null references app.wallet_connections on delete cascade,
    contract_address text not null check (length(contract_address) between 10 and 128),
    added_at timestamptz not null default now(),
    primary key (wallet_id, contract_address)
);
comment on table app.wallet_tokens is 'Tokens that the user wants to see beside the curated ones';

create table app.wallet_balances (
    id uuid primary key default gen_random_uuid(),
    wallet_id uuid not null references app.wallet_connections on delete cascade,
    contract_address text not null check (length(contract_address) <= 128),
    token_id uuid references market.tokens,
    symbol text,
    amount numeric(38, 18) not null check (amount >= 0),
    booked numeric(38, 18) not null default 0 check (booked >= 0),
    block_number bigint,
    observed_at timestamptz not null,
    unique (wallet_id, contract_address)
);
create index wallet_balances_token_id on app.wallet_balances (token_id);
comment on column app.wallet_balances.contract_address is 'Empty for the coin of the chain';
comment on column app.wallet_balances.booked is 'What of the amount the ledger of the portfolio was told';

create table app.wallet_syncs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    wallet_id uuid not null references app.wallet_connections on delete cascade,
    status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    imported integer not null default 0 check (imported >= 0),
    error text
);
create index wallet_syncs_user_id on app.wallet_syncs (user_id);
create index wallet_syncs_wallet_id on app.wallet_syncs (wallet_id, created_at desc);

alter table app.defi_positions
    add column position_key text not null default gen_random_uuid()::text check (length(position_key) <= 300),
    add column contract_address text not null default '' check (length(contract_address) <= 128),
    add column symbol text,
    add column opened_at timestamptz not null default now();
create unique index defi_positions_open on app.defi_positions (wallet_id, protocol_id, position_key)
    where closed_at is null;
comment on column app.defi_positions.position_key is 'Names it at its protocol for as long as it is open';

create table app.defi_yields (
    protocol_id uuid not null references app.defi_protocols on delete cascade,
    pool text not null check (length(pool) between 1 and 100),
    blockchain text not null,
    symbol text not null,
    tvl numeric(38, 18) not null check (tvl >= 0),
    apy numeric(38, 18),
    apy_base numeric(38, 18),
    apy_reward numeric(38, 18),
    observed_at timestamptz not null,
    primary key (protocol_id, pool)
);
comment on table app.defi_yields is 'Yearly yields in percent of the largest pools of a protocol, as DefiLlama tells';
"""
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api using ({own}) with check ({own});
create policy pipeline on app.{table} to coinsphere_pipeline using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
OWNED = ("wallet_nonces", "wallet_syncs")
PARTS = ("wallet_tokens", "wallet_balances")
RIGHTS = """
grant select, insert, update, delete on app.wallet_nonces, app.wallet_tokens, app.wallet_balances, app.wallet_syncs
    to coinsphere_api;
grant select on app.defi_yields to coinsphere_api;
grant select, update on app.wallet_connections to coinsphere_pipeline;
grant select on app.wallet_tokens to coinsphere_pipeline;
grant select, insert, update, delete on app.wallet_syncs to coinsphere_pipeline;
grant select, insert, update on app.wallet_balances, app.defi_positions to coinsphere_pipeline;
grant insert on app.defi_protocols to coinsphere_pipeline;
grant select, insert, update, delete on app.defi_yields to coinsphere_pipeline;
"""
DOWN = """
revoke all on app.wallet_connections, app.defi_positions from coinsphere_pipeline;
revoke insert on app.defi_protocols from coinsphere_pipeline;
drop table app.defi_yields;
drop index app.defi_positions_open;
alter table app.defi_positions
    drop column position_key, drop column contract_address, drop column symbol, drop column opened_at;
drop table app.wallet_syncs, app.wallet_balances, app.wallet_tokens, app.wallet_nonces;
drop trigger wallet_connections_touch on app.wallet_connections;
alter table app.wallet_connections
    drop column portfolio_id, drop column last_block, drop column last_error;
"""


def upgrade() -> None:
    op.execute(UP)
    for table in OWNED:
        op.execute(WALL.format(table=table, own="user_id = app.acting_user()"))
    for table in PARTS:
        own = "wallet_id in (select id from app.wallet_connections)"
        op.execute(WALL.format(table=table, own=own))
    op.execute(RIGHTS)


def downgrade() -> None:
    op.execute(DOWN)

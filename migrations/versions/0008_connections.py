"""Exchanges, wallets, DeFi positions and NFTs."""

from alembic import op

revision = "0008"
down_revision = "0007"

UP = """
create table app.exchange_connections (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    portfolio_id uuid references app.portfolios on delete set null,
    exchange text not null check (length(exchange) between 1 and 50),
    label text check (length(label) <= 100),
    credentials bytea not null,
    permissions jsonb not null default '{}',
    status text not null default 'active' check (status in ('active', 'invalid_key', 'disabled')),
    last_synced_at timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index exchange_connections_user_id on app.exchange_connections (user_id);
create index exchange_connections_portfolio_id on app.exchange_connections (portfolio_id);
comment on column app.exchange_connections.credentials is 'Sealed by envelope encryption; only the worker opens them';

create table app.wallet_connections (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    address text not null check (length(address) between 10 and 200),
    blockchain text not null check (blockchain in ('ethereum', 'polygon', 'optimism', 'arbitrum', 'base', 'bsc', 'bitcoin', 'solana')),
    label text check (length(label) <= 100),
    ownership text not null default 'watch' check (ownership in ('verified', 'watch')),
    status text not null default 'active' check (status in ('active', 'syncing', 'error', 'disabled')),
    last_synced_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index wallet_connections_key on app.wallet_connections (user_id, blockchain, lower(address));

create table app.defi_protocols (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique,
    name text not null,
    category text not null check (category in ('dex', 'lending', 'staking', 'yield')),
    blockchain text not null,
    logo_url text,
    website text,
    tvl numeric(38, 18) check (tvl >= 0),
    tvl_observed_at timestamptz,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((tvl is null) = (tvl_observed_at is null))
);

create table app.defi_positions (
    id uuid primary key default gen_random_uuid(),
    wallet_id uuid not null references app.wallet_connections on delete cascade,
    protocol_id uuid not null references app.defi_protocols,
    token_id uuid references market.tokens,
    position_type text not null check (position_type in ('supplied', 'borrowed', 'staked', 'liquidity', 'reward')),
    amount numeric(38, 18) not null check (amount >= 0),
    details jsonb not null default '{}',
    observed_at timestamptz not null,
    closed_at timestamptz
);
create index defi_positions_wallet_id on app.defi_positions (wallet_id);
create index defi_positions_protocol_id on app.defi_positions (protocol_id);
create index defi_positions_token_id on app.defi_positions (token_id);

create table app.nft_collections (
    id uuid primary key default gen_random_uuid(),
    blockchain text not null,
    contract_address text not null,
    name text not null,
    symbol text,
    image_url text,
    floor_price numeric(38, 18) check (floor_price >= 0),
    floor_price_observed_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index nft_collections_contract_key on app.nft_collections (blockchain, lower(contract_address));

create table app.nfts (
    id uuid primary key default gen_random_uuid(),
    collection_id uuid not null references app.nft_collections on delete cascade,
    wallet_id uuid not null references app.wallet_connections on delete cascade,
    serial_number text not null,
    name text,
    image_url text,
    observed_at timestamptz not null,
    unique (collection_id, serial_number, wallet_id)
);
create index nfts_wallet_id on app.nfts (wallet_id);
comment on column app.nfts.serial_number is 'ERC-721 tokenId in decimal; it exceeds every integer type';
"""

DOWN = """
drop table app.nfts, app.nft_collections, app.defi_positions, app.defi_protocols, app.wallet_connections,
    app.exchange_connections;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

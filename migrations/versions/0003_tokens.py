"""Tokens and what is known about them."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = """
create table market.tokens (
    id uuid primary key default gen_random_uuid(),
    symbol text not null check (symbol = upper(symbol) and length(symbol) between 1 and 20),
    name text not null check (length(name) between 1 and 100),
    blockchain text not null check (length(blockchain) between 1 and 50),
    coingecko_id text unique,
    contract_address text check (length(contract_address) between 1 and 128),
    decimals smallint check (decimals between 0 and 36),
    logo_url text,
    peg_usd numeric(38, 18) check (peg_usd > 0),
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
-- A symbol is not unique in the world; a contract on its chain is, in any spelling of its letters.
create unique index tokens_contract_key on market.tokens (blockchain, lower(contract_address));
create index tokens_symbol on market.tokens (symbol);
create trigger tokens_touch before update on market.tokens for each row execute function app.touch_updated_at();
comment on column market.tokens.peg_usd is 'US dollars that one unit promises to be worth; null unless a stablecoin';

create table market.token_metadata (
    token_id uuid primary key references market.tokens on delete cascade,
    market_cap_rank integer check (market_cap_rank > 0),
    circulating_supply numeric(38, 18) check (circulating_supply >= 0),
    total_supply numeric(38, 18) check (total_supply >= 0),
    max_supply numeric(38, 18) check (max_supply >= 0),
    all_time_high numeric(38, 18) check (all_time_high > 0),
    all_time_high_at timestamptz,
    all_time_low numeric(38, 18) check (all_time_low > 0),
    all_time_low_at timestamptz,
    source text not null,
    observed_at timestamptz not null,
    ingested_at timestamptz not null default now()
);

-- Where prices come from is decided once: real and simulated rows never share a database.
create table market.origin (
    is_only boolean primary key default true check (is_only),
    source text not null check (source in ('live', 'files', 'simulated')),
    location text,
    seed bigint,
    decided_at timestamptz not null default now(),
    check ((source = 'simulated') = (seed is not null))
);
"""

DOWN = """
drop table market.origin, market.token_metadata, market.tokens;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

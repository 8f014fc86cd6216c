"""Portfolios, holdings and transactions."""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = """
create table app.portfolios (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    name text not null check (length(name) between 1 and 100),
    description text check (length(description) <= 500),
    icon text check (length(icon) <= 50),
    currency text not null default 'USD' check (length(currency) between 1 and 20),
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index portfolios_user_id on app.portfolios (user_id);
create trigger portfolios_touch before update on app.portfolios
    for each row execute function app.touch_updated_at();

create table app.holdings (
    id uuid primary key default gen_random_uuid(),
    portfolio_id uuid not null references app.portfolios on delete cascade,
    token_id uuid not null references market.tokens,
    amount numeric(38, 18) not null check (amount >= 0),
    average_buy_price numeric(38, 18) check (average_buy_price >= 0),
    source text not null default 'manual' check (source in ('manual', 'ledger', 'exchange', 'wallet')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (portfolio_id, token_id, source)
);
create index holdings_token_id on app.holdings (token_id);
create trigger holdings_touch before update on app.holdings for each row execute function app.touch_updated_at();

create table app.transactions (
    id uuid primary key default gen_random_uuid(),
    portfolio_id uuid not null references app.portfolios on delete cascade,
    token_id uuid not null references market.tokens,
    type text not null check (type in (
        'buy', 'sell', 'transfer_in', 'transfer_out', 'deposit', 'withdrawal', 'fee', 'reward', 'staking', 'airdrop',
        'interest', 'swap', 'gift', 'lost', 'opening_balance'
    )),
    amount numeric(38, 18) not null check (amount > 0),
    price numeric(38, 18) check (price >= 0),
    fee numeric(38, 18) check (fee >= 0),
    fee_token_id uuid references market.tokens,
    notes text check (length(notes) <= 2000),
    tx_hash text check (length(tx_hash) <= 200),
    exchange text check (length(exchange) <= 50),
    occurred_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index transactions_portfolio on app.transactions (portfolio_id, occurred_at);
create index transactions_token_id on app.transactions (token_id);
create index transactions_fee_token_id on app.transactions (fee_token_id);
create trigger transactions_touch before update on app.transactions
    for each row execute function app.touch_updated_at();
"""

DOWN = """
drop table app.transactions, app.holdings, app.portfolios;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

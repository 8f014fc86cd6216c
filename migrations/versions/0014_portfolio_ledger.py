"""The portfolio engine: facts with their history, the ledger, lots, daily positions and values, issues, imports."""

from alembic import op

revision = "0014"
down_revision = "0013"

# What is computed has 60 digits before the point: a huge holding of a dear token must not end everybody's valuation.

PORTFOLIOS = """
alter table app.portfolios
    add column lot_method text not null default 'fifo' check (lot_method in ('fifo', 'lifo', 'hifo', 'average')),
    add column lot_scope text not null default 'portfolio' check (lot_scope in ('portfolio', 'account')),
    add column transfer_tolerance numeric(38, 18) not null default 0.005 check (transfer_tolerance between 0 and 0.5),
    add column transfer_hours smallint not null default 20 check (transfer_hours between 0 and 720);

create table app.portfolio_states (
    portfolio_id uuid primary key references app.portfolios on delete cascade,
    user_id uuid not null,
    transaction_count bigint not null default 0 check (transaction_count >= 0),
    revision bigint not null default 0,
    first_day date,
    valued_at timestamptz
);
comment on column app.portfolio_states.revision is 'Grows with every change of facts, holdings or values: what ETags are made of';

create function app.open_portfolio_state() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.portfolio_states (portfolio_id, user_id) values (new.id, new.user_id);
    return null;
end $$;
create trigger portfolios_open_state after insert on app.portfolios
    for each row execute function app.open_portfolio_state();
insert into app.portfolio_states (portfolio_id, user_id) select id, user_id from app.portfolios;
"""

BATCHES = """
create table app.import_batches (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    format text not null check (format in ('coinsphere', 'coinbase', 'kraken', 'binance', 'koinly', 'generic')),
    mapping jsonb,
    file_name text check (length(file_name) <= 200),
    content bytea,
    status text not null default 'previewed' check (status in ('previewed', 'queued', 'running', 'succeeded', 'failed')),
    rows_total integer not null default 0,
    rows_done integer not null default 0,
    rows_imported integer not null default 0,
    rows_known integer not null default 0,
    problems jsonb not null default '[]',
    problem_count integer not null default 0,
    error text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
);
create index import_batches_portfolio_id on app.import_batches (portfolio_id, created_at desc);
comment on column app.import_batches.content is 'The file, until it is imported or a newer preview takes its place';
"""

FACTS = """
drop trigger transactions_touch on app.transactions;
alter table app.transactions
    add column user_id uuid,
    add column fact_id uuid,
    add column version integer not null default 1 check (version >= 1),
    add column currency text not null default 'USD' check (length(currency) between 1 and 20),
    add column counter_token_id uuid references market.tokens,
    add column counter_amount numeric(38, 18) check (counter_amount > 0),
    add column source text not null default 'manual' check (source in ('manual', 'import', 'exchange', 'wallet')),
    add column external_id text check (length(external_id) <= 200),
    add column batch_id uuid references app.import_batches on delete set null,
    add column superseded_at timestamptz,
    add check ((type = 'swap') = (counter_token_id is not null)),
    add check ((counter_token_id is null) = (counter_amount is null)),
    add check (counter_token_id <> token_id);
update app.transactions set
    fact_id = transactions.id,
    user_id = portfolios.user_id
from app.portfolios
where portfolios.id = transactions.portfolio_id;
alter table app.transactions alter column user_id set not null, alter column fact_id set not null;
comment on table app.transactions is 'Facts: a row is one version of one, never changed; the current one is not superseded';
comment on column app.transactions.fact_id is 'Names the fact through all its versions: the id that the API shows';
comment on column app.transactions.currency is 'Of the price, and of a fee without fee_token_id';
comment on column app.transactions.external_id is 'Names a fact at its source: importing it again finds it known';

create unique index transactions_current on app.transactions (fact_id) where superseded_at is null;
create index transactions_history on app.transactions (fact_id, version);
-- By the first version: an imported fact that the user corrected, or withdrew, stays so when it is imported again.
create unique index transactions_external_key on app.transactions (portfolio_id, external_id)
    where version = 1 and external_id is not null;
create index transactions_counter_token_id on app.transactions (counter_token_id);
create index transactions_batch_id on app.transactions (batch_id);
drop index app.transactions_portfolio;
create index transactions_portfolio on app.transactions (portfolio_id, occurred_at desc, fact_id desc)
    where superseded_at is null;
create index transactions_of_portfolio on app.transactions (portfolio_id);
create index transactions_booked on app.transactions (user_id, token_id, occurred_at) where superseded_at is null;
create index transactions_booked_fee on app.transactions (user_id, fee_token_id, occurred_at)
    where superseded_at is null and fee_token_id is not null;
create index transactions_booked_counter on app.transactions (user_id, counter_token_id, occurred_at)
    where superseded_at is null and counter_token_id is not null;

create function app.keep_fact() returns trigger language plpgsql as $$
begin
    if old.superseded_at is not null
        or (to_jsonb(new) - 'superseded_at' - 'batch_id') is distinct from (to_jsonb(old) - 'superseded_at' - 'batch_id')
    then
        raise exception 'a transaction is a fact: it can only be superseded' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger transactions_keep_fact before update on app.transactions
    for each row execute function app.keep_fact();
"""

LEDGER = """
create table app.ledger_entries (
    id bigint generated always as identity primary key,
    user_id uuid not null,
    portfolio_id uuid not null,
    transaction_id uuid not null references app.transactions on delete cascade,
    account text not null check (account in ('holding', 'trade', 'external', 'transfer', 'income', 'fee', 'lost', 'opening')),
    token_id uuid,
    currency text,
    amount numeric(38, 18) not null check (amount <> 0),
    is_reversal boolean not null default false,
    booked_at timestamptz not null default now(),
    check ((token_id is null) <> (currency is null))
);
create index ledger_entries_transaction_id on app.ledger_entries (transaction_id);
create index ledger_entries_balance on app.ledger_entries (portfolio_id, token_id) include (amount) where account = 'holding';
comment on table app.ledger_entries is 'Double entry: the entries of a transaction sum to zero for each asset; corrections are reversals';

create function app.require_balance() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    event uuid := case when tg_op = 'DELETE' then old.transaction_id else new.transaction_id end;
begin
    if exists (
        select from app.ledger_entries
        where transaction_id = event
        group by token_id, currency
        having sum(amount) <> 0
    ) then
        raise exception 'the ledger entries of transaction % do not sum to zero', event using errcode = 'check_violation';
    end if;
    return null;
end $$;
create constraint trigger ledger_entries_balance after insert or update or delete on app.ledger_entries
    deferrable initially deferred for each row execute function app.require_balance();
"""

BOOKS = """
create table app.transfer_matches (
    out_fact_id uuid not null,
    in_fact_id uuid not null,
    user_id uuid not null references app.users on delete cascade,
    token_id uuid not null,
    state text not null check (state in ('matched', 'confirmed', 'rejected')),
    decided_at timestamptz not null default now(),
    primary key (out_fact_id, in_fact_id)
);
create unique index transfer_matches_out on app.transfer_matches (out_fact_id) where state <> 'rejected';
create unique index transfer_matches_in on app.transfer_matches (in_fact_id) where state <> 'rejected';
create index transfer_matches_booked on app.transfer_matches (user_id, token_id);

create table app.lots (
    user_id uuid not null,
    token_id uuid not null,
    number integer not null,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    account text not null,
    fact_id uuid not null,
    acquired_at timestamptz not null,
    opened_at timestamptz not null,
    quantity numeric(78, 18) not null check (quantity > 0),
    cost numeric(78, 18),
    closed_at timestamptz,
    primary key (user_id, token_id, number)
);
create index lots_portfolio_id on app.lots (portfolio_id, token_id) where closed_at is null;
create index lots_of_portfolio on app.lots (portfolio_id);

create table app.lot_uses (
    user_id uuid not null,
    token_id uuid not null,
    number integer not null,
    lot_number integer,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    account text not null,
    fact_id uuid not null,
    kind text not null check (kind in ('sale', 'swap', 'fee', 'lost', 'gift', 'withdrawal', 'transfer', 'pooled')),
    used_at timestamptz not null,
    quantity numeric(78, 18) not null check (quantity > 0),
    cost numeric(78, 18),
    proceeds numeric(78, 18),
    primary key (user_id, token_id, number)
);
create index lot_uses_lot on app.lot_uses (user_id, token_id, lot_number);
create index lot_uses_fact_id on app.lot_uses (fact_id);
create index lot_uses_gains on app.lot_uses (portfolio_id, used_at) where kind in ('sale', 'swap', 'fee', 'lost');
create index lot_uses_of_portfolio on app.lot_uses (portfolio_id);
comment on column app.lot_uses.lot_number is 'Null where more was used than was held: its cost is unknown';

create table app.positions (
    portfolio_id uuid not null references app.portfolios on delete cascade,
    token_id uuid not null,
    user_id uuid not null,
    from_day date not null,
    until_day date not null default 'infinity' check (until_day > from_day),
    amount numeric(78, 18) not null check (amount >= 0),
    cost numeric(78, 18) not null,
    uncosted numeric(78, 18) not null check (uncosted >= 0 and uncosted <= amount),
    primary key (portfolio_id, token_id, from_day)
);
create index positions_booked on app.positions (user_id, token_id, from_day);
comment on table app.positions is 'What is held at the end of each day of [from_day, until_day); cost is that of all but uncosted units';

create table app.position_flows (
    portfolio_id uuid not null references app.portfolios on delete cascade,
    token_id uuid not null,
    user_id uuid not null,
    day date not null,
    money_in numeric(78, 18) not null,
    money_out numeric(78, 18) not null,
    amount_in numeric(78, 18) not null,
    amount_out numeric(78, 18) not null,
    swap_in numeric(78, 18) not null,
    swap_out numeric(78, 18) not null,
    income numeric(78, 18) not null,
    primary key (portfolio_id, token_id, day)
);
create index position_flows_booked on app.position_flows (user_id, token_id, day);

create table app.portfolio_values_daily (
    portfolio_id uuid not null references app.portfolios on delete cascade,
    day date not null,
    user_id uuid not null,
    value numeric(78, 18),
    cost numeric(78, 18) not null,
    uncosted_assets integer not null,
    inflow numeric(78, 18),
    outflow numeric(78, 18),
    growth numeric(78, 18),
    priced_assets integer not null,
    filled_assets integer not null,
    unpriced_assets integer not null,
    primary key (portfolio_id, day)
);
comment on table app.portfolio_values_daily is 'Value at the end of each day in the currency of the portfolio, of what has a price';
comment on column app.portfolio_values_daily.value is 'Null where the currency has no rate on that day';
comment on column app.portfolio_values_daily.growth is 'What one unit of money in the portfolio since its first day has become, flows taken out';
comment on column app.portfolio_values_daily.filled_assets is 'Assets valued at the close of an earlier day';

create table app.booking_marks (
    id bigint generated always as identity primary key,
    user_id uuid not null references app.users on delete cascade,
    token_id uuid not null,
    since timestamptz not null
);
create index booking_marks_user_id on app.booking_marks (user_id);
create table app.valuation_marks (
    id bigint generated always as identity primary key,
    user_id uuid not null,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    from_day date not null
);
create index valuation_marks_user_id on app.valuation_marks (user_id);
create index valuation_marks_portfolio_id on app.valuation_marks (portfolio_id);
comment on table app.booking_marks is 'What changed and is not booked yet: written with the change, deleted with the booking';
comment on table app.valuation_marks is 'From which day on values are not what positions and prices say';

create table app.portfolio_issues (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    kind text not null check (kind in ('negative_balance', 'missing_cost', 'unmatched_transfer', 'unpriced_asset', 'balance_difference')),
    token_id uuid not null,
    fact_id uuid,
    amount numeric(78, 18),
    state text not null default 'open' check (state in ('open', 'resolved', 'dismissed')),
    found_at timestamptz not null default now(),
    settled_at timestamptz,
    note text check (length(note) <= 500),
    check ((state = 'open') = (settled_at is null)),
    unique nulls not distinct (portfolio_id, kind, token_id, fact_id)
);
create index portfolio_issues_open on app.portfolio_issues (portfolio_id, state, found_at desc);
create index portfolio_issues_booked on app.portfolio_issues (user_id, token_id);

create table app.portfolio_shares (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    secret_hash bytea not null unique check (length(secret_hash) = 32),
    hides_amounts boolean not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index portfolio_shares_portfolio_id on app.portfolio_shares (portfolio_id);
comment on column app.portfolio_shares.secret_hash is 'SHA-256 of the secret in the link, which is shown once';

create table app.portfolio_syncs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    portfolio_id uuid not null references app.portfolios on delete cascade,
    status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    imported integer not null default 0,
    error text
);
create index portfolio_syncs_portfolio_id on app.portfolio_syncs (portfolio_id);
comment on table app.portfolio_syncs is 'Asked-for rebuilds: everything booked and valued anew from the facts';

create table market.exchange_rates (
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    day date not null,
    per_euro numeric(38, 18) not null check (per_euro > 0),
    source text not null,
    ingested_at timestamptz not null default now(),
    primary key (currency, day)
);
comment on table market.exchange_rates is 'Units of a currency for one euro: reference rates of the European Central Bank';
"""

PRICED = """
-- What a position was worth on each day, for whoever wants it by asset; the daily totals are stored.
create view app.position_values_daily with (security_invoker = true) as
select
    p.portfolio_id, p.token_id, day::date as day, p.amount, p.cost, p.uncosted,
    known.close,
    (p.amount * known.close)::numeric(78, 18) as value_usd, known.opened_at::date < day::date as is_filled
from app.positions p
cross join lateral generate_series(
    p.from_day::timestamp, least(p.until_day, current_date + 1)::timestamp - interval '1 day', interval '1 day'
) as day
left join lateral (
    select c.close, c.opened_at
    from market.price_data c
    where c.token_id = p.token_id and c.interval = '1d' and c.opened_at <= day at time zone 'UTC'
    order by c.opened_at desc
    limit 1
) known on true
where p.amount > 0;
"""

# The second wall: whatever a query of the API says, it sees the rows of the user that the transaction acts for.
OWNED = (
    "transactions", "ledger_entries", "transfer_matches", "lots", "lot_uses", "positions", "position_flows",
    "portfolio_values_daily", "portfolio_states", "booking_marks", "valuation_marks", "portfolio_issues",
    "import_batches", "portfolio_shares", "portfolio_syncs",
)  # fmt: skip
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api
    using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
create policy pipeline on app.{table} to coinsphere_pipeline using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
# Whoever has the secret of a link may look it up, and learns whom to act for.
SHARING = """
create function app.find_share(secret bytea, at timestamptz)
returns table (user_id uuid, portfolio_id uuid, hides_amounts boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.user_id, s.portfolio_id, s.hides_amounts
    from app.portfolio_shares s
    where s.secret_hash = secret and s.revoked_at is null and (s.expires_at is null or s.expires_at > at)
$$;
revoke execute on function app.find_share, app.require_balance, app.open_portfolio_state from public;
grant execute on function app.find_share to coinsphere_api;
"""

GRANTS = """
grant select, insert, update, delete on
    app.transfer_matches, app.lots, app.lot_uses, app.positions, app.position_flows, app.portfolio_values_daily,
    app.booking_marks, app.valuation_marks, app.portfolio_issues, app.import_batches,
    app.portfolio_syncs
    to coinsphere_api, coinsphere_pipeline;
grant select, insert, update, delete on app.portfolio_shares to coinsphere_api;
grant select, update on app.portfolio_states to coinsphere_api, coinsphere_pipeline;
grant select, insert on app.ledger_entries to coinsphere_api, coinsphere_pipeline;
grant select on app.position_values_daily to coinsphere_api, coinsphere_pipeline;
-- Facts are not deleted, but with the portfolio that they belong to.
revoke delete on app.transactions from coinsphere_api;
grant select, insert, update on app.transactions to coinsphere_pipeline;
grant insert, update, delete on app.holdings to coinsphere_pipeline;
grant usage on all sequences in schema app to coinsphere_api, coinsphere_pipeline;
grant select on market.exchange_rates to coinsphere_api, coinsphere_readonly;
grant select, insert, update on market.exchange_rates to coinsphere_pipeline;
"""

DOWN = """
drop function app.find_share;
drop view app.position_values_daily;
drop table market.exchange_rates, app.portfolio_syncs, app.portfolio_shares, app.portfolio_issues, app.valuation_marks, app.booking_marks,
    app.portfolio_values_daily, app.position_flows, app.positions, app.lot_uses, app.lots, app.transfer_matches,
    app.ledger_entries;
drop function app.require_balance;
drop policy owner_of_rows on app.transactions;
drop policy pipeline on app.transactions;
drop policy owner_of_schema on app.transactions;
alter table app.transactions disable row level security, no force row level security;
drop trigger transactions_keep_fact on app.transactions;
drop function app.keep_fact;
-- What was before knows one version of a fact only.
delete from app.transactions where superseded_at is not null;
drop index app.transactions_portfolio;
alter table app.transactions
    drop column user_id, drop column fact_id, drop column version, drop column currency, drop column counter_token_id,
    drop column counter_amount, drop column source, drop column external_id, drop column batch_id,
    drop column superseded_at;
drop index if exists app.transactions_of_portfolio;
create index transactions_portfolio on app.transactions (portfolio_id, occurred_at);
create trigger transactions_touch before update on app.transactions
    for each row execute function app.touch_updated_at();
drop table app.import_batches;
drop trigger portfolios_open_state on app.portfolios;
drop function app.open_portfolio_state;
drop table app.portfolio_states;
alter table app.portfolios
    drop column lot_method, drop column lot_scope, drop column transfer_tolerance, drop column transfer_hours;
grant delete on app.transactions to coinsphere_api;
revoke select, insert, update on app.transactions from coinsphere_pipeline;
revoke insert, update, delete on app.holdings from coinsphere_pipeline;
"""


def upgrade() -> None:
    for part in (PORTFOLIOS, BATCHES, FACTS, LEDGER, BOOKS, PRICED):
        op.execute(part)
    for table in OWNED:
        op.execute(WALL.format(table=table))
    op.execute(SHARING)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute(DOWN)

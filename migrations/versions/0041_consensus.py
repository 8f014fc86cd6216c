"""The price that venues agree on, minute by minute, with all that it was made of: added to, never changed."""

from alembic import op

revision = "0041"
down_revision = "0040"

UP = """
create table market.consensus (
    id bigint generated always as identity primary key,
    token_id uuid references market.tokens on delete cascade,
    currency text check (currency ~ '^[A-Z]{3,5}$'),
    valid_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    price numeric(38, 18) check (price > 0),
    confidence numeric(38, 18) check (confidence >= 0),
    agreed_at timestamptz check (agreed_at <= valid_at),
    state text not null check (state in ('ok', 'thin', 'single', 'stale')),
    venues smallint not null check (venues >= 0),
    jump text check (jump in ('waiting', 'confirmed')),
    candidate numeric(38, 18) check (candidate > 0),
    usual_move numeric(38, 18) not null check (usual_move >= 0),
    method smallint not null,
    constituents jsonb not null,
    check (num_nonnulls(token_id, currency) = 1),
    check ((price is null) = (agreed_at is null))
);
create index consensus_token on market.consensus (token_id, valid_at desc);
create index consensus_currency on market.consensus (currency, valid_at desc) where currency is not null;
create index consensus_valid_at on market.consensus using brin (valid_at);
comment on table market.consensus is 'What venues agreed on about a token, or a currency that is no token, in US dollars';
comment on column market.consensus.agreed_at is
    'When the price was agreed on: before valid_at where nobody could be believed, or a jump waits';
comment on column market.consensus.venues is 'How many venues voted';
comment on column market.consensus.usual_move is 'Mean move of a minute in basis points, newer ones weighing more';
comment on column market.consensus.constituents is 'Each market: what it said, its weight, and why it was left out';

create function market.forget_consensus(before timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    forgotten integer;
begin
    if before > clock_timestamp() - interval '7 days' then
        raise exception 'prices of the last seven days are kept' using errcode = 'check_violation';
    end if;
    delete from market.consensus c
    where c.valid_at < before and exists (
        select from market.consensus earlier
        where earlier.token_id is not distinct from c.token_id and earlier.currency is not distinct from c.currency
            and earlier.valid_at >= date_trunc('hour', c.valid_at) and earlier.valid_at < c.valid_at
    );
    get diagnostics forgotten = row_count;
    return forgotten;
end $$;
comment on function market.forget_consensus is 'Deletes what is older, but for the first of each hour; how many that were';

revoke execute on function market.forget_consensus from public;
grant execute on function market.forget_consensus to coinsphere_pipeline;
grant select, insert on market.consensus to coinsphere_pipeline;
grant select on market.consensus to coinsphere_api, coinsphere_worker, coinsphere_readonly;
"""

DOWN = """
drop function market.forget_consensus;
drop table market.consensus;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

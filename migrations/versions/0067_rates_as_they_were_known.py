"""An exchange rate that changes, or ends, leaves what was believed before, as a final candle does."""

from alembic import op

revision = "0067"
down_revision = "0064"

UP = """
create table market.rate_revisions (
    id bigint generated always as identity primary key,
    currency text not null,
    day date not null,
    per_euro numeric(38, 18) not null check (per_euro > 0),
    source text not null,
    believed_from timestamptz not null,
    believed_until timestamptz not null check (believed_until >= believed_from),
    revised_by text not null,
    reason text not null
);
create index rate_revisions_rate on market.rate_revisions (currency, day);
create index rate_revisions_believed_until on market.rate_revisions (believed_until);
comment on table market.rate_revisions is 'What an exchange rate was, from when to when it was believed';
comment on column market.rate_revisions.per_euro is 'Units of the currency for one euro';
comment on column market.rate_revisions.revised_by is 'The source that corrected it, or the role that removed it';

-- The instant is that at which the new row is stored, so at each moment one of them holds.
create function market.keep_rate_revision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into market.rate_revisions
        (currency, day, per_euro, source, believed_from, believed_until, revised_by, reason)
    values
        (old.currency, old.day, old.per_euro, old.source, old.ingested_at,
         greatest(old.ingested_at, case when tg_op = 'DELETE' then now() else new.ingested_at end),
         case when tg_op = 'DELETE' then session_user else new.source end,
         case when tg_op = 'DELETE' then 'removed' when old.source = new.source then 'corrected by its source'
              else 'replaced by another source' end);
    return null;
end $$;
create trigger exchange_rates_revisions after update on market.exchange_rates for each row
when (old.per_euro <> new.per_euro)
execute function market.keep_rate_revision();
create trigger exchange_rates_removals after delete on market.exchange_rates for each row
execute function market.keep_rate_revision();

create function market.rates_known(wanted text, moment timestamptz)
returns table (currency text, day date, per_euro numeric(38, 18), source text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select currency, day, per_euro, source from market.exchange_rates
    where currency = wanted and ingested_at <= moment
    union all
    select currency, day, per_euro, source from market.rate_revisions
    where currency = wanted and believed_from <= moment and moment < believed_until;
$$;
comment on function market.rates_known is 'The rates of a currency as they were believed to be at that moment';
revoke execute on function market.rates_known, market.keep_rate_revision from public;
grant execute on function market.rates_known
    to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;
revoke insert, update, delete on market.rate_revisions from coinsphere_pipeline;
grant select on market.rate_revisions to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;
"""

DOWN = """
drop function market.rates_known;
drop trigger exchange_rates_removals on market.exchange_rates;
drop trigger exchange_rates_revisions on market.exchange_rates;
drop function market.keep_rate_revision;
drop table market.rate_revisions;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

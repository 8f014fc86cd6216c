"""Whatever changes of a final candle leaves what was believed before, who changed it and why."""

from alembic import op

revision = "0046"
down_revision = "0045"

UP = """
alter table market.price_revisions
    add column quality text not null default 'ok',
    add column observed_at timestamptz,
    add column revised_by text,
    add column reason text;
comment on table market.price_revisions is 'What a final candle said, from when to when it was believed';
comment on column market.price_revisions.revised_by is 'The source that corrected it, or the role that judged or removed it';

create or replace function market.keep_price_revision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    is_corrected boolean := tg_op <> 'DELETE'
        and (old.open, old.high, old.low, old.close, old.volume)
            is distinct from (new.open, new.high, new.low, new.close, new.volume);
begin
    insert into market.price_revisions
        (token_id, interval, opened_at, open, high, low, close, volume, source, quality, observed_at, believed_from,
         believed_until, revised_by, reason)
    values
        (old.token_id, old.interval, old.opened_at, old.open, old.high, old.low, old.close, old.volume, old.source,
         old.quality, old.observed_at, old.ingested_at, case when tg_op = 'DELETE' then clock_timestamp() else new.ingested_at end,
         case when is_corrected then new.source else session_user end,
         case
             when tg_op = 'DELETE' then 'removed'
             when is_corrected then 'corrected by its source'
             else 'judged ' || new.quality
         end);
    return null;
end $$;
drop trigger price_data_revisions on market.price_data;
create trigger price_data_revisions after update on market.price_data for each row
when (
    old.is_final
    and (old.open, old.high, old.low, old.close, old.volume, old.quality)
        is distinct from (new.open, new.high, new.low, new.close, new.volume, new.quality)
)
execute function market.keep_price_revision();
create trigger price_data_removals after delete on market.price_data for each row
when (old.is_final)
execute function market.keep_price_revision();

create function market.candles_known(wanted uuid, moment timestamptz)
returns table (
    token_id uuid, "interval" text, opened_at timestamptz, open numeric, high numeric, low numeric, close numeric,
    volume numeric, source text, quality text, ingested_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select token_id, interval, opened_at, open, high, low, close, volume, source, quality, ingested_at
    from market.price_data
    where token_id = wanted and is_final and ingested_at <= moment
    union all
    select token_id, interval, opened_at, open, high, low, close, volume, source, quality, believed_from
    from market.price_revisions
    where token_id = wanted and believed_from <= moment and moment < believed_until;
$$;
comment on function market.candles_known is 'The final candles of a token as they were believed to be at that moment';
revoke execute on function market.candles_known from public;
grant execute on function market.candles_known
    to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;
"""

DOWN = """
drop function market.candles_known;
drop trigger price_data_removals on market.price_data;
drop trigger price_data_revisions on market.price_data;
create or replace function market.keep_price_revision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into market.price_revisions
        (token_id, interval, opened_at, open, high, low, close, volume, source, believed_from)
    values
        (old.token_id, old.interval, old.opened_at, old.open, old.high, old.low, old.close, old.volume, old.source,
         old.ingested_at);
    return null;
end $$;
create trigger price_data_revisions after update on market.price_data for each row
when (
    old.is_final
    and (old.open, old.high, old.low, old.close, old.volume)
        is distinct from (new.open, new.high, new.low, new.close, new.volume)
)
execute function market.keep_price_revision();
alter table market.price_revisions
    drop column quality, drop column observed_at, drop column revised_by, drop column reason;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

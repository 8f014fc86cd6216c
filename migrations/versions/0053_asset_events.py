"""What happens to a token's name and unit: events, the line of candles across them, and lots that are carried over."""

from alembic import op

revision = "0053"
down_revision = "0052"

UP = """
create table market.asset_events (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in
        ('rename', 'redenomination', 'swap', 'split', 'delisting', 'relisting', 'ticker_reuse')),
    token_id uuid not null references market.tokens,
    successor_id uuid references market.tokens check (successor_id <> token_id),
    old_units numeric(38, 18) not null default 1 check (old_units > 0),
    new_units numeric(38, 18) not null default 1 check (new_units > 0),
    happened_at timestamptz not null,
    reason text not null check (length(reason) between 3 and 500),
    recorded_at timestamptz not null default clock_timestamp(),
    recorded_by text not null check (length(recorded_by) between 1 and 200),
    applied_at timestamptz,
    removed_at timestamptz,
    removed_by text,
    removal_reason text check (length(removal_reason) between 3 and 500),
    check (num_nonnulls(removed_at, removed_by, removal_reason) in (0, 3)),
    check (kind not in ('swap', 'split', 'ticker_reuse') or successor_id is not null),
    check (kind not in ('redenomination', 'delisting', 'relisting') or successor_id is null),
    check (old_units = new_units or kind in ('redenomination', 'swap', 'split')),
    -- A day's candle has one unit, and so have the facts that its close values.
    check (kind <> 'redenomination' or happened_at = date_trunc('day', happened_at, 'UTC'))
);
create unique index asset_events_heir on market.asset_events (token_id)
    where kind in ('rename', 'swap') and successor_id is not null and removed_at is null;
create unique index asset_events_unit on market.asset_events (token_id, happened_at)
    where kind = 'redenomination' and removed_at is null;
create index asset_events_token_id on market.asset_events (token_id);
create index asset_events_successor_id on market.asset_events (successor_id);
comment on table market.asset_events is
    'What happened to tokens: `old_units` of the token became `new_units` of its successor, or of itself';
comment on column market.asset_events.applied_at is
    'When listings, alerts and books were brought in line with it, or with its removal; null while that is due';

create function market.keep_asset_event() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if (to_jsonb(new) - '{applied_at,removed_at,removed_by,removal_reason}'::text[])
            is distinct from (to_jsonb(old) - '{applied_at,removed_at,removed_by,removal_reason}'::text[])
        or old.removed_at is not null and (to_jsonb(new) - 'applied_at') is distinct from (to_jsonb(old) - 'applied_at')
    then
        raise exception 'an asset event can only be applied or removed' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger asset_events_keep before update on market.asset_events
    for each row execute function market.keep_asset_event();
revoke update on market.asset_events from coinsphere_pipeline;
grant insert on market.asset_events to coinsphere_api, coinsphere_pipeline;
grant update (applied_at) on market.asset_events to coinsphere_worker;
grant update (applied_at, removed_at, removed_by, removal_reason) on market.asset_events
    to coinsphere_api, coinsphere_pipeline;
grant select on market.asset_events to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;

-- A change of unit ends a segment at its instant. Behind a token's own first candle lie those of what it was before.
create function market.price_line(wanted uuid, moment timestamptz)
returns table (
    source_id uuid, "interval" text, from_at timestamptz, until_at timestamptz, old_units numeric, new_units numeric,
    recorded_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    with recursive line as (
        select wanted as source_id, i.interval, 'infinity'::timestamptz as until_at, 1::numeric as old_units,
            1::numeric as new_units, '-infinity'::timestamptz as recorded_at, 0 as depth
        from (values ('1h'), ('1d')) as i (interval)
        union all
        select before.token_id, line.interval, before.until_at, line.old_units * before.old_units,
            line.new_units * before.new_units, greatest(line.recorded_at, before.recorded_at), line.depth + 1
        from line
        cross join lateral (
            select e.token_id, e.old_units, e.new_units, e.recorded_at, case
                when e.kind = 'redenomination' then e.happened_at
                else least(line.until_at, (
                    select min(p.opened_at) from market.price_data p
                    where p.token_id = line.source_id and p.interval = line.interval and p.is_final
                ))
            end as until_at
            from market.asset_events e
            where case e.kind
                    when 'redenomination' then e.token_id = line.source_id
                    else e.kind in ('rename', 'swap') and e.successor_id = line.source_id
                end
                and (e.token_id = line.source_id or e.successor_id = line.source_id)
                and (e.kind <> 'redenomination' or e.happened_at < line.until_at)
                and e.happened_at <= least(clock_timestamp(), moment) and e.recorded_at <= moment
                and (e.removed_at is null or e.removed_at > moment)
            order by e.kind = 'redenomination' desc, e.happened_at desc, e.recorded_at
            limit 1
        ) before
        where line.depth < 20
    )
    select l.source_id, l.interval,
        coalesce(lead(l.until_at) over (partition by l.interval order by l.depth), '-infinity'), l.until_at,
        l.old_units, l.new_units, l.recorded_at
    from line l;
$$;
comment on function market.price_line is
    'Of which tokens the candles of a token are, and how many old units became how many of today''s, known at that moment';

create function market.candles_in_line(wanted uuid, moment timestamptz)
returns table (
    token_id uuid, "interval" text, opened_at timestamptz, open numeric, high numeric, low numeric, close numeric,
    volume numeric, source text, quality text, is_final boolean, observed_at timestamptz, ingested_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select wanted, p.interval, p.opened_at, round(p.open * l.old_units / l.new_units, 18),
        round(p.high * l.old_units / l.new_units, 18),
        round(p.low * l.old_units / l.new_units, 18),
        round(p.close * l.old_units / l.new_units, 18),
        round(case when p.volume * l.new_units / l.old_units < 1e20 then p.volume * l.new_units / l.old_units end, 18), p.source, p.quality, p.is_final, p.observed_at,
        greatest(p.ingested_at, l.recorded_at)
    from market.price_line(wanted, 'infinity') l
    join market.price_data p on p.token_id = l.source_id and p.interval = l.interval
        and p.opened_at >= l.from_at and p.opened_at < l.until_at
    where moment = 'infinity' and round(p.low * l.old_units / l.new_units, 18) > 0
        and p.high * l.old_units / l.new_units < 1e20
    union all
    select wanted, p.interval, p.opened_at, round(p.open * l.old_units / l.new_units, 18),
        round(p.high * l.old_units / l.new_units, 18),
        round(p.low * l.old_units / l.new_units, 18),
        round(p.close * l.old_units / l.new_units, 18),
        round(case when p.volume * l.new_units / l.old_units < 1e20 then p.volume * l.new_units / l.old_units end, 18), p.source, p.quality, true, null,
        greatest(p.ingested_at, l.recorded_at)
    from market.price_line(wanted, moment) l
    cross join lateral market.candles_known(l.source_id, moment) p
    where moment <> 'infinity' and p.interval = l.interval and p.opened_at >= l.from_at and p.opened_at < l.until_at
        and round(p.low * l.old_units / l.new_units, 18) > 0
        and p.high * l.old_units / l.new_units < 1e20;
$$;
comment on function market.candles_in_line is
    'The candles of a token and of what it was before, in its unit of today, as they are known now or were at that moment';

create view market.adjusted_candles with (security_invoker) as
with lines as (
    select coalesce(successor_id, token_id) as token_id
    from market.asset_events
    where removed_at is null and (kind = 'redenomination' or kind in ('rename', 'swap') and successor_id is not null)
    group by 1
)
select p.token_id, p.interval, p.opened_at, p.open, p.high, p.low, p.close, p.volume, p.source, p.quality, p.is_final,
    p.observed_at, p.ingested_at
from market.price_data p
where not exists (select from lines where lines.token_id = p.token_id)
union all
select c.token_id, c.interval, c.opened_at, c.open::numeric(38, 18), c.high::numeric(38, 18), c.low::numeric(38, 18),
    c.close::numeric(38, 18), c.volume::numeric(38, 18), c.source, c.quality, c.is_final,
    c.observed_at, c.ingested_at
from lines
cross join lateral market.candles_in_line(lines.token_id, 'infinity') c;
comment on view market.adjusted_candles is 'All candles in the units of today, those of a token''s predecessor as its own';
revoke execute on function market.price_line, market.candles_in_line from public;
grant execute on function market.price_line, market.candles_in_line
    to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;
revoke insert, update on market.adjusted_candles from coinsphere_pipeline;
grant select on market.adjusted_candles to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;

grant update (is_active) on market.tokens to coinsphere_worker;

alter table app.lot_uses drop constraint lot_uses_kind_check;
alter table app.lot_uses add constraint lot_uses_kind_check check (kind in
    ('sale', 'swap', 'fee', 'lost', 'gift', 'withdrawal', 'transfer', 'pooled', 'conversion'));
"""

DOWN = """
delete from app.lot_uses where kind = 'conversion';
alter table app.lot_uses drop constraint lot_uses_kind_check;
alter table app.lot_uses add constraint lot_uses_kind_check check (kind in
    ('sale', 'swap', 'fee', 'lost', 'gift', 'withdrawal', 'transfer', 'pooled'));
drop view market.adjusted_candles;
revoke update (is_active) on market.tokens from coinsphere_worker;
drop function market.candles_in_line, market.price_line;
drop table market.asset_events;
drop function market.keep_asset_event;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

"""What a person decides about data that was set aside or refused: functions that do just that, for API and pipeline."""

from alembic import op

revision = "0036"
down_revision = "0035"

UP = """
alter table market.quarantine
    add column resolved_by text,
    add column resolution_reason text;
comment on column market.quarantine.resolution is 'accepted: used after all; rejected: a person confirms that it is wrong';

-- Each works on what stands in the two lists and nowhere else: the API needs no right to write prices.
create function market.follow_set_aside(moment timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    -- A candle whose quality changes counts as new: what was computed from it is computed again.
    with wanted as (
        select token_id, about,
            case
                when bool_or(state = 'held') then 'suspect'
                when bool_or(state = 'released') then 'confirmed'
                else 'ok'
            end as quality
        from market.set_aside
        where scope = 'candle' and (changed_at = moment or state = 'held')
        group by token_id, about
    )
    update market.price_data stored set quality = wanted.quality, ingested_at = clock_timestamp()
    from wanted
    where stored.token_id = wanted.token_id and stored.interval = '1d' and stored.opened_at = wanted.about
        and stored.quality <> wanted.quality;

    update market.quotes stored set quality = wanted.quality
    from (
        select token_id, about, case when bool_or(state = 'held') then 'suspect' else 'ok' end as quality
        from market.set_aside
        where scope = 'quote' and (changed_at = moment or state = 'held')
        group by token_id, about
    ) as wanted
    where stored.token_id = wanted.token_id and stored.observed_at = wanted.about and stored.quality <> wanted.quality;
$$;
comment on function market.follow_set_aside is
    'Lets the quality of candles and quotes say what the list says: of all that is held, and what changed at `moment`';

create function market.release_set_aside(entries bigint[], moment timestamptz, actor text, why text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    released integer;
begin
    update market.set_aside
    set state = 'released', changed_at = moment, changed_by = actor, change_reason = why
    where id = any(entries) and state = 'held';
    get diagnostics released = row_count;
    perform market.follow_set_aside(moment);
    return released;
end $$;
comment on function market.release_set_aside is 'Lets entries that are held be used again; how many were';

create function market.remove_set_aside(entries bigint[], moment timestamptz, actor text, why text) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with removed as (
        update market.set_aside
        set state = 'removed', changed_at = moment, changed_by = actor, change_reason = why
        where id = any(entries) and state = 'held' and scope = 'candle'
        returning token_id, about, reason
    ),
    gone as (
        delete from market.price_data p
        using (select token_id, about, string_agg(reason, ' ') as reason from removed group by token_id, about) as r
        where p.token_id = r.token_id and p.interval = '1d' and p.opened_at = r.about
        returning p.*, r.reason
    ),
    kept as (
        insert into market.quarantine
            (token_id, kind, source, reason, payload, resolved_at, resolution, resolved_by, resolution_reason)
        select token_id, 'candle', source, 'removed by ' || actor || ': ' || reason,
            jsonb_build_object('interval', interval, 'openedAt', opened_at, 'open', open::text, 'high', high::text,
                'low', low::text, 'close', close::text, 'volume', volume::text, 'isFinal', is_final::text),
            moment, 'rejected', actor, why
        from gone
    )
    select count(*)::integer from removed;
$$;
comment on function market.remove_set_aside is
    'Takes candles that are held out of the history, into the quarantine; how many entries were';

create function market.reject_refused(refused bigint[], moment timestamptz, actor text, why text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    rejected integer;
begin
    update market.quarantine
    set resolved_at = moment, resolution = 'rejected', resolved_by = actor, resolution_reason = why
    where id = any(refused) and resolved_at is null;
    get diagnostics rejected = row_count;
    return rejected;
end $$;
comment on function market.reject_refused is 'Lets rows that were refused wait no longer; how many did';

-- A daily candle that somebody vouches for is believed by the suite, too: its entry says so.
create function market.accept_refused(refused bigint, moment timestamptz, actor text, why text, because text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    waiting record;
begin
    update market.quarantine
    set resolved_at = moment, resolution = 'accepted', resolved_by = actor, resolution_reason = why
    where id = refused and resolved_at is null and token_id is not null and kind in ('candle', 'quote')
    returning *, (payload ->> 'openedAt')::timestamptz as opened_at into waiting;
    if waiting is null then
        return false;
    end if;
    if waiting.kind = 'quote' then
        insert into market.quotes as stored
            (token_id, price, volume_24h, market_cap, change_24h, source, observed_at)
        values (waiting.token_id, (waiting.payload ->> 'price')::numeric, (waiting.payload ->> 'volume24h')::numeric,
            (waiting.payload ->> 'marketCap')::numeric, (waiting.payload ->> 'change24h')::numeric, waiting.source,
            waiting.quarantined_at)
        on conflict (token_id) do update set
            price = excluded.price, volume_24h = excluded.volume_24h, market_cap = excluded.market_cap,
            change_24h = excluded.change_24h, source = excluded.source, quality = 'ok',
            observed_at = excluded.observed_at, ingested_at = now()
        where stored.observed_at < excluded.observed_at;
        return true;
    end if;
    perform market.ensure_price_partitions(waiting.opened_at::date, waiting.opened_at::date);
    insert into market.price_data as stored
        (token_id, interval, opened_at, open, high, low, close, volume, source, quality, is_final, observed_at)
    values (waiting.token_id, waiting.payload ->> 'interval', waiting.opened_at, (waiting.payload ->> 'open')::numeric,
        (waiting.payload ->> 'high')::numeric, (waiting.payload ->> 'low')::numeric,
        (waiting.payload ->> 'close')::numeric, (waiting.payload ->> 'volume')::numeric, waiting.source, 'confirmed',
        (waiting.payload ->> 'isFinal')::boolean, waiting.quarantined_at)
    on conflict (token_id, interval, opened_at) do update set
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, source = excluded.source, quality = excluded.quality, is_final = excluded.is_final,
        observed_at = excluded.observed_at, ingested_at = clock_timestamp();
    if waiting.payload ->> 'interval' = '1d' then
        insert into market.set_aside
            (token_id, scope, about, rule, reason, evidence, since, state, changed_at, changed_by, change_reason)
        values (waiting.token_id, 'candle', waiting.opened_at, because, waiting.reason,
            jsonb_build_object('close', waiting.payload ->> 'close'), moment, 'released', moment, actor, why)
        on conflict (token_id, scope, rule, about) where state in ('held', 'released') do update set
            state = 'released', changed_at = moment, changed_by = actor, change_reason = why;
        perform market.follow_set_aside(moment);
    end if;
    return true;
end $$;
comment on function market.accept_refused is
    'Uses a candle or quote that was refused on arrival after all; false where no such row waits';

revoke execute on function market.follow_set_aside, market.release_set_aside, market.remove_set_aside,
    market.reject_refused, market.accept_refused from public;
grant execute on function market.follow_set_aside to coinsphere_pipeline;
grant execute on function market.release_set_aside, market.remove_set_aside, market.reject_refused,
    market.accept_refused to coinsphere_api, coinsphere_pipeline;
"""

DOWN = """
drop function market.accept_refused, market.reject_refused, market.remove_set_aside, market.release_set_aside,
    market.follow_set_aside;
alter table market.quarantine drop column resolved_by, drop column resolution_reason;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

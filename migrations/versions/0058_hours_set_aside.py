"""Candles of hours are set aside, released and removed as those of days are: by token and hour."""

from alembic import op

revision = "0058"
down_revision = "0057"

_FUNCTIONS = """
create or replace function market.follow_set_aside(moment timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    -- A candle whose quality changes counts as new: what was computed from it is computed again.
    with wanted as (
        select token_id, about, INTERVAL as interval,
            case
                when bool_or(state = 'held') then 'suspect'
                when bool_or(state = 'released') then 'confirmed'
                else 'ok'
            end as quality
        from market.set_aside
        where CANDLES and (changed_at = moment or state = 'held')
        group by token_id, about, scope
    )
    update market.price_data stored set quality = wanted.quality, ingested_at = clock_timestamp()
    from wanted
    where stored.token_id = wanted.token_id and stored.interval = wanted.interval and stored.opened_at = wanted.about
        and stored.quality <> wanted.quality;

    -- Where prices come from candle files, a quote is the close of the newest candle, and no better than that.
    update market.quotes stored set quality = wanted.quality
    from (
        select token_id, about, INTERVAL as interval,
            case when bool_or(state = 'held') then 'suspect' else 'ok' end as quality
        from market.set_aside
        where CANDLES and (changed_at = moment or state = 'held')
        group by token_id, about, scope
    ) as wanted
    join market.price_data p
        on p.token_id = wanted.token_id and p.interval = wanted.interval and p.opened_at = wanted.about
    where stored.token_id = p.token_id and stored.source = p.source and stored.price = p.close
        and stored.observed_at = p.opened_at + case p.interval when '1h' then interval '1 hour' else interval '1 day' end
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

create or replace function market.remove_set_aside(entries bigint[], moment timestamptz, actor text, why text)
returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with removed as (
        update market.set_aside
        set state = 'removed', changed_at = moment, changed_by = actor, change_reason = why
        where id = any(entries) and state = 'held' and CANDLES
        returning token_id, about, INTERVAL as interval, reason
    ),
    gone as (
        delete from market.price_data p
        using (
            select token_id, about, interval, string_agg(reason, ' ') as reason
            from removed group by token_id, about, interval
        ) as r
        where p.token_id = r.token_id and p.interval = r.interval and p.opened_at = r.about
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

create or replace function market.accept_refused(
    refused bigint, moment timestamptz, actor text, why text, because text
) returns boolean
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
    if waiting.payload ->> 'interval' in (VOUCHED) then
        insert into market.set_aside
            (token_id, scope, about, rule, reason, evidence, since, state, changed_at, changed_by, change_reason)
        values (waiting.token_id, case waiting.payload ->> 'interval' when '1h' then 'hour' else 'candle' end,
            waiting.opened_at, because, waiting.reason, jsonb_build_object('close', waiting.payload ->> 'close'), moment,
            'released', moment, actor, why)
        on conflict (token_id, scope, rule, about) where state in ('held', 'released') do update set
            state = 'released', changed_at = moment, changed_by = actor, change_reason = why;
        perform market.follow_set_aside(moment);
    end if;
    return true;
end $$;
"""
_SCOPES = """
alter table market.set_aside drop constraint set_aside_scope_check;
alter table market.set_aside add constraint set_aside_scope_check
    check (scope in ('candle', 'hour', 'quote', 'token', 'forecast'));
comment on column market.set_aside.about is
    'Start of the candle of a day or an hour, time of the quote, origin of the forecast; null for a token';
"""
_WITHOUT_HOURS = """
update market.price_data set quality = 'ok' where interval = '1h' and quality <> 'ok';
delete from market.set_aside_trail where set_aside_id in (select id from market.set_aside where scope = 'hour');
delete from market.set_aside where scope = 'hour';
alter table market.set_aside drop constraint set_aside_scope_check;
alter table market.set_aside add constraint set_aside_scope_check
    check (scope in ('candle', 'quote', 'token', 'forecast'));
comment on column market.set_aside.about is
    'Start of the candle, time of the quote, origin of the forecast; null for a token';
"""


def _functions(*, with_hours: bool) -> str:
    """All three, of the candles of days and hours, or of days alone."""
    if with_hours:
        candles, interval = (
            "scope in ('candle', 'hour')",
            "case scope when 'hour' then '1h' else '1d' end",
        )
        vouched = "'1d', '1h'"
    else:
        candles, interval, vouched = "scope = 'candle'", "'1d'", "'1d'"
    words = {"CANDLES": candles, "INTERVAL": interval, "VOUCHED": vouched}
    text = _FUNCTIONS
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


def upgrade() -> None:
    op.execute(_SCOPES)
    op.execute(_functions(with_hours=True))


def downgrade() -> None:
    op.execute(_functions(with_hours=False))
    op.execute(_WITHOUT_HOURS)

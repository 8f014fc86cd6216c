"""A quote that is the close of a candle is set aside with it."""

from alembic import op

revision = "0039"
down_revision = "0038"

UP = """
create or replace function market.follow_set_aside(moment timestamptz) returns void
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

    -- Where prices come from candle files, a quote is the close of the newest candle, and no better than that.
    update market.quotes stored set quality = wanted.quality
    from (
        select s.token_id, s.about, case when bool_or(s.state = 'held') then 'suspect' else 'ok' end as quality
        from market.set_aside s
        where s.scope = 'candle' and (s.changed_at = moment or s.state = 'held')
        group by s.token_id, s.about
    ) as wanted
    join market.price_data p on p.token_id = wanted.token_id and p.interval = '1d' and p.opened_at = wanted.about
    where stored.token_id = p.token_id and stored.source = p.source and stored.price = p.close
        and stored.observed_at = p.opened_at + interval '1 day' and stored.quality <> wanted.quality;

    update market.quotes stored set quality = wanted.quality
    from (
        select token_id, about, case when bool_or(state = 'held') then 'suspect' else 'ok' end as quality
        from market.set_aside
        where scope = 'quote' and (changed_at = moment or state = 'held')
        group by token_id, about
    ) as wanted
    where stored.token_id = wanted.token_id and stored.observed_at = wanted.about and stored.quality <> wanted.quality;
$$;
"""

DOWN = """
create or replace function market.follow_set_aside(moment timestamptz) returns void
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
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

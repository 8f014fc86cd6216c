"""Candles by symbol that are of the coin that had the symbol before, or has it since, leave a token's history."""

from alembic import op

revision = "0057"
down_revision = "0056"

UP = """
create function market.part_reused_ticker(event uuid, moment timestamptz) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with gone as (
        delete from market.price_data p
        using market.asset_events e
        where e.id = event and e.kind = 'ticker_reuse' and e.removed_at is null
            and p.source not in ('simulated', 'coingecko')
            and (
                p.token_id = e.successor_id and p.opened_at < e.happened_at
                or p.token_id = e.token_id and p.opened_at > e.happened_at
                    - case p.interval when '1h' then interval '1 hour' else interval '1 day' end
            )
        returning p.*
    ),
    kept as (
        insert into market.quarantine
            (token_id, kind, source, reason, payload, resolved_at, resolution, resolved_by, resolution_reason)
        select g.token_id, 'candle', g.source, 'is of another coin that had, or has, the symbol at that time',
            jsonb_build_object('interval', g.interval, 'openedAt', g.opened_at, 'open', g.open::text, 'high', g.high::text,
                'low', g.low::text, 'close', g.close::text, 'volume', g.volume::text, 'isFinal', g.is_final::text),
            moment, 'rejected', e.recorded_by, e.reason
        from gone g
        join market.asset_events e on e.id = event
    )
    select count(*)::integer from gone;
$$;
comment on function market.part_reused_ticker is
    'Takes out of the histories of two coins what is of the other one, into the quarantine; how many candles that were';
revoke execute on function market.part_reused_ticker from public;
grant execute on function market.part_reused_ticker to coinsphere_worker;
"""

DOWN = """
drop function market.part_reused_ticker;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

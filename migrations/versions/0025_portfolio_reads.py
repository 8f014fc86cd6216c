"""What a read of a portfolio would have to add up otherwise: gains realised on each day; and what is held now, by itself."""

from alembic import op

revision = "0025"
down_revision = "0024"

UP = """
alter table app.portfolio_values_daily
    add column realised numeric(78, 18) not null default 0,
    add column realised_unknown integer not null default 0;
comment on column app.portfolio_values_daily.realised is 'What the uses of lots on this day brought above their cost, where both are known';
comment on column app.portfolio_values_daily.realised_unknown is 'Uses of lots on this day whose cost or proceeds are unknown';
update app.portfolio_values_daily v set realised = used.gain, realised_unknown = used.unknown
from (
    select portfolio_id, (used_at at time zone 'UTC')::date as day, coalesce(sum(proceeds - cost), 0) as gain,
        count(*) filter (where proceeds is null or cost is null) as unknown
    from app.lot_uses
    where kind in ('sale', 'swap', 'fee', 'lost')
    group by 1, 2
) used
where used.portfolio_id = v.portfolio_id and used.day = v.day;

create index positions_open on app.positions (portfolio_id, token_id) include (amount, cost, uncosted)
    where until_day = 'infinity';
"""
DOWN = """
drop index app.positions_open;
alter table app.portfolio_values_daily drop column realised, drop column realised_unknown;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

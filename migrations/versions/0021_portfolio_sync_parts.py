"""Which exchange accounts a sync of a portfolio reads."""

from alembic import op

revision = "0021"
down_revision = "0020"

UP = """
create table app.portfolio_sync_parts (
    portfolio_sync_id uuid not null references app.portfolio_syncs on delete cascade,
    exchange_sync_id uuid not null references app.exchange_syncs on delete cascade,
    primary key (portfolio_sync_id, exchange_sync_id)
);
create index portfolio_sync_parts_exchange_sync_id on app.portfolio_sync_parts (exchange_sync_id);
grant select, insert on app.portfolio_sync_parts to coinsphere_api;
alter table app.portfolio_sync_parts enable row level security, force row level security;
create policy owner_of_rows on app.portfolio_sync_parts to coinsphere_api
    using (portfolio_sync_id in (select id from app.portfolio_syncs))
    with check (portfolio_sync_id in (select id from app.portfolio_syncs));
create policy pipeline on app.portfolio_sync_parts to coinsphere_pipeline using (true) with check (true);
create policy owner_of_schema on app.portfolio_sync_parts to current_user using (true) with check (true);
"""
DOWN = "drop table app.portfolio_sync_parts;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

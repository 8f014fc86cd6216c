"""How the feed of live quotes is: of which tokens it keeps the prices, and how it hears each venue."""

from alembic import op

revision = "0066"
down_revision = "0070"

UP = """
create table market.feed (
    is_only boolean primary key default true check (is_only),
    started_at timestamptz not null,
    beat_at timestamptz not null,
    settled_at timestamptz,
    token_ids uuid[] not null default '{}'
);
comment on table market.feed is 'The process that streams the quotes of a live market; one row, none where it never ran';
comment on column market.feed.beat_at is 'When it last looked round';
comment on column market.feed.settled_at is 'The minute whose prices it stored last';
comment on column market.feed.token_ids is 'Tokens of which that minute has a new price';

create table market.feed_venues (
    venue text primary key check (venue ~ '^[a-z0-9]{2,30}$'),
    state text not null check (state in ('starting', 'streaming', 'polling')),
    since timestamptz not null,
    reason text check (length(reason) <= 300),
    heard_at timestamptz,
    updates bigint not null check (updates >= 0),
    breaks bigint not null check (breaks >= 0),
    gaps bigint not null check (gaps >= 0)
);
comment on table market.feed_venues is 'How the feed hears each venue';
comment on column market.feed_venues.reason is 'Why it is asked instead of heard';
comment on column market.feed_venues.updates is 'Prices that came since the process started';
comment on column market.feed_venues.breaks is 'Times that its stream broke since then';
comment on column market.feed_venues.gaps is 'Times that its numbered messages left some out since then';

grant select, insert, update on market.feed to coinsphere_pipeline;
grant select, insert, update, delete on market.feed_venues to coinsphere_pipeline;
grant select on market.feed, market.feed_venues to coinsphere_api, coinsphere_worker, coinsphere_readonly;
"""

DOWN = "drop table market.feed_venues, market.feed"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

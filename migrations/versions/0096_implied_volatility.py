"""Implied volatility of each day, and when each value was learned."""

from alembic import op

revision = "0096"
down_revision = "0090"

# Rows are added, never changed: a value that its source corrects is a row more. A closed day has few values and is asked
# for by its key, so no other index is needed.
UP = """
create table market.implied_volatility (
    currency text not null,
    day date not null,
    learned_at timestamptz not null default now(),
    percent double precision not null check (percent > 0 and percent < 'infinity'),
    source text not null,
    primary key (currency, day, learned_at)
);
comment on table market.implied_volatility is 'The volatility that options implied at the close of a day, as it was told and when';
comment on column market.implied_volatility.percent is 'A year, of the next 30 days';
comment on column market.implied_volatility.learned_at is 'When it was stored; of a day with several rows, the last is what its source corrected it to';
grant select, insert on market.implied_volatility to coinsphere_pipeline;
grant select on market.implied_volatility to coinsphere_api, coinsphere_worker, coinsphere_readonly;
"""
DOWN = "drop table market.implied_volatility"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

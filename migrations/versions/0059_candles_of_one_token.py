"""Read the candles of one token without those of every token that has events.

The view gave the token's id as the function told it, which PostgreSQL cannot know before it has run the function: each
read of one token's candles computed the whole history of every token that was ever renamed or redenominated (some 100 ms
for a question that needs one). Given as the line's own, the token asked for decides first which line is read.
"""

from alembic import op

revision = "0059"
down_revision = "0058"

_VIEW = """
create or replace view market.adjusted_candles with (security_invoker) as
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
select {owner}.token_id, c.interval, c.opened_at, c.open::numeric(38, 18), c.high::numeric(38, 18),
    c.low::numeric(38, 18), c.close::numeric(38, 18), c.volume::numeric(38, 18), c.source, c.quality, c.is_final,
    c.observed_at, c.ingested_at
from lines
cross join lateral market.candles_in_line(lines.token_id, 'infinity') c
"""


def upgrade() -> None:
    op.execute(_VIEW.format(owner="lines"))


def downgrade() -> None:
    op.execute(_VIEW.format(owner="c"))

"""The order in which facts were entered: within an instant it decides which lots a sale uses. And rates that may end."""

from alembic import op

revision = "0029"
down_revision = "0028"

# What is there was booked with what comes before what goes, within an instant.
UP = """
create sequence app.transactions_place as bigint;
alter table app.transactions add column place bigint;
alter table app.transactions disable trigger transactions_keep_fact;
update app.transactions t set place = ordered.place
from (
    select id, row_number() over (
        order by occurred_at,
            type not in ('buy', 'reward', 'staking', 'airdrop', 'interest', 'deposit', 'transfer_in', 'opening_balance'),
            amount, fact_id, version
    ) as place
    from app.transactions
) ordered
where ordered.id = t.id;
alter table app.transactions enable trigger transactions_keep_fact;
select setval('app.transactions_place', (select coalesce(max(place), 0) + 1 from app.transactions), false);
alter table app.transactions
    alter column place set not null,
    alter column place set default nextval('app.transactions_place');
alter sequence app.transactions_place owned by app.transactions.place;
comment on column app.transactions.place is 'Order of entry, which all versions of a fact keep: it decides within an instant';
grant usage on sequence app.transactions_place to coinsphere_api, coinsphere_pipeline, coinsphere_worker;

-- Simulated rates end where the bank's own come.
grant delete on market.exchange_rates to coinsphere_pipeline;
"""
DOWN = """
revoke delete on market.exchange_rates from coinsphere_pipeline;
alter table app.transactions drop column place;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

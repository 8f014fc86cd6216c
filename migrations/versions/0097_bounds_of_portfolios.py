"""Keep for each watched portfolio how far prices may go before it has to be valued, and what changed meanwhile."""

from alembic import op

revision = "0097"
down_revision = "0099"

# Nothing is built here: the first evaluation values all portfolios once, as each one did before. A release before this one
# judges alerts by the same rows; that it changed one is in the queue, by the trigger.
UP = """
create table app.alert_reference_prices (
    token_id uuid primary key references market.tokens on delete cascade,
    price numeric(38, 18) not null check (price > 0),
    is_active boolean not null,
    noted_at timestamptz not null
);
comment on table app.alert_reference_prices is 'The price of each token from which moves are measured, the same for all portfolios';

create table app.alert_bounds (
    portfolio_id uuid primary key,
    falls_to double precision not null,
    rises_to double precision not null
);
comment on table app.alert_bounds is
    'While no price is as low or as high, as a multiple of its reference, no alert on the portfolio''s value can change';
comment on column app.alert_bounds.portfolio_id is 'No foreign key: a portfolio deleted meanwhile must not end an evaluation';
create index alert_bounds_falls_to on app.alert_bounds (falls_to);
create index alert_bounds_rises_to on app.alert_bounds (rises_to);

create table app.alert_revaluations (portfolio_id uuid not null);
comment on table app.alert_revaluations is
    'Portfolios whose holdings or alerts changed since the last evaluation. Rows are only added: one that is taken away by an evaluation which did not see the change yet must not stand for it';

revoke all on app.alert_reference_prices, app.alert_bounds, app.alert_revaluations from coinsphere_api;
grant select, insert, update on app.alert_reference_prices to coinsphere_pipeline, coinsphere_worker;
grant select, insert, update, delete on app.alert_bounds to coinsphere_pipeline, coinsphere_worker;
grant select, delete on app.alert_revaluations to coinsphere_pipeline, coinsphere_worker;

create function app.note_revaluations() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.alert_revaluations (portfolio_id)
        select distinct portfolio_id from changed where portfolio_id is not null;
    return null;
end $$;
revoke execute on function app.note_revaluations from public;
create trigger holdings_revalue_inserted after insert on app.holdings
    referencing new table as changed for each statement execute function app.note_revaluations();
create trigger holdings_revalue_updated after update on app.holdings
    referencing new table as changed for each statement execute function app.note_revaluations();
create trigger holdings_revalue_deleted after delete on app.holdings
    referencing old table as changed for each statement execute function app.note_revaluations();
create trigger alerts_revalue_inserted after insert on app.alerts
    referencing new table as changed for each statement execute function app.note_revaluations();
create trigger alerts_revalue_updated after update on app.alerts
    referencing new table as changed for each statement execute function app.note_revaluations();

-- They are compared with each minute's prices of tokens, which stand there already.
delete from app.alert_observations where alert_type = 'portfolio';
"""
DOWN = """
drop trigger alerts_revalue_updated on app.alerts;
drop trigger alerts_revalue_inserted on app.alerts;
drop trigger holdings_revalue_deleted on app.holdings;
drop trigger holdings_revalue_updated on app.holdings;
drop trigger holdings_revalue_inserted on app.holdings;
drop function app.note_revaluations;
drop table app.alert_revaluations, app.alert_bounds, app.alert_reference_prices;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

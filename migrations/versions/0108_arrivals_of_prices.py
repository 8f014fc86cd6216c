"""What came, changed or went of closes and rates waits in a table until portfolios are marked for it, whatever any clock says."""

from alembic import op

revision = "0108"
down_revision = "0105"

UP = """
create table market.arrivals (
    token_id uuid,
    currency text,
    day date not null,
    check (num_nonnulls(token_id, currency) = 1)
);
comment on table market.arrivals is 'Daily closes and exchange rates that came, changed or went, until portfolios are marked for them';
comment on column market.arrivals.day is 'The earliest day that one statement touched';
grant select on market.arrivals to coinsphere_api, coinsphere_readonly;
grant select, delete on market.arrivals to coinsphere_pipeline;

-- Written by the transaction that brings a price, so what commits late is found late, and never passed over.
create function market.note_closes() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into market.arrivals (token_id, day)
    select token_id, min(opened_at at time zone 'UTC')::date from touched where interval = '1d' and is_final group by token_id;
    return null;
end $$;
create function market.note_rates() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into market.arrivals (currency, day) select currency, min(day) from touched group by currency;
    return null;
end $$;
create trigger price_data_arrivals after insert on market.price_data
    referencing new table as touched for each statement execute function market.note_closes();
create trigger price_data_changes after update on market.price_data
    referencing new table as touched for each statement execute function market.note_closes();
create trigger price_data_departures after delete on market.price_data
    referencing old table as touched for each statement execute function market.note_closes();
create trigger exchange_rates_arrivals after insert on market.exchange_rates
    referencing new table as touched for each statement execute function market.note_rates();
create trigger exchange_rates_changes after update on market.exchange_rates
    referencing new table as touched for each statement execute function market.note_rates();
create trigger exchange_rates_departures after delete on market.exchange_rates
    referencing old table as touched for each statement execute function market.note_rates();

-- Any of these may have been passed over until now.
insert into market.arrivals (token_id, day)
select token_id, min(opened_at at time zone 'UTC')::date
from market.price_data
where interval = '1d' and is_final and ingested_at > (select min(created_at) from app.portfolios)
group by token_id;
insert into market.arrivals (currency, day)
select currency, min(day)
from market.exchange_rates
where ingested_at > (select min(created_at) from app.portfolios)
group by currency;
"""

DOWN = """
drop trigger exchange_rates_departures on market.exchange_rates;
drop trigger exchange_rates_changes on market.exchange_rates;
drop trigger exchange_rates_arrivals on market.exchange_rates;
drop trigger price_data_departures on market.price_data;
drop trigger price_data_changes on market.price_data;
drop trigger price_data_arrivals on market.price_data;
drop function market.note_rates;
drop function market.note_closes;
drop table market.arrivals;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

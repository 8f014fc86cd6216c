"""Candles: a TimescaleDB hypertable where that extension can be had, monthly partitions elsewhere."""

from alembic import op
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

revision = "0004"
down_revision = "0003"

# No foreign key: checking it costs a third of every load. The loader knows the tokens, and no role may delete one.
TABLE = """
create table market.price_data (
    token_id uuid not null,
    interval text not null check (interval in ('1h', '1d')),
    opened_at timestamptz not null,
    open numeric(38, 18) not null,
    high numeric(38, 18) not null,
    low numeric(38, 18) not null,
    close numeric(38, 18) not null,
    volume numeric(38, 18) check (volume >= 0),
    source text not null,
    quality text not null default 'ok' check (quality in ('ok', 'suspect')),
    is_final boolean not null,
    observed_at timestamptz not null,
    ingested_at timestamptz not null default now(),
    primary key (token_id, interval, opened_at),
    check (low > 0 and low <= least(open, close) and high >= greatest(open, close))
)
"""

COMMENTS = """
comment on table market.price_data is 'OHLCV candles as the sources gave them, one per token, interval and start';
comment on column market.price_data.opened_at is 'Start of the candle, UTC';
comment on column market.price_data.volume is 'Traded amount in units of the token; null where the source does not tell';
comment on column market.price_data.is_final is 'False while the candle is still open: shown, never trained on';
comment on column market.price_data.observed_at is 'When the source was asked';
"""

PARTITIONS = """
create table market.price_data_default partition of market.price_data default;

create function market.ensure_price_partitions(from_day date, to_day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    month_start date;
    partition_name text;
    made integer := 0;
begin
    if from_day < date '2009-01-01' or to_day > current_date + 400 then
        raise exception 'no candle lies between % and %', from_day, to_day using errcode = 'check_violation';
    end if;
    -- Two loaders may want the same month at once.
    perform pg_advisory_xact_lock(hashtext('market.price_data'));
    for month_start in
        select generate_series(date_trunc('month', from_day::timestamp), to_day::timestamp, interval '1 month')::date
    loop
        partition_name := format('price_data_%s', to_char(month_start, 'YYYYMM'));
        if to_regclass(format('market.%I', partition_name)) is null then
            execute format(
                'create table market.%I partition of market.price_data for values from (%L) to (%L)',
                partition_name,
                month_start::timestamp at time zone 'UTC',
                (month_start + interval '1 month') at time zone 'UTC'
            );
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;
"""

NO_PARTITIONS = """
create function market.ensure_price_partitions(from_day date, to_day date) returns integer
language sql as 'select 0';
comment on function market.ensure_price_partitions is 'TimescaleDB makes its chunks by itself';
"""

REVISIONS = """
create table market.price_revisions (
    id bigint generated always as identity primary key,
    token_id uuid not null references market.tokens,
    interval text not null,
    opened_at timestamptz not null,
    open numeric(38, 18) not null,
    high numeric(38, 18) not null,
    low numeric(38, 18) not null,
    close numeric(38, 18) not null,
    volume numeric(38, 18),
    source text not null,
    believed_from timestamptz not null,
    believed_until timestamptz not null default now()
);
create index price_revisions_candle on market.price_revisions (token_id, interval, opened_at);
comment on table market.price_revisions is 'What a final candle said before it was corrected';

create function market.keep_price_revision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into market.price_revisions
        (token_id, interval, opened_at, open, high, low, close, volume, source, believed_from)
    values
        (old.token_id, old.interval, old.opened_at, old.open, old.high, old.low, old.close, old.volume, old.source,
         old.ingested_at);
    return null;
end $$;
create trigger price_data_revisions after update on market.price_data for each row
when (
    old.is_final
    and (old.open, old.high, old.low, old.close, old.volume)
        is distinct from (new.open, new.high, new.low, new.close, new.volume)
)
execute function market.keep_price_revision();
"""

QUOTES = """
create table market.quotes (
    token_id uuid primary key references market.tokens on delete cascade,
    price numeric(38, 18) not null check (price > 0),
    volume_24h numeric(38, 18) check (volume_24h >= 0),
    market_cap numeric(38, 18) check (market_cap >= 0),
    change_24h numeric(38, 18),
    source text not null,
    quality text not null default 'ok' check (quality in ('ok', 'suspect')),
    observed_at timestamptz not null,
    ingested_at timestamptz not null default now()
);
comment on table market.quotes is 'The newest good quote of each token; an older one stays until a better comes';
comment on column market.quotes.volume_24h is 'US dollars traded in the last 24 hours';
comment on column market.quotes.change_24h is 'Change of the price over 24 hours in percent';

create table market.quarantine (
    id bigint generated always as identity primary key,
    token_id uuid references market.tokens,
    kind text not null check (kind in ('candle', 'quote', 'metadata')),
    source text not null,
    reason text not null,
    payload jsonb not null,
    quarantined_at timestamptz not null default now(),
    resolved_at timestamptz,
    resolution text check (resolution in ('accepted', 'rejected'))
);
create index quarantine_token_id on market.quarantine (token_id);
create index quarantine_open on market.quarantine (quarantined_at) where resolved_at is null;
comment on table market.quarantine is 'Rows that made no sense, kept as they came';

create table market.ingestions (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('quotes', 'candles', 'metadata', 'import')),
    source text not null,
    token_id uuid references market.tokens,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    rows_received integer not null,
    rows_written integer not null,
    rows_quarantined integer not null,
    error_code text check (error_code in ('rate_limited', 'not_listed', 'outside_window', 'unavailable', 'bad_payload')),
    error text
);
create index ingestions_token_id on market.ingestions (token_id);
create index ingestions_started_at on market.ingestions (started_at);
"""


_IS_INSTALLED = "select from pg_available_extensions where name = 'timescaledb'"


def timescaledb_works() -> bool:
    """Whether the extension is, or can be, created in this database.

    Asked over a connection of its own and rolled back: a server that has the extension's files but does not preload its
    library answers by cutting the connection.
    """
    with create_engine(op.get_bind().engine.url, poolclass=NullPool).connect() as probe:
        if not probe.execute(text(_IS_INSTALLED)).first():
            return False
        try:
            probe.execute(text("create extension if not exists timescaledb"))
        except DBAPIError:
            return False
    return True


def upgrade() -> None:
    if timescaledb_works():
        op.execute("create extension if not exists timescaledb")
        op.execute(TABLE)
        op.execute(
            "select create_hypertable('market.price_data', by_range('opened_at', interval '1 month'), "
            "create_default_indexes => false)"
        )
        op.execute(NO_PARTITIONS)
    else:
        op.execute(TABLE + " partition by range (opened_at)")
        op.execute(PARTITIONS)
    op.execute("create index price_data_opened_at on market.price_data using brin (opened_at)")
    op.execute(COMMENTS)
    op.execute(REVISIONS)
    op.execute(QUOTES)


def downgrade() -> None:
    op.execute("""
drop table market.ingestions, market.quarantine, market.quotes, market.price_data, market.price_revisions;
drop function market.keep_price_revision, market.ensure_price_partitions;
""")

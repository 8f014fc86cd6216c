"""What a check set aside: a candle, a quote, a forecast or a token, with its reason and its trail."""

from alembic import op

revision = "0033"
down_revision = "0032"

UP = """
create table market.set_aside (
    id bigint generated always as identity primary key,
    token_id uuid not null references market.tokens,
    scope text not null check (scope in ('candle', 'quote', 'token', 'forecast')),
    about timestamptz,
    rule text not null,
    reason text not null,
    evidence jsonb not null default '{}',
    since timestamptz not null,
    state text not null default 'held' check (state in ('held', 'released', 'removed', 'gone')),
    changed_at timestamptz not null,
    changed_by text not null,
    change_reason text,
    check ((about is null) = (scope = 'token'))
);
-- A person's release lasts as long as its cause: only what is gone may come back.
create unique index set_aside_open on market.set_aside (token_id, scope, rule, about) nulls not distinct
    where state in ('held', 'released');
create index set_aside_token_id on market.set_aside (token_id);
comment on table market.set_aside is 'What nothing uses for now, and why: rows and tokens that broke a rule of a suite';
comment on column market.set_aside.about is 'Start of the candle, time of the quote, origin of the forecast; null for a token';

create table market.set_aside_trail (
    id bigint generated always as identity primary key,
    set_aside_id bigint not null references market.set_aside,
    state text not null,
    at timestamptz not null,
    actor text not null,
    reason text
);
create index set_aside_trail_set_aside_id on market.set_aside_trail (set_aside_id);
comment on table market.set_aside_trail is 'Who set aside, released or removed what, when and why';

create function market.keep_set_aside_trail() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into market.set_aside_trail (set_aside_id, state, at, actor, reason)
    values (new.id, new.state, new.changed_at, new.changed_by, coalesce(new.change_reason, new.reason));
    return null;
end $$;
revoke execute on function market.keep_set_aside_trail from public;
create trigger set_aside_trail after insert or update of state on market.set_aside
    for each row execute function market.keep_set_aside_trail();

grant select on market.set_aside, market.set_aside_trail
    to coinsphere_api, coinsphere_pipeline, coinsphere_readonly, coinsphere_worker;
grant insert, update on market.set_aside to coinsphere_pipeline;
revoke insert, update on market.set_aside_trail from coinsphere_pipeline;

alter table market.price_data drop constraint price_data_quality_check;
alter table market.price_data add constraint price_data_quality_check
    check (quality in ('ok', 'suspect', 'confirmed'));
comment on column market.price_data.quality is
    'suspect: set aside, nothing uses it; confirmed: moved tenfold, and its neighbours or a person confirm it';
"""

DOWN = """
update market.price_data set quality = 'ok' where quality = 'confirmed';
alter table market.price_data drop constraint price_data_quality_check;
alter table market.price_data add constraint price_data_quality_check check (quality in ('ok', 'suspect'));
comment on column market.price_data.quality is null;
drop table market.set_aside_trail, market.set_aside;
drop function market.keep_set_aside_trail;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

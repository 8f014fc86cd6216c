"""What users who allow it do with the product: names and words from closed lists, once a day each."""

from alembic import op

revision = "0061"
down_revision = "0060"

UP = """
alter table app.users add column usage_shared_since timestamptz;
grant select (usage_shared_since) on app.users to coinsphere_pipeline, coinsphere_worker;
create index users_usage_shared_since on app.users (usage_shared_since) where usage_shared_since is not null;
comment on column app.users.usage_shared_since is 'Since when they allow product events; none: they do not';

create table app.product_events (
    user_id uuid not null references app.users on delete cascade,
    day date not null generated always as ((occurred_at at time zone 'UTC')::date) stored,
    name text not null check (name = any (array[
        'registered', 'confirmed', 'portfolio_made', 'transaction_added', 'transactions_imported', 'exchange_connected',
        'wallet_connected', 'channel_added', 'alert_created', 'alert_fired', 'share_made', 'tax_report_made',
        'plan_changed', 'dashboard_viewed', 'portfolio_viewed', 'forecast_viewed'
    ])),
    properties jsonb not null default '{}' check (jsonb_typeof(properties) = 'object'
        and not jsonb_path_exists(properties, '$.* ? (@.type() != "string" || !(@ like_regex "^[a-z][a-z0-9_-]{0,31}$"))')),
    occurred_at timestamptz not null,
    primary key (user_id, day, name, properties)
);
create index product_events_occurred_at on app.product_events using brin (occurred_at);
comment on table app.product_events is 'What a user did, its first time on a day; it goes with the account, and with the consent';
comment on column app.product_events.properties is 'Words of ours alone: no number, address or text of anybody fits';

revoke insert, update, delete on app.product_events from coinsphere_api;
grant select, insert, delete on app.product_events to coinsphere_api;
grant select, insert on app.product_events to coinsphere_pipeline;
grant select, insert, delete on app.product_events to coinsphere_worker;

alter table app.product_events enable row level security, force row level security;
create policy owner_of_rows on app.product_events to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy arrival on app.product_events for insert to coinsphere_api
    with check (app.acting_scope() = 'authentication');
create policy pipeline on app.product_events to coinsphere_pipeline, coinsphere_worker using (true) with check (true);
create policy owner_of_schema on app.product_events to current_user using (true) with check (true);

-- It decides nothing: what fails in it is undone and said, and the transaction goes on.
create function app.note_product_events(told jsonb, at timestamptz) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.product_events (user_id, name, properties, occurred_at)
    select users.id, event.name, event.properties, at
    from jsonb_to_recordset(told) as event (user_id uuid, name text, properties jsonb)
    join app.users on users.id = event.user_id and users.usage_shared_since is not null
    on conflict do nothing;
    return null;
exception when others then
    return sqlstate;
end $$;
comment on function app.note_product_events is
    'Keeps the events of those who allow it; the SQLSTATE of what kept it from that, none where nothing did';
revoke execute on function app.note_product_events from public;
grant execute on function app.note_product_events to coinsphere_api, coinsphere_pipeline, coinsphere_worker;
"""

DOWN = """
drop function app.note_product_events;
drop table app.product_events;
alter table app.users drop column usage_shared_since;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

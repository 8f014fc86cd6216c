"""Channels by which people are told beside mail, what waits for them, and which alerts use which."""

from alembic import op

revision = "0049"
down_revision = "0048"

UP = """
create table app.alert_channels (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    kind text not null check (kind in ('webhook', 'telegram', 'discord', 'slack', 'ntfy', 'web_push')),
    name text not null check (length(name) between 1 and 100),
    hint text not null check (length(hint) <= 300),
    receiver bytea not null,
    status text not null default 'active' check (status in ('active', 'disabled')),
    quiet_from time,
    quiet_until time,
    zone text not null default 'UTC',
    digest_minutes integer check (digest_minutes between 1 and 10080),
    failures integer not null default 0,
    failing_since timestamptz,
    retry_at timestamptz,
    last_error text,
    last_delivered_at timestamptz,
    created_at timestamptz not null default now(),
    check ((quiet_from is null) = (quiet_until is null)),
    check (quiet_from <> quiet_until)
);
create index alert_channels_user_id on app.alert_channels (user_id);
comment on column app.alert_channels.receiver is 'Addresses and secrets, sealed; read by the worker alone';
comment on column app.alert_channels.hint is 'What its owner knows it by, without a secret';

create table app.alert_channel_choices (
    alert_id uuid not null references app.alerts on delete cascade,
    channel_id uuid not null references app.alert_channels on delete cascade,
    primary key (alert_id, channel_id)
);
create index alert_channel_choices_channel_id on app.alert_channel_choices (channel_id);

create table app.channel_messages (
    id uuid primary key,
    channel_id uuid not null references app.alert_channels on delete cascade,
    alert_event_id uuid references app.alert_events on delete cascade,
    type text not null check (type in ('alert.fired', 'test')),
    at timestamptz not null,
    title text not null,
    body text not null,
    data text not null,
    status text not null default 'waiting' check (status in ('waiting', 'delivered', 'given_up')),
    due_at timestamptz not null,
    batch_id uuid,
    attempts integer not null default 0,
    last_error text,
    created_at timestamptz not null default now(),
    delivered_at timestamptz,
    unique (channel_id, alert_event_id)
);
create index channel_messages_waiting on app.channel_messages (channel_id, due_at) where status = 'waiting';
create index channel_messages_due on app.channel_messages (due_at) where status = 'waiting';
create index channel_messages_alert_event_id on app.channel_messages (alert_event_id);
create index channel_messages_settled on app.channel_messages (created_at) where status <> 'waiting';
comment on table app.channel_messages is 'The outbox of channels: written with what it tells, handed over at least once';
comment on column app.channel_messages.batch_id is 'What goes out as one digest';

alter table app.alerts drop constraint alerts_channels_check;
alter table app.alerts add constraint alerts_channels_check check (channels <@ array['email', 'stream']);

grant insert, update, delete on app.alert_channels to coinsphere_api;
grant select (
    id, user_id, kind, name, hint, status, quiet_from, quiet_until, zone, digest_minutes, failures, failing_since, retry_at,
    last_error, last_delivered_at, created_at
) on app.alert_channels to coinsphere_api, coinsphere_pipeline, coinsphere_worker;
grant update (status, failures, failing_since, retry_at, last_error, last_delivered_at) on app.alert_channels
    to coinsphere_worker;
grant select, insert, delete on app.alert_channel_choices to coinsphere_api;
grant select on app.alert_channel_choices to coinsphere_pipeline, coinsphere_worker;
grant select, insert on app.channel_messages to coinsphere_api, coinsphere_pipeline, coinsphere_worker;
grant update, delete on app.channel_messages to coinsphere_worker;

create function app.sealed_channel_receiver(channel_id uuid) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp
return (select c.receiver from app.alert_channels c where c.id = channel_id);
revoke execute on function app.sealed_channel_receiver from public;
grant execute on function app.sealed_channel_receiver to coinsphere_worker;
"""
OWN = {
    "alert_channels": "user_id = app.acting_user()",
    "alert_channel_choices": "alert_id in (select id from app.alerts where user_id = app.acting_user())"
    " and channel_id in (select id from app.alert_channels where user_id = app.acting_user())",
    "channel_messages": "channel_id in (select id from app.alert_channels where user_id = app.acting_user())",
}
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api using ({own}) with check ({own});
create policy pipeline on app.{table} to coinsphere_pipeline, coinsphere_worker using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
DOWN = """
drop function app.sealed_channel_receiver;
drop table app.channel_messages, app.alert_channel_choices, app.alert_channels;
update app.alerts set channels = '{email}' where channels = '{}';
alter table app.alerts drop constraint alerts_channels_check;
alter table app.alerts add constraint alerts_channels_check
    check (channels <@ array['email', 'stream'] and channels <> '{}');
"""


def upgrade() -> None:
    op.execute(UP)
    for table, own in OWN.items():
        op.execute(WALL.format(table=table, own=own))


def downgrade() -> None:
    op.execute(DOWN)

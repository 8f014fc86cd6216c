"""Who pays for which plan, and what the provider of payments told, kept before it is acted on."""

from alembic import op

revision = "0056"
down_revision = "0055"

UP = """
create table app.billing_customers (
    user_id uuid not null references app.users on delete cascade,
    provider text not null check (provider = any (array['stripe'])),
    reference text not null check (length(reference) between 1 and 255),
    created_at timestamptz not null,
    primary key (user_id, provider),
    unique (provider, reference)
);
comment on table app.billing_customers is 'Written before anything is sold, so that no event has to say whose it is';

create table app.subscriptions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    provider text not null check (provider = any (array['stripe'])),
    reference text not null check (length(reference) between 1 and 255),
    plan text not null check (plan = any (array['pro'])),
    status text not null check (status in ('incomplete', 'trial', 'active', 'past_due', 'cancelled', 'refunded')),
    period_started_at timestamptz not null,
    period_ends_at timestamptz not null,
    cancels_at timestamptz,
    updated_at timestamptz not null,
    unique (provider, reference),
    check (period_started_at <= period_ends_at)
);
create index subscriptions_user_id on app.subscriptions (user_id);
comment on table app.subscriptions is 'As the provider told when it was last asked; what it gives is computed from it and the time';
comment on column app.subscriptions.cancels_at is 'When it ends, or ended; none: it renews itself';

create table app.payment_events (
    provider text not null check (provider = any (array['stripe'])),
    reference text not null check (length(reference) between 1 and 255),
    topic text not null check (length(topic) between 1 and 255),
    customer text check (length(customer) between 1 and 255),
    user_id uuid references app.users on delete cascade,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    found_by text not null check (found_by in ('webhook', 'reconciliation')),
    handled_at timestamptz,
    primary key (provider, reference)
);
create index payment_events_user_id on app.payment_events (user_id);
create index payment_events_unhandled on app.payment_events (provider, customer) where handled_at is null;
comment on table app.payment_events is 'Stored before it is handled; what an event is about is asked anew, so its body is not kept';

revoke insert, update, delete on app.billing_customers, app.subscriptions, app.payment_events from coinsphere_api;
grant select on app.billing_customers, app.subscriptions to coinsphere_api;
grant insert on app.billing_customers to coinsphere_api;
grant insert on app.payment_events to coinsphere_api;
grant select on app.payment_events to coinsphere_api;
grant select on app.billing_customers to coinsphere_worker;
grant select, insert, update on app.subscriptions, app.payment_intents to coinsphere_worker;
grant select, insert, update, delete on app.payment_events to coinsphere_worker;
grant update (subscription_tier) on app.users to coinsphere_worker;

-- The worker tells the audit log what was paid. Whoever appends needs the chain's end, and not the right to read the log.
grant insert on app.audit_logs to coinsphere_worker;
alter function app.audit_head security definer set search_path = pg_catalog, pg_temp;
revoke execute on function app.audit_head from public;
grant execute on function app.audit_head to coinsphere_api, coinsphere_worker;

-- Whoever deletes an account: what it pays for ends.
create function app.customer_left() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform jobs.defer_once('billing', 'close_customer', old.reference,
        jsonb_build_object('provider', old.provider, 'customer', old.reference));
    return null;
end $$;
revoke execute on function app.customer_left from public;
create trigger billing_customers_left after delete on app.billing_customers
    for each row execute function app.customer_left();
"""
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy worker on app.{table} to coinsphere_worker using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
# Whom an event is about is found out by the worker; until then it is nobody's.
ARRIVAL = """
create policy arrival on app.payment_events for insert to coinsphere_api with check (user_id is null and handled_at is null);
"""
DOWN = """
drop table app.payment_events, app.subscriptions, app.billing_customers;
drop function app.customer_left;
alter function app.audit_head security invoker reset search_path;
grant execute on function app.audit_head to public;
revoke execute on function app.audit_head from coinsphere_api, coinsphere_worker;
revoke insert on app.audit_logs from coinsphere_worker;
revoke update (subscription_tier) on app.users from coinsphere_worker;
revoke select, insert, update on app.payment_intents from coinsphere_worker;
"""


def upgrade() -> None:
    op.execute(UP)
    for table in ("billing_customers", "subscriptions", "payment_events"):
        op.execute(WALL.format(table=table))
    op.execute(ARRIVAL)


def downgrade() -> None:
    op.execute(DOWN)

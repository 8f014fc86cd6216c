"""Audit log, payments and idempotency records."""

from alembic import op

revision = "0009"
down_revision = "0008"

UP = """
create table app.audit_logs (
    id bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    actor_id uuid references app.users on delete set null,
    action text not null check (length(action) between 1 and 100),
    target text,
    ip_address inet,
    request_id text,
    details jsonb not null default '{}'
);
create index audit_logs_actor_id on app.audit_logs (actor_id);
create index audit_logs_occurred_at on app.audit_logs (occurred_at);

create table app.payment_intents (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users,
    provider text not null,
    provider_reference text,
    plan text not null check (plan in ('pro', 'enterprise')),
    amount numeric(38, 18) not null check (amount > 0),
    currency text not null check (length(currency) between 3 and 10),
    status text not null default 'created' check (status in ('created', 'pending', 'succeeded', 'failed', 'expired', 'refunded')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (provider, provider_reference)
);
create index payment_intents_user_id on app.payment_intents (user_id);

create table app.idempotency_keys (
    user_id uuid not null references app.users on delete cascade,
    method text not null,
    route text not null,
    key text not null check (length(key) between 1 and 255),
    request_hash bytea not null,
    status smallint,
    response bytea,
    created_at timestamptz not null default now(),
    primary key (user_id, method, route, key)
);
"""

DOWN = """
drop table app.idempotency_keys, app.payment_intents, app.audit_logs;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

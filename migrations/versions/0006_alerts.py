"""Alerts, their firings and the outbox."""

from alembic import op

revision = "0006"
down_revision = "0005"

UP = """
create table app.alerts (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    token_id uuid references market.tokens,
    portfolio_id uuid references app.portfolios on delete cascade,
    alert_type text not null check (alert_type in ('price', 'percent_change', 'volume', 'prediction', 'risk', 'portfolio')),
    condition text not null check (condition in ('above', 'below', 'crosses_above', 'crosses_below', 'equal')),
    threshold numeric(38, 18) not null,
    channels text[] not null default '{email}' check (channels <@ array['email', 'stream'] and channels <> '{}'),
    cooldown_seconds integer not null default 3600 check (cooldown_seconds between 0 and 2592000),
    is_active boolean not null default true,
    expires_at timestamptz,
    -- What the last evaluation saw: a crossing is a change of side between two evaluations.
    last_value numeric(38, 18),
    last_evaluated_at timestamptz,
    last_triggered_at timestamptz,
    trigger_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((alert_type = 'portfolio') = (portfolio_id is not null)),
    check ((alert_type = 'portfolio') = (token_id is null))
);
create index alerts_user_id on app.alerts (user_id);
create index alerts_token_id on app.alerts (token_id);
create index alerts_portfolio_id on app.alerts (portfolio_id);

create table app.alert_events (
    id uuid primary key default gen_random_uuid(),
    alert_id uuid not null references app.alerts on delete cascade,
    fired_at timestamptz not null,
    condition text not null,
    threshold numeric(38, 18) not null,
    previous_value numeric(38, 18),
    observed_value numeric(38, 18) not null,
    source text not null,
    observed_at timestamptz not null
);
create index alert_events_alert_id on app.alert_events (alert_id, fired_at desc);
comment on table app.alert_events is 'Each firing: which value, from which source, observed when, fired it';

create table app.mails (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references app.users on delete cascade,
    alert_event_id uuid unique references app.alert_events on delete set null,
    recipient text not null check (recipient !~ '[[:cntrl:]]'),
    subject text not null check (subject !~ '[[:cntrl:]]'),
    body_text text not null,
    body_html text,
    attempts integer not null default 0,
    last_error text,
    created_at timestamptz not null default now(),
    sent_at timestamptz
);
create index mails_user_id on app.mails (user_id);
create index mails_unsent on app.mails (created_at) where sent_at is null;
comment on table app.mails is 'The outbox: a mail is written in the transaction that causes it, and sent at least once';
"""

DOWN = """
drop table app.mails, app.alert_events, app.alerts;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

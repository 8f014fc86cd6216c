"""Flags whose rules are data, and the experiments that they make."""

from alembic import op

revision = "0062"
down_revision = "0061"

UP = """
create table app.flags (
    flag text primary key check (length(flag) between 1 and 50),
    version integer not null check (version > 0),
    rules jsonb not null,
    changed_by uuid references app.users on delete set null,
    changed_at timestamptz not null
);
create index flags_changed_by on app.flags (changed_by);
comment on table app.flags is 'What each flag gives to whom; a flag without a row gives its default to everybody';
comment on column app.flags.version is 'Counts changes: an experiment begins anew with each';

create table app.experiment_assignments (
    flag text not null references app.flags,
    version integer not null,
    user_id uuid not null references app.users on delete cascade,
    variant text not null check (length(variant) between 1 and 50),
    exposed_at timestamptz not null,
    last_exposed_at timestamptz not null,
    exposures integer not null check (exposures > 0),
    primary key (flag, version, user_id),
    check (exposed_at <= last_exposed_at)
);
create index experiment_assignments_user_id on app.experiment_assignments (user_id);
comment on table app.experiment_assignments is 'Which variant a user was given, when first and last, and how often';

create table app.experiment_outcomes (
    flag text not null,
    version integer not null,
    user_id uuid not null references app.users on delete cascade,
    metric text not null check (length(metric) between 1 and 50),
    occurred_at timestamptz not null,
    primary key (flag, version, user_id, metric),
    foreign key (flag, version, user_id) references app.experiment_assignments on delete cascade
);
create index experiment_outcomes_user_id on app.experiment_outcomes (user_id);
comment on table app.experiment_outcomes is 'When a user who takes part first did what an experiment counts';

create table app.alert_verdicts (
    alert_event_id uuid primary key references app.alert_events on delete cascade,
    user_id uuid not null references app.users on delete cascade,
    token_hash bytea not null unique check (length(token_hash) = 32),
    is_useful boolean,
    answered_at timestamptz,
    check ((is_useful is null) = (answered_at is null))
);
create index alert_verdicts_user_id on app.alert_verdicts (user_id);
comment on table app.alert_verdicts is 'Whether a mail about an alert was useful, told by the link in it';

revoke insert, update, delete on app.flags, app.experiment_assignments, app.experiment_outcomes, app.alert_verdicts
    from coinsphere_api;
grant select on app.flags, app.experiment_assignments, app.experiment_outcomes, app.alert_verdicts to coinsphere_api;
grant insert, update on app.flags to coinsphere_api;
grant insert on app.experiment_outcomes to coinsphere_api;
grant update (is_useful, answered_at) on app.alert_verdicts to coinsphere_api;
grant select on app.flags to coinsphere_pipeline, coinsphere_worker;
grant select, insert, update on app.experiment_assignments to coinsphere_pipeline, coinsphere_worker;
grant select, insert on app.alert_verdicts to coinsphere_pipeline, coinsphere_worker;
grant select on app.experiment_outcomes to coinsphere_pipeline, coinsphere_worker;
grant select (subscription_tier) on app.users to coinsphere_pipeline, coinsphere_worker;
"""

OWNED = ("experiment_assignments", "experiment_outcomes", "alert_verdicts")
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy pipeline on app.{table} to coinsphere_pipeline, coinsphere_worker using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
# Whoever runs the system counts who takes part. Of a link it is found out whose it is.
MORE = """
create policy administration on app.experiment_assignments for select to coinsphere_api
    using (app.acting_scope() = 'administration');
create policy administration on app.experiment_outcomes for select to coinsphere_api
    using (app.acting_scope() = 'administration');
create policy authentication on app.alert_verdicts for select to coinsphere_api
    using (app.acting_scope() = 'authentication');
"""

DOWN = """
revoke select (subscription_tier) on app.users from coinsphere_pipeline, coinsphere_worker;
drop table app.alert_verdicts, app.experiment_outcomes, app.experiment_assignments, app.flags;
"""


def upgrade() -> None:
    op.execute(UP)
    for table in OWNED:
        op.execute(WALL.format(table=table))
    op.execute(MORE)


def downgrade() -> None:
    op.execute(DOWN)

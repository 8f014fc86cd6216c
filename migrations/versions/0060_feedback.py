"""What users tell us, read and closed by administrators."""

from alembic import op

revision = "0060"
down_revision = "0059"

UP = """
create table app.feedback (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    category text not null check (category = any (array['fault', 'idea', 'question', 'praise'])),
    body text not null check (length(body) between 1 and 4000),
    created_at timestamptz not null,
    closed_at timestamptz,
    check (created_at <= closed_at)
);
create index feedback_user_id on app.feedback (user_id, created_at);
create index feedback_open on app.feedback (created_at, id) where closed_at is null;
comment on table app.feedback is 'What users tell us; it goes with the account';

revoke insert, update, delete on app.feedback from coinsphere_api;
grant select, insert on app.feedback to coinsphere_api;
grant update (closed_at) on app.feedback to coinsphere_api;

alter table app.feedback enable row level security, force row level security;
create policy owner_of_rows on app.feedback to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy administration on app.feedback to coinsphere_api
    using (app.acting_scope() = 'administration') with check (app.acting_scope() = 'administration');
create policy owner_of_schema on app.feedback to current_user using (true) with check (true);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("drop table app.feedback")

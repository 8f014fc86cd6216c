"""Who somebody is at an OpenID provider, and logins there that have not come back."""

from alembic import op

revision = "0071"
down_revision = "0066"

TABLES = """
create table app.openid_identities (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    issuer text not null check (length(issuer) between 1 and 500),
    subject text not null check (length(subject) between 1 and 255),
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    unique (issuer, subject)
);
create index openid_identities_user_id on app.openid_identities (user_id);
comment on table app.openid_identities is 'An account at a provider that lets somebody into an account here';

create table app.openid_logins (
    state_hash bytea primary key check (length(state_hash) = 32),
    browser_hash bytea not null check (length(browser_hash) = 32),
    salt bytea not null check (length(salt) = 32),
    redirect_uri text not null,
    wanted text not null,
    user_id uuid references app.users on delete cascade,
    expires_at timestamptz not null
);
create index openid_logins_user_id on app.openid_logins (user_id);
create index openid_logins_expires_at on app.openid_logins (expires_at);
comment on column app.openid_logins.salt is 'Makes nonce and verifier of what the browser keeps; neither is enough';
comment on column app.openid_logins.user_id is 'Who is logged in and links the account; null for a login';

grant select, insert, update, delete on app.openid_identities, app.openid_logins to coinsphere_api;
grant select, delete on app.openid_logins to coinsphere_pipeline, coinsphere_worker;
create policy pipeline on app.openid_logins to coinsphere_pipeline, coinsphere_worker using (true) with check (true);
"""

OWNED = ("openid_identities", "openid_logins")
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy authentication on app.{table} to coinsphere_api
    using (app.acting_scope() in ('authentication', 'administration'))
    with check (app.acting_scope() in ('authentication', 'administration'));
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""


def upgrade() -> None:
    op.execute(TABLES)
    for table in OWNED:
        op.execute(WALL.format(table=table))


def downgrade() -> None:
    op.execute("drop table app.openid_logins, app.openid_identities")

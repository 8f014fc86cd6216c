"""What the account life needs: step-up, second factors, passkeys, throttling, mails whose text is a secret."""

from alembic import op

revision = "0017"
down_revision = "0016"

ACCOUNTS = """
alter table app.users add column totp_enabled_at timestamptz;
comment on column app.users.totp_secret is 'Sealed; pending while totp_enabled_at is null';
comment on column app.users.two_factor_enabled is 'A password alone does not suffice: there is an authenticator app or a passkey';
update app.users set totp_enabled_at = now() where two_factor_enabled and totp_secret is not null;

alter table app.sessions add column authenticated_at timestamptz not null default now();
update app.sessions set authenticated_at = created_at;
comment on column app.sessions.authenticated_at is 'When its user last proved to be there, by password or code';
alter table app.sessions
    drop constraint sessions_revoke_reason_check,
    add constraint sessions_revoke_reason_check check (revoke_reason in
        ('logout', 'logout_all', 'reuse', 'password', 'two_factor', 'disabled', 'expired', 'evicted', 'admin', 'role'));

alter table app.mails add column is_secret boolean not null default false;
comment on column app.mails.is_secret is 'Holds a link that lets somebody in: the text is forgotten once it is sent';

-- A paid bill outlives the account, without its name.
alter table app.payment_intents
    alter column user_id drop not null,
    drop constraint payment_intents_user_id_fkey,
    add constraint payment_intents_user_id_fkey foreign key (user_id) references app.users on delete set null;
"""

FACTORS = """
create table app.recovery_codes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    code_hash bytea not null unique check (length(code_hash) = 32),
    created_at timestamptz not null default now(),
    used_at timestamptz
);
create index recovery_codes_user_id on app.recovery_codes (user_id);

create table app.passkeys (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    name text not null check (length(name) between 1 and 100),
    credential_id bytea not null unique check (length(credential_id) between 1 and 1023),
    public_key bytea not null,
    sign_count bigint not null check (sign_count >= 0),
    transports text[] not null default '{}',
    is_backed_up boolean not null default false,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
create index passkeys_user_id on app.passkeys (user_id);

create table app.passkey_challenges (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references app.users on delete cascade,
    purpose text not null check (purpose in ('register', 'login', 'second_factor')),
    challenge bytea not null check (length(challenge) >= 32),
    expires_at timestamptz not null
);
create index passkey_challenges_user_id on app.passkey_challenges (user_id);
create index passkey_challenges_expires_at on app.passkey_challenges (expires_at);

create table app.incomplete_logins (
    user_id uuid not null references app.users on delete cascade,
    ip_address inet not null,
    user_agent text,
    started_at timestamptz not null,
    primary key (user_id, ip_address)
);
comment on table app.incomplete_logins is 'The password was right and the second factor has not come: after some minutes the owner is told';
"""

THROTTLE = """
create table app.login_failures (
    key bytea primary key check (length(key) = 32),
    recent integer not null check (recent >= 1),
    consecutive integer not null check (consecutive >= recent),
    last_failed_at timestamptz not null,
    blocked_until timestamptz not null
);
create index login_failures_last_failed_at on app.login_failures (last_failed_at);
comment on column app.login_failures.key is 'HMAC of what is guarded: no list of who has an account';
"""

PRIVILEGES = """
grant select, insert, update, delete on app.recovery_codes, app.passkeys, app.passkey_challenges,
    app.incomplete_logins, app.login_failures to coinsphere_api;
grant select, delete on app.incomplete_logins, app.login_failures, app.passkey_challenges to coinsphere_pipeline;
grant select, insert, update on app.password_resets to coinsphere_pipeline;
grant delete on app.mails to coinsphere_pipeline;
"""

OWNED = ("recovery_codes", "passkeys", "passkey_challenges", "incomplete_logins")
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy authentication on app.{table} to coinsphere_api
    using (app.acting_scope() in ('authentication', 'administration'))
    with check (app.acting_scope() in ('authentication', 'administration'));
create policy pipeline on app.{table} to coinsphere_pipeline using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""

DOWN = """
revoke select, insert, update on app.password_resets from coinsphere_pipeline;
revoke delete on app.mails from coinsphere_pipeline;
drop table app.login_failures, app.incomplete_logins, app.passkey_challenges, app.passkeys, app.recovery_codes;
delete from app.payment_intents where user_id is null;
alter table app.payment_intents
    drop constraint payment_intents_user_id_fkey,
    add constraint payment_intents_user_id_fkey foreign key (user_id) references app.users,
    alter column user_id set not null;
alter table app.mails drop column is_secret;
update app.sessions set revoke_reason = 'password' where revoke_reason = 'two_factor';
alter table app.sessions
    drop constraint sessions_revoke_reason_check,
    add constraint sessions_revoke_reason_check check (revoke_reason in
        ('logout', 'logout_all', 'reuse', 'password', 'disabled', 'expired', 'evicted', 'admin', 'role')),
    drop column authenticated_at;
alter table app.users drop column totp_enabled_at;
"""


def upgrade() -> None:
    for statements in (ACCOUNTS, FACTORS, THROTTLE, PRIVILEGES):
        op.execute(statements)
    for table in OWNED:
        op.execute(WALL.format(table=table))


def downgrade() -> None:
    op.execute(DOWN)

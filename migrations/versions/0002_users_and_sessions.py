"""Users, their sessions and their credentials."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
create table app.users (
    id uuid primary key default gen_random_uuid(),
    email text not null check (length(email) between 3 and 254 and email !~ '[[:cntrl:]]'),
    password_hash text not null,
    first_name text check (length(first_name) <= 100),
    last_name text check (length(last_name) <= 100),
    role text not null default 'user' check (role in ('user', 'analyst', 'admin')),
    subscription_tier text not null default 'free' check (subscription_tier in ('free', 'pro', 'enterprise')),
    email_verified boolean not null default false,
    is_active boolean not null default true,
    two_factor_enabled boolean not null default false,
    totp_secret bytea,
    totp_last_step bigint,
    last_login_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index users_email_key on app.users (lower(email));
create trigger users_touch before update on app.users for each row execute function app.touch_updated_at();

create table app.sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    user_agent text,
    ip_address inet,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoke_reason text check (revoke_reason in ('logout', 'logout_all', 'reuse', 'password', 'disabled', 'expired', 'evicted')),
    check ((revoked_at is null) = (revoke_reason is null))
);
create index sessions_user_id on app.sessions (user_id);

-- Every token of a family is kept until the session ends, so that the reuse of any of them is seen.
create table app.refresh_tokens (
    token_hash bytea primary key check (length(token_hash) = 32),
    session_id uuid not null references app.sessions on delete cascade,
    issued_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_tokens_session_id on app.refresh_tokens (session_id);

create table app.email_verifications (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    email text not null,
    token_hash bytea not null unique check (length(token_hash) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index email_verifications_user_id on app.email_verifications (user_id);

create table app.password_resets (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    token_hash bytea not null unique check (length(token_hash) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index password_resets_user_id on app.password_resets (user_id);

create table app.api_keys (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references app.users on delete cascade,
    name text not null check (length(name) between 1 and 100),
    prefix text not null,
    key_hash bytea not null unique check (length(key_hash) = 32),
    scopes text[] not null default '{}',
    allowed_networks cidr[] not null default '{}',
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index api_keys_user_id on app.api_keys (user_id);
"""

DOWN = """
drop table app.api_keys, app.password_resets, app.email_verifications, app.refresh_tokens, app.sessions, app.users;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

"""API keys that sign and rotate, nonces seen, feature switches, and room to forget what is old."""

from alembic import op

revision = "0016"
down_revision = "0015"

UP = """
alter table app.api_keys
    add column public_key bytea check (length(public_key) = 32),
    add column rotated_from uuid references app.api_keys on delete set null,
    add column last_used_from inet;
create index api_keys_rotated_from on app.api_keys (rotated_from);
comment on column app.api_keys.public_key is 'Ed25519; where there is one, every request of the key must be signed';

create table app.signature_nonces (
    api_key_id uuid not null references app.api_keys on delete cascade,
    nonce text not null check (length(nonce) between 1 and 128),
    seen_at timestamptz not null,
    primary key (api_key_id, nonce)
);
create index signature_nonces_seen_at on app.signature_nonces (seen_at);
comment on table app.signature_nonces is 'Signatures that were used; forgotten once their age alone refuses them';

create table app.feature_switches (
    feature text primary key check (length(feature) between 1 and 50),
    is_on boolean not null,
    changed_by uuid references app.users on delete set null,
    changed_at timestamptz not null
);
create index feature_switches_changed_by on app.feature_switches (changed_by);

alter table app.idempotency_keys add column id uuid not null default gen_random_uuid() unique;
create index idempotency_keys_created_at on app.idempotency_keys (created_at);
comment on column app.idempotency_keys.response is 'Sealed by envelope encryption: an answer may hold a new API key';

alter table app.sessions drop constraint sessions_revoke_reason_check;
alter table app.sessions add constraint sessions_revoke_reason_check check (revoke_reason in (
    'logout', 'logout_all', 'reuse', 'password', 'disabled', 'expired', 'evicted', 'admin'));

grant select, insert, delete on app.signature_nonces to coinsphere_api;
grant select, insert, update on app.feature_switches to coinsphere_api;
grant select (created_at), delete on app.idempotency_keys to coinsphere_pipeline;
grant select (seen_at), delete on app.signature_nonces to coinsphere_pipeline;

alter table app.signature_nonces enable row level security, force row level security;
create policy authentication on app.signature_nonces to coinsphere_api
    using (app.acting_scope() = 'authentication') with check (app.acting_scope() = 'authentication');
create policy pipeline on app.signature_nonces to coinsphere_pipeline using (true);
create policy owner_of_schema on app.signature_nonces to current_user using (true) with check (true);
"""

DOWN = """
revoke select (created_at), delete on app.idempotency_keys from coinsphere_pipeline;
update app.sessions set revoke_reason = 'disabled' where revoke_reason = 'admin';
alter table app.sessions drop constraint sessions_revoke_reason_check;
alter table app.sessions add constraint sessions_revoke_reason_check check (revoke_reason in (
    'logout', 'logout_all', 'reuse', 'password', 'disabled', 'expired', 'evicted'));
drop index app.idempotency_keys_created_at;
alter table app.idempotency_keys drop column id;
drop table app.feature_switches, app.signature_nonces;
alter table app.api_keys drop column last_used_from, drop column rotated_from, drop column public_key;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

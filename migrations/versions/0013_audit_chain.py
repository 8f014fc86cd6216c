"""Chain the audit log, and let nobody change it, its owner included."""

from alembic import op

revision = "0013"
down_revision = "0012"

UP = """
-- An entry outlives the account that it names: an update that empties the column would be a change of the entry.
alter table app.audit_logs drop constraint audit_logs_actor_id_fkey;

alter table app.audit_logs
    add column seq bigint unique check (seq > 0),
    add column prev_hash bytea check (length(prev_hash) = 32),
    add column entry_hash bytea check (length(entry_hash) = 32),
    add column key_id text check (key_id ~ '^[0-9a-f]{16}$'),
    add constraint audit_logs_chained check (num_nulls(seq, prev_hash, entry_hash, key_id) in (0, 4));
create index audit_logs_action on app.audit_logs (action, occurred_at);

create function app.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger audit_logs_append_only before update or delete on app.audit_logs
    for each row execute function app.refuse_change();
create trigger audit_logs_no_truncate before truncate on app.audit_logs
    for each statement execute function app.refuse_change();
-- Also in a session that replays a replica's changes, in which usual triggers sleep.
alter table app.audit_logs enable always trigger audit_logs_append_only;
alter table app.audit_logs enable always trigger audit_logs_no_truncate;

-- One writer at a time, until its transaction ends; the query after the lock sees what the last one committed.
create function app.audit_head(out seq bigint, out entry_hash bytea) language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7265002);
    select l.seq, l.entry_hash into audit_head.seq, audit_head.entry_hash
        from app.audit_logs l where l.seq is not null order by l.seq desc limit 1;
end $$;
"""

DOWN = """
drop function app.audit_head;
drop trigger audit_logs_no_truncate on app.audit_logs;
drop trigger audit_logs_append_only on app.audit_logs;
drop function app.refuse_change;
drop index app.audit_logs_action;
alter table app.audit_logs drop constraint audit_logs_chained;
alter table app.audit_logs drop column key_id, drop column entry_hash, drop column prev_hash, drop column seq;
update app.audit_logs set actor_id = null where actor_id not in (select id from app.users);
alter table app.audit_logs
    add constraint audit_logs_actor_id_fkey foreign key (actor_id) references app.users on delete set null;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
